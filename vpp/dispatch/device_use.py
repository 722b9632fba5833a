"""What devices have done so far today and this season, against what their owners and their machines allow."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from telemetry import queries as readings
from vpp.dispatch.fleet import Fleet
from vpp.dispatch.fleet_state import STEP_HOURS
from vpp.dispatch.kernels.headroom import FleetState, is_on
from vpp.enrollment.queries import DeviceTable

Floats = NDArray[np.float64]

USED = """
SELECT device_id, moved_kwh, hours, events, extract(epoch FROM last_interval)::float8
  FROM dispatch_deviceuse WHERE delivery_date = %s
"""


def with_use(state: FleetState, fleet: Fleet, delivery_date: date, interval_start: datetime) -> FleetState:
    """Count what the devices have already done that day against their owners' hours, events and rest."""
    table = fleet.table
    with connection.cursor() as cursor:
        cursor.execute(USED, [delivery_date])
        found = np.array(cursor.fetchall(), dtype=np.float64).reshape(-1, 5)
    rows = fleet.rows_of(found[:, 0].astype(np.int64))
    known = rows >= 0
    used = np.zeros((3, len(table)))
    used[:, rows[known]] = found[known, 1:4].T
    idle_hours = np.full(len(table), np.inf)
    gap_hours = (interval_start.timestamp() - found[known, 4]) / 3600.0 - STEP_HOURS
    idle_hours[rows[known]] = np.maximum(gap_hours, 0.0)
    return replace(
        state,
        used_kwh=used[0],
        hours_left=table.max_hours_per_day - used[1],
        events_left=np.minimum(table.max_events_per_day - used[2], left_of_season(table, fleet, delivery_date)),
        idle_hours=idle_hours,
    )


SEASON = (
    "SELECT device_id, sum(events) FROM dispatch_deviceuse WHERE delivery_date BETWEEN %s AND %s GROUP BY device_id"
)


def season_start(day: date) -> date:
    """Summer begins on 1 April, winter on 1 October."""
    if 4 <= day.month < 10:
        return date(day.year, 4, 1)
    return date(day.year if day.month >= 10 else day.year - 1, 10, 1)


def left_of_season(table: DeviceTable, fleet: Fleet, delivery_date: date) -> Floats:
    """(N,) events that the owners still allow in the running season; infinite where they set no number."""
    if not np.isfinite(table.max_events_per_season).any():
        return table.max_events_per_season
    counted = events_of_season(delivery_date)
    found = np.array(list(counted.items()), dtype=np.float64).reshape(-1, 2)
    rows = fleet.rows_of(found[:, 0].astype(np.int64))
    used = np.zeros(len(table))
    used[rows[rows >= 0]] = found[rows >= 0, 1]
    return table.max_events_per_season - used


def events_of_season(delivery_date: date) -> dict[int, float]:
    """Events by device from the season's first day up to this one; devices without any are left out."""
    with connection.cursor() as cursor:
        cursor.execute(SEASON, [season_start(delivery_date), delivery_date])
        return {int(device_id): float(events) for device_id, events in cursor.fetchall()}


def with_run(state: FleetState, fleet: Fleet, interval_start: datetime, at: datetime) -> FleetState:
    """How long devices with minimum times have been on or off, by whole quarter hours that ended; one without a
    reading is no reason to hold on to anything."""
    bound_hours = np.maximum(state.min_on_hours, state.min_off_hours)
    rows = np.flatnonzero(bound_hours > 0.0)
    if rows.size == 0:
        return state
    steps = int(np.ceil(bound_hours.max() / STEP_HOURS))
    begin = interval_start - timedelta(hours=STEP_HOURS * steps)
    power_kw = readings.interval_power_kw(fleet.table.device_id[rows], begin, interval_start, at)
    present_kw = np.where(np.isnan(state.previous_kw), 0.0, state.previous_kw)
    now_on = is_on(state, present_kw)[rows]
    was_on = np.stack([is_on(state.part(rows), power_kw[:, step]) for step in range(steps)], axis=1)
    same = (was_on == now_on[:, None]) & ~np.isnan(power_kw)
    unbroken = np.cumprod(same[:, ::-1], axis=1).sum(axis=1)
    broke_at = np.clip(steps - 1 - unbroken, 0, steps - 1)
    unknown = np.isnan(power_kw[np.arange(rows.size), broke_at]) | (unbroken == steps)
    run_hours = state.run_hours.copy()
    run_hours[rows] = np.where(unknown, np.inf, unbroken * STEP_HOURS)
    return replace(state, run_hours=run_hours)
