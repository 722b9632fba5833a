"""What the network room does: takes in grids, switches them, screens injections, checks connections, stores plans."""

from vpp.network.operations.importing import ImportReport, NetworkRefused, import_network
from vpp.network.operations.screening import (
    ConnectionAnswer,
    ScreeningResult,
    Series,
    UnknownNode,
    WrongSeries,
    check_connection,
    screen,
)
from vpp.network.operations.switching import BadSwitching, SwitchingAnswer, switch, try_switching

__all__ = [
    "BadSwitching",
    "ConnectionAnswer",
    "ImportReport",
    "NetworkRefused",
    "ScreeningResult",
    "Series",
    "SwitchingAnswer",
    "UnknownNode",
    "WrongSeries",
    "check_connection",
    "import_network",
    "screen",
    "switch",
    "try_switching",
]
