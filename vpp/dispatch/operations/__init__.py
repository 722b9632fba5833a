"""What dispatch does: plan a day, run a control cycle, judge an interval, talk to gateways."""

from vpp.dispatch.answers import store_answers, store_applied
from vpp.dispatch.operations.closing import close_day
from vpp.dispatch.operations.cycle import control_cycle, control_cycles
from vpp.dispatch.operations.gateway import Outgoing, answer_setpoints, fetch_setpoints
from vpp.dispatch.operations.judging import mark_followed
from vpp.dispatch.operations.owners import (
    hand_site_over,
    hold,
    react,
    replan,
    set_device_limits,
    set_device_opt_out,
    set_device_terms,
    withdraw_site_consent,
)
from vpp.dispatch.operations.planning import plan_day
from vpp.dispatch.operations.watching import acknowledge_alarm, deviations, watch
from vpp.dispatch.outbox import mark_sent, newest_cycle, waiting_setpoints

__all__ = [
    "Outgoing", "acknowledge_alarm", "answer_setpoints", "close_day", "control_cycle", "control_cycles", "deviations",
    "fetch_setpoints", "hand_site_over", "hold", "mark_followed", "mark_sent", "newest_cycle", "plan_day", "react",
    "replan", "set_device_limits", "set_device_opt_out", "set_device_terms", "store_answers", "store_applied",
    "waiting_setpoints", "watch", "withdraw_site_consent",
]  # fmt: skip
