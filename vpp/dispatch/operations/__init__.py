"""What dispatch does: plan a day, run a control cycle, judge an interval, talk to gateways."""

from vpp.dispatch.operations.closing import close_day
from vpp.dispatch.operations.cycle import control_cycle, control_cycles
from vpp.dispatch.operations.gateway import answer_setpoints, fetch_setpoints
from vpp.dispatch.operations.judging import mark_followed
from vpp.dispatch.operations.planning import plan_day

__all__ = [
    "answer_setpoints", "close_day", "control_cycle", "control_cycles", "fetch_setpoints", "mark_followed", "plan_day",
]  # fmt: skip
