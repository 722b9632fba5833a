"""The whole delivery day split over the devices ahead of time, with stores that empty and fill on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vpp.dispatch.kernels.corridor import Corridor, recovery_up_kw, spare_kwh, store_corridor, total_store
from vpp.dispatch.kernels.disaggregate import Claims, PlaceLimits, Split, Stop, disaggregate
from vpp.dispatch.kernels.headroom import SHIFTABLE, FleetState, headroom, is_on
from vpp.dispatch.kernels.limits import Limit

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DayTask:
    """A portfolio's day, arrays (H,): committed_up_kw net, up positive; held_*_kwh energy of held reserves."""

    committed_up_kw: Floats
    held_up_kwh: Floats
    held_down_kwh: Floats


@dataclass(frozen=True)
class DayPlan:
    """target_kw (N, H); residual_kw (H,), up positive; reason (H,) Limit; stops (H,); the corridor of the batteries."""

    target_kw: Floats
    residual_kw: Floats
    reason: list[Limit]
    stops: list[tuple[Stop, ...]]
    corridor: Corridor


def plan_day(
    task: DayTask,
    baseline_kw: Floats,
    start: FleetState,
    cost_eur_per_kwh: Floats,
    step_hours: float,
    places: Callable[[int], Sequence[PlaceLimits]] | None = None,
    claims: Callable[[int], Claims | None] | None = None,
) -> DayPlan:
    """Split the committed net power over N devices with baselines (N, H), from the state at the day's start.

    start.baseline_kw is replaced interval by interval; places gives the limits of an interval, claims what of its
    commitment only some devices may serve. Later intervals see what the earlier ones used.
    """
    claims_at = [claims(t) if claims else None for t in range(task.committed_up_kw.size)]
    corridor = day_corridor(task, baseline_kw, start, step_hours, claims_at)
    n_intervals = task.committed_up_kw.size
    target_kw, residual_kw = np.empty_like(baseline_kw), np.zeros(n_intervals)
    reason: list[Limit] = []
    stops: list[tuple[Stop, ...]] = []
    state = start
    for t in range(n_intervals):
        state = replace(state, baseline_kw=baseline_kw[:, t])
        split = split_interval(
            float(task.committed_up_kw[t]),
            state,
            cost_eur_per_kwh,
            float(corridor.least_kwh[t]),
            float(corridor.most_kwh[t]),
            step_hours,
            places(t) if places else (),
            claims_at[t],
        )
        target_kw[:, t], residual_kw[t] = split.target_kw, split.residual_kw
        reason.append(split.reason)
        stops.append(split.stops)
        state = after_step(state, split.target_kw, step_hours)
    return DayPlan(target_kw, residual_kw, reason, stops, corridor)


def split_interval(
    committed_up_kw: float,
    state: FleetState,
    cost_eur_per_kwh: Floats,
    least_kwh: float,
    most_kwh: float,
    step_hours: float,
    places: Sequence[PlaceLimits] = (),
    claims: Claims | None = None,
) -> Split:
    """One interval: the commitment over all devices, or, where nothing is promised, the recovery of the batteries.

    least_kwh, most_kwh : corridor of the batteries' content at the end of the interval.
    """
    store = total_store(state)
    if committed_up_kw != 0.0 or claims is not None:
        spare = spare_kwh(store, least_kwh, most_kwh, committed_up_kw >= 0.0)
        return disaggregate(
            committed_up_kw, state, cost_eur_per_kwh, step_hours, spare_store_kwh=spare, places=places, claims=claims
        )
    wanted_kw = recovery_up_kw(store, least_kwh, most_kwh, step_hours)
    batteries_only = np.where(
        (state.kind != "BATTERY") & (state.barred == 0), np.int8(Limit.NOT_PROMISED), state.barred
    )
    state = replace(state, barred=batteries_only.astype(np.int8))
    return disaggregate(wanted_kw, state, cost_eur_per_kwh, step_hours, places=places)


def day_corridor(
    task: DayTask, baseline_kw: Floats, state: FleetState, step_hours: float, claims: Sequence[Claims | None]
) -> Corridor:
    """The corridor of the batteries, with what the other devices can give, and may, in each interval."""
    others = state.kind != "BATTERY"
    lasting_up, lasting_down = np.zeros(task.committed_up_kw.size), np.zeros(task.committed_up_kw.size)
    for t in np.flatnonzero(task.committed_up_kw).tolist():
        room = headroom(replace(state, baseline_kw=baseline_kw[:, t]), step_hours)
        lasting_up[t], lasting_down[t] = room.up_kw[others].sum(), room.down_kw[others].sum()
        if (claim := claims[t]) is not None:
            for_batteries_kw = float(claim.kw[~claim.admitted[:, others].any(axis=1)].sum())
            lasting_up[t] = min(lasting_up[t], max(task.committed_up_kw[t] - for_batteries_kw, 0.0))
            lasting_down[t] = min(lasting_down[t], max(for_batteries_kw - task.committed_up_kw[t], 0.0))
    return store_corridor(
        task.committed_up_kw,
        lasting_up,
        lasting_down,
        task.held_up_kwh,
        task.held_down_kwh,
        total_store(state),
        step_hours,
    )


def after_step(state: FleetState, target_kw: Floats, step_hours: float) -> FleetState:
    """The state after the devices held target_kw (N,) for one step: stores, use, owner's hours, last power."""
    charge_kw, discharge_kw = np.maximum(target_kw, 0.0), np.maximum(-target_kw, 0.0)
    into_kw = charge_kw * state.charge_efficiency - discharge_kw / state.discharge_efficiency
    shifted_kw = target_kw - state.baseline_kw
    gain_kw = np.select([state.kind == "BATTERY", np.isin(state.kind, SHIFTABLE)], [into_kw, shifted_kw], 0.0)
    stored_kwh = np.maximum(state.stored_kwh + gain_kw * step_hours, 0.0)
    moved = np.abs(shifted_kw) > 0.0
    switched = is_on(state, target_kw) != is_on(
        state, np.where(np.isnan(state.previous_kw), target_kw, state.previous_kw)
    )
    return replace(
        state,
        previous_kw=target_kw,
        stored_kwh=np.where(state.capacity_kwh > 0.0, np.minimum(stored_kwh, state.capacity_kwh), stored_kwh),
        used_kwh=state.used_kwh + np.abs(shifted_kw) * step_hours,
        hours_left=state.hours_left - np.where(moved, step_hours, 0.0),
        events_left=state.events_left - np.where(moved & (state.idle_hours > 0.0), 1.0, 0.0),
        idle_hours=np.where(moved, 0.0, state.idle_hours + step_hours),
        run_hours=np.where(switched, step_hours, state.run_hours + step_hours),
    )
