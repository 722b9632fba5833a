"""What the network room does: takes in grids, switches them, screens injections, checks connections, stores plans."""

from vpp.network.operations.importing import ImportReport, NetworkRefused, import_network
from vpp.network.operations.plans import (
    PlanDecided,
    PlanFrame,
    SameEyes,
    StalePlan,
    UnknownPlan,
    decide_plan,
    store_plan,
)
from vpp.network.operations.screening import (
    ConnectionAnswer,
    ScreeningResult,
    Series,
    UnknownNode,
    WrongSeries,
    check_connection,
    injection_matrix,
    screen,
    screen_grid,
)
from vpp.network.operations.switching import BadSwitching, SwitchingAnswer, switch, try_switching

__all__ = [
    "BadSwitching",
    "ConnectionAnswer",
    "ImportReport",
    "NetworkRefused",
    "PlanDecided",
    "PlanFrame",
    "SameEyes",
    "ScreeningResult",
    "Series",
    "StalePlan",
    "SwitchingAnswer",
    "UnknownNode",
    "UnknownPlan",
    "WrongSeries",
    "check_connection",
    "decide_plan",
    "import_network",
    "injection_matrix",
    "screen",
    "screen_grid",
    "store_plan",
    "switch",
    "try_switching",
]
