"""The whole delivery day split over the devices ahead of time, with stores that empty and fill on the way."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vpp.dispatch.kernels.disaggregate import FeederLimits, disaggregate, energy_needed_later_kwh
from vpp.dispatch.kernels.headroom import SHIFTABLE, FleetState, Limit, headroom

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DayPlan:
    """target_kw (N, H); residual_kw (H,), up positive; reason (H,) Limit; needed_*_kwh (H,) of the stores after t."""

    target_kw: Floats
    residual_kw: Floats
    reason: list[Limit]
    needed_up_kwh: Floats
    needed_down_kwh: Floats


def plan_day(
    net_up_kw: Floats,
    baseline_kw: Floats,
    start: FleetState,
    cost_eur_per_kwh: Floats,
    step_hours: float,
    feeders: FeederLimits | None = None,
) -> DayPlan:
    """Split the committed net power (H,) over N devices with baselines (N, H), from the state at the day's start.

    start.baseline_kw is replaced interval by interval. Later intervals see what the earlier ones used.
    """
    n_intervals = net_up_kw.size
    needed_up, needed_down = needed_later(net_up_kw, baseline_kw, start, step_hours)
    target_kw, residual_kw = np.empty_like(baseline_kw), np.zeros(n_intervals)
    reason: list[Limit] = []
    state = start
    for t in range(n_intervals):
        state = replace(state, baseline_kw=baseline_kw[:, t])
        needed_kwh = float(needed_up[t] if net_up_kw[t] >= 0.0 else needed_down[t])
        split = disaggregate(
            float(net_up_kw[t]), state, cost_eur_per_kwh, step_hours, needed_later_kwh=needed_kwh, feeders=feeders
        )
        target_kw[:, t], residual_kw[t] = split.target_kw, split.residual_kw
        reason.append(split.reason)
        state = after_step(state, split.target_kw, step_hours)
    return DayPlan(target_kw, residual_kw, reason, needed_up, needed_down)


def needed_later(net_up_kw: Floats, baseline_kw: Floats, state: FleetState, step_hours: float) -> tuple[Floats, Floats]:
    """Energy (H,) up and down, in kWh, that the batteries must keep for after each interval."""
    others = state.kind != "BATTERY"
    lasting_up, lasting_down = np.zeros(net_up_kw.size), np.zeros(net_up_kw.size)
    for t in range(net_up_kw.size):
        room = headroom(replace(state, baseline_kw=baseline_kw[:, t]), step_hours)
        lasting_up[t], lasting_down[t] = room.up_kw[others].sum(), room.down_kw[others].sum()
    return energy_needed_later_kwh(net_up_kw, lasting_up, lasting_down, step_hours)


def after_step(state: FleetState, target_kw: Floats, step_hours: float) -> FleetState:
    """The state after the devices held target_kw (N,) for one step: stores, use, owner's hours, last power."""
    charge_kw, discharge_kw = np.maximum(target_kw, 0.0), np.maximum(-target_kw, 0.0)
    into_kw = charge_kw * state.charge_efficiency - discharge_kw / state.discharge_efficiency
    shifted_kw = target_kw - state.baseline_kw
    gain_kw = np.select([state.kind == "BATTERY", np.isin(state.kind, SHIFTABLE)], [into_kw, shifted_kw], 0.0)
    stored_kwh = np.maximum(state.stored_kwh + gain_kw * step_hours, 0.0)
    moved = np.abs(shifted_kw) > 0.0
    return replace(
        state,
        previous_kw=target_kw,
        stored_kwh=np.where(state.capacity_kwh > 0.0, np.minimum(stored_kwh, state.capacity_kwh), stored_kwh),
        used_kwh=state.used_kwh + np.abs(shifted_kw) * step_hours,
        hours_left=state.hours_left - np.where(moved, step_hours, 0.0),
    )
