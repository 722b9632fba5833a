"""What a control cycle decides on: commitments, plans, measurements, behaviour and the setpoints in force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from vpp.dispatch import device_use, fleet_state, live_state, setpoint_rows
from vpp.dispatch.fleet import Fleet
from vpp.dispatch.kernels.claims import Claims
from vpp.dispatch.kernels.follow import Verdict
from vpp.dispatch.kernels.headroom import FleetState
from vpp.dispatch.kernels.limits import Limit
from vpp.dispatch.operations.current_plans import CurrentPlan, current_plans, planned_kw
from vpp.dispatch.operations.judging import STEP, mark_devices
from vpp.dispatch.operations.presence import mark_presence
from vpp.dispatch.positions import Position, positions_of
from vpp.dispatch.priorities import by_priority
from vpp.dispatch.restricted import excludes_some, restricted
from vpp.enrollment.models import Portfolio
from vpp.lib.periods import DeliveryDay, delivery_day_of

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Codes = NDArray[np.int8]

SETTLED = timedelta(minutes=1)  # before that no reading can tell how a device follows in the running interval
SAME_KW = 0.01  # powers closer than this are the same setpoint
SAME_KVAR = 0.01


@dataclass(frozen=True)
class Held:
    """What holds for each device (N,) at a moment: target and the power expected without it (NaN: on its own), reactive
    power (NaN: its own), until when, refused in this interval, judged as missed."""

    target_kw: Floats
    target_kvar: Floats
    baseline_kw: Floats
    until_s: Floats  # epoch seconds, NaN without any target
    refused: Bools
    missed: Bools


@dataclass(frozen=True)
class Scene:
    """Some portfolios of one time zone at the start of one interval; arrays by the rows of the fleet."""

    day: DeliveryDay
    index: int
    fleet: Fleet
    promised: dict[int, Position]  # as awarded
    positions: dict[int, Position]  # as wanted now: an emergency of the grid sets awards aside
    plans: dict[int, CurrentPlan]
    state: FleetState
    held: Held

    @property
    def start(self) -> datetime:
        return self.day.start + STEP * self.index

    def before(self) -> tuple[dict[int, Position], int]:
        """What was promised by portfolio for the day of the interval before, and that interval's place in it."""
        if self.index:
            return self.promised, self.index - 1
        yesterday = delivery_day_of(self.start - STEP, self.day.zone)
        return positions_of(list(self.fleet.parts), yesterday), yesterday.n_intervals - 1

    def committed_up_kw(self, portfolio_id: int) -> float:
        return float(self.positions[portfolio_id].committed_up_kw[self.index])

    def claims(self, portfolio_id: int) -> Claims | None:
        """What of it only some of the portfolio's devices may serve."""
        position = self.positions[portfolio_id]
        if not excludes_some(position):
            return None
        return restricted(self.fleet.table_of(portfolio_id), position).at(self.index)


def look(
    portfolios: Sequence[Portfolio], fleet: Fleet, day: DeliveryDay, interval_start: datetime, at: datetime
) -> Scene:
    """Read everything the cycle needs as known at `at`; marks devices that went silent or came back."""
    index, table = day.index_of(interval_start), fleet.table
    positions = positions_of(list(fleet.parts), day)
    plans = current_plans(portfolios, day, positions, at)
    measured = fleet_state.measured_before(table.device_id, interval_start, at)
    mark_presence(table.device_id, fleet_state.silent(fleet, measured, interval_start, STEP), interval_start)
    held, earlier = held_at(fleet, interval_start), held_at(fleet, interval_start - STEP)
    baseline_kw, target_kw = planned_kw(plans, fleet, index)
    planned = np.abs(target_kw - baseline_kw) >= SAME_KW
    dispatched = ~np.isnan(held.target_kw) | ~np.isnan(earlier.target_kw)
    barred = fleet_state.not_usable(table)
    badly = fleet_state.behaving_badly(fleet, measured, interval_start, STEP)
    if at - interval_start >= SETTLED:
        badly = _seen_inside(fleet, interval_start, at, badly)
    refused = np.where(held.refused, np.int8(Limit.REFUSED), np.int8(Limit.NONE))
    unwarned = (table.notice_minutes > 0) & ~planned & ~dispatched
    notice = np.where(unwarned, np.int8(Limit.OWNER_NOTICE), np.int8(Limit.NONE))
    for reason in (badly, refused, notice):
        barred = np.where(barred == Limit.NONE, reason, barred).astype(np.int8)
    state = fleet_state.starting_state(table, measured, barred)
    state = fleet_state.with_interval(state, baseline_kw, measured, dispatched, held.baseline_kw)
    state = device_use.with_run(state, fleet, interval_start, at)
    state = device_use.with_use(state, fleet, day.date, interval_start)
    wanted = by_priority(positions, index, interval_start, at)
    return Scene(day, index, fleet, positions, wanted, plans, state, held)


def _seen_inside(fleet: Fleet, start: datetime, at: datetime, badly: Codes) -> Codes:
    """`badly` and what the readings of the running interval add; who disobeys is marked, to be tried again later."""
    rows, codes = live_state.behaviour_inside(fleet, start, at)
    disobey = rows[codes == Limit.DISOBEYED]
    if disobey.size:
        verdict = np.full(disobey.size, Verdict.DISOBEYED, dtype=np.int8)
        mark_devices(fleet.table.device_id[disobey], verdict, start)
    seen = badly.copy()
    seen[rows] = np.where(badly[rows] == Limit.NONE, codes, badly[rows])
    return seen


def held_at(fleet: Fleet, moment: datetime) -> Held:
    """The setpoints in force at `moment`; a refused or released device is on its own. One that is released may still
    hold reactive power."""
    found = setpoint_rows.in_force(list(fleet.parts), moment)
    rows = fleet.rows_of(found.device_id)
    reactive = ~np.isnan(found.target_kvar)
    known = (rows >= 0) & (~found.released | reactive)
    turned_down = np.array([state == "REFUSED" for state in found.state], dtype=bool)
    n, none = len(fleet.table), np.full(len(fleet.table), np.nan)
    missed = np.array([state == "MISSED" for state in found.state], dtype=bool)
    no = np.zeros(n, dtype=bool)
    held = Held(none, none.copy(), none.copy(), none.copy(), no, no.copy())
    holds = known & ~turned_down
    real = holds & ~found.released
    held.target_kw[rows[real]] = found.target_kw[real]
    held.baseline_kw[rows[real]] = found.baseline_kw[real]
    held.target_kvar[rows[holds]] = found.target_kvar[holds]
    held.until_s[rows[holds]] = np.array([until.timestamp() for until in found.expires_at])[holds]
    held.missed[rows[holds]] = missed[holds]
    of_now = np.array([start == moment for start in found.interval_start], dtype=bool)
    held.refused[rows[known & turned_down]] = of_now[known & turned_down]
    return held
