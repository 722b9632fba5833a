"""What a control cycle decides on: commitments, plan, measurements, behaviour and the setpoints in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from vpp.dispatch import fleet_state, setpoint_rows
from vpp.dispatch.kernels.headroom import FleetState, Limit
from vpp.dispatch.models import Plan
from vpp.dispatch.operations.judging import STEP
from vpp.dispatch.operations.planning import plan_for
from vpp.dispatch.operations.presence import mark_presence
from vpp.dispatch.positions import Position, position_of
from vpp.enrollment.models import Portfolio
from vpp.enrollment.queries import DeviceTable
from vpp.lib.periods import DeliveryDay, delivery_day_of

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SAME_KW = 0.01  # powers closer than this are the same setpoint


@dataclass(frozen=True)
class Held:
    """What holds for each device (N,) at a moment: target (NaN: on its own), until when, refused in this interval."""

    target_kw: Floats
    until: list[datetime | None]
    refused: Bools


@dataclass(frozen=True)
class Scene:
    """One portfolio at the start of one interval; arrays by the rows of the table."""

    portfolio: Portfolio
    day: DeliveryDay
    index: int
    position: Position
    plan: Plan
    table: DeviceTable
    state: FleetState
    held: Held

    @property
    def start(self) -> datetime:
        return self.day.start + STEP * self.index

    @property
    def committed_up_kw(self) -> float:
        return float(self.position.committed_up_kw[self.index])


def look(portfolio: Portfolio, table: DeviceTable, interval_start: datetime, at: datetime) -> Scene:
    """Read everything the cycle needs as known at `at`; marks devices that went silent or came back."""
    day = delivery_day_of(interval_start, portfolio.time_zone)
    index = day.index_of(interval_start)
    position = position_of(portfolio.pk, day)
    plan = plan_for(portfolio, day, position, at)
    measured = fleet_state.measured_before(table.device_id, interval_start, at)
    mark_presence(table.device_id, fleet_state.silent(measured, interval_start, STEP), interval_start)
    held = held_at(portfolio, table, interval_start)
    earlier = held_at(portfolio, table, interval_start - STEP)
    baseline_kw, planned_kw = _planned(plan, table, index)
    planned = np.abs(planned_kw - baseline_kw) >= SAME_KW
    barred = fleet_state.not_usable(table)
    badly = fleet_state.behaving_badly(table, measured, interval_start, STEP)
    refused = np.where(held.refused, np.int8(Limit.REFUSED), np.int8(Limit.NONE))
    unwarned = (table.notice_minutes > 0) & ~planned & np.isnan(held.target_kw) & np.isnan(earlier.target_kw)
    notice = np.where(unwarned, np.int8(Limit.OWNER_NOTICE), np.int8(Limit.NONE))
    for reason in (badly, refused, notice):
        barred = np.where(barred == Limit.NONE, reason, barred).astype(np.int8)
    state = fleet_state.starting_state(table, measured, barred)
    dispatched = ~np.isnan(held.target_kw) | ~np.isnan(earlier.target_kw)
    state = fleet_state.with_interval(state, baseline_kw, measured, dispatched)
    state = fleet_state.with_use(state, table, day.date, interval_start)
    return Scene(portfolio, day, index, position, plan, table, state, held)


def held_at(portfolio: Portfolio, table: DeviceTable, moment: datetime) -> Held:
    """The setpoints in force at `moment`; a refused or released device is on its own."""
    rows = setpoint_rows.in_force([portfolio.pk], moment)
    place = {int(device_id): row for row, device_id in enumerate(table.device_id)}
    target_kw, refused = np.full(len(table), np.nan), np.zeros(len(table), dtype=bool)
    until: list[datetime | None] = [None] * len(table)
    for number, device_id in enumerate(rows.device_id.tolist()):
        row = place.get(device_id)
        if row is None or rows.released[number]:
            continue
        if rows.state[number] == "REFUSED":
            refused[row] = rows.interval_start[number] == moment
            continue
        target_kw[row], until[row] = rows.target_kw[number], rows.expires_at[number]
    return Held(target_kw, until, refused)


def _planned(plan: Plan, table: DeviceTable, index: int) -> tuple[Floats, Floats]:
    """Baseline and planned power (N,) of one interval."""
    baseline_kw, planned_kw = np.zeros(len(table)), np.zeros(len(table))
    place = {int(device_id): row for row, device_id in enumerate(table.device_id)}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT device_id, baseline_kw[%s], target_kw[%s] FROM dispatch_plandevice WHERE plan_id = %s",
            [index + 1, index + 1, plan.pk],
        )
        for device_id, base, target in cursor.fetchall():
            if (row := place.get(device_id)) is not None:
                baseline_kw[row], planned_kw[row] = base, target
    return baseline_kw, planned_kw
