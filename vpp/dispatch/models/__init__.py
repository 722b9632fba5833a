"""From a portfolio's commitments to each device's setpoint, and what became of it.

Plans are one row of arrays per device. Setpoints are one row per device and change; they are written and moved on in
bulk (`setpoint_rows.py`), never one object a row. Triggers refuse a setpoint outside its device's rating, and a step
that Setpoint.STEPS does not allow.
"""

from vpp.dispatch.models.alarms import Alarm
from vpp.dispatch.models.links import ChargingStation, ChargingTransaction, Link
from vpp.dispatch.models.plans import ControlCycle, Plan, PlanDevice, Shortfall
from vpp.dispatch.models.priorities import Claim, DispatchPriority, GridEmergency
from vpp.dispatch.models.setpoints import DeviceStatus, DeviceUse, Setpoint

__all__ = [
    "Alarm", "ChargingStation", "ChargingTransaction", "Claim", "ControlCycle", "DeviceStatus", "DeviceUse",
    "DispatchPriority", "GridEmergency", "Link", "Plan", "PlanDevice", "Setpoint", "Shortfall",
]  # fmt: skip
