"""From enrolled devices, their last readings and their behaviour to the arrays that the kernels split over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from telemetry import queries as readings
from vpp.dispatch.fleet import Fleet
from vpp.dispatch.kernels.headroom import SHIFTABLE, FleetState
from vpp.dispatch.kernels.limits import Limit
from vpp.dispatch.models import DeviceStatus
from vpp.enrollment.queries import DeviceTable
from vpp.lib.periods import as_datetime64

Floats = NDArray[np.float64]
Codes = NDArray[np.int8]

STEP_HOURS = 0.25
REACH_BACK = timedelta(hours=1)
ASSUMED_SOC_PU = 0.5  # of a battery that has never reported
SILENT_MAJORITY_PU = 0.5  # with more devices than this unreported, it is our reading path that failed, not the devices

# Share of a request that a kind fails to give on average: nobody steers whether a car is plugged in or how warm it is.
# Merit order: own cost plus this share times what a missing kilowatt-hour costs.
UNCERTAIN_PU = {
    "EV_CHARGER": 0.4,
    "HEAT_PUMP": 0.25,
    "WATER_HEATER": 0.25,
    "FLEXIBLE_LOAD": 0.1,
    "PV": 0.3,
    "WIND": 0.3,
    "HYDRO": 0.1,
    "BIOMASS": 0.02,
    "GENSET": 0.02,
}
MISSING_COST_PER_KWH = 0.2
COST_STEP_PER_KWH = 0.03  # costs closer than this count as equal, so that use rotates among alike devices


@dataclass(frozen=True)
class Measured:
    """Last known readings (N,): NaN where there is none. at: (N,) datetime64[s], NaT where there is none."""

    at: NDArray[np.datetime64]
    power_kw: Floats
    stored_kwh: Floats


def merit_cost(table: DeviceTable) -> Floats:
    """(N,) EUR/kWh by which devices are called, in steps so that alike devices are equals."""
    uncertain_pu = np.array([UNCERTAIN_PU.get(kind, 0.0) for kind in table.kind])
    cost = table.cost_per_kwh + uncertain_pu * MISSING_COST_PER_KWH
    return np.round(cost / COST_STEP_PER_KWH) * COST_STEP_PER_KWH


def starting_state(table: DeviceTable, measured: Measured, barred: Codes) -> FleetState:
    """The fleet before the day's first commitment; baseline 0 until an interval sets it."""
    n = len(table)
    kind = np.array(table.kind, dtype=np.str_)
    assumed_kwh = np.where(kind == "BATTERY", ASSUMED_SOC_PU * table.energy_capacity_kwh, np.nan)
    stored_kwh = np.where(np.isnan(measured.stored_kwh), assumed_kwh, measured.stored_kwh)
    return FleetState(
        kind=kind,
        baseline_kw=np.zeros(n),
        previous_kw=np.full(n, np.nan),
        max_consumption_kw=table.max_consumption_kw,
        max_production_kw=table.max_production_kw,
        stored_kwh=stored_kwh,
        capacity_kwh=table.energy_capacity_kwh,
        floor_kwh=table.reserve_floor_pu * table.energy_capacity_kwh,
        charge_efficiency=table.charge_efficiency,
        discharge_efficiency=table.discharge_efficiency,
        ramp_kw_per_minute=table.ramp_kw_per_minute,
        used_kwh=np.zeros(n),
        hours_left=table.max_hours_per_day,
        events_left=table.max_events_per_day,
        idle_hours=np.full(n, np.inf),
        rest_hours=table.rest_minutes / 60.0,
        run_hours=np.full(n, np.inf),
        min_on_hours=table.min_on_minutes / 60.0,
        min_off_hours=table.min_off_minutes / 60.0,
        barred=barred,
    )


def not_usable(table: DeviceTable) -> Codes:
    """(N,) Limit codes of devices that may not be dispatched at all: opted out, suspended, not controllable."""
    barred = np.where(table.opted_out, np.int8(Limit.OPTED_OUT), np.int8(Limit.NONE))
    barred = np.where(table.suspended, np.int8(Limit.SUSPENDED), barred)
    fixed = ~table.controllable
    return np.where(fixed & (barred == Limit.NONE), np.int8(Limit.RATING), barred).astype(np.int8)


def behaving_badly(fleet: Fleet, measured: Measured, interval_start: datetime, step: timedelta) -> Codes:
    """(N,) Limit codes of devices to leave out of an interval: marked and not yet to be retried, or gone silent."""
    barred = np.zeros(len(fleet.table), dtype=np.int8)
    marked = DeviceStatus.objects.exclude(state=DeviceStatus.State.ONLINE)  # few, so not narrowed to the fleet's ids
    found = list(marked.values_list("device_id", "state", "retry_at"))
    rows = fleet.rows_of(np.array([device_id for device_id, _, _ in found], dtype=np.int64))
    for row, (_, state, retry_at) in zip(rows.tolist(), found, strict=True):
        if row >= 0 and state != DeviceStatus.State.SILENT and (retry_at is None or retry_at > interval_start):
            barred[row] = Limit[state]
    return np.where(silent(fleet, measured, interval_start, step) & (barred == 0), np.int8(Limit.SILENT), barred)


def silent(fleet: Fleet, measured: Measured, interval_start: datetime, step: timedelta) -> NDArray[np.bool_]:
    """(N,) True for devices without a reading of the interval before, while most of their portfolio has one."""
    due = np.datetime64((interval_start - step).replace(tzinfo=None), "s")
    missing = np.isnat(measured.at) | (measured.at < due)
    for rows in fleet.parts.values():
        if missing[rows].size and missing[rows].mean() > SILENT_MAJORITY_PU:
            missing[rows] = False
    return missing


def with_interval(
    state: FleetState,
    baseline_kw: Floats,
    measured: Measured,
    dispatched: NDArray[np.bool_],
    held_baseline_kw: Floats,
) -> FleetState:
    """The state at an interval's start: expected undispatched power, and what was measured just before.

    baseline_kw : (N,) forecast. For cars and heat pumps that nobody dispatched in the last interval the measured power
    is the better guess of what they would do now; and while one is held, what was expected of it when it was asked
    (held_baseline_kw, NaN where nothing holds): its reading shows the setpoint, and another guess every minute would
    take it up and let it go by turns.
    """
    shiftable = np.isin(state.kind, SHIFTABLE)
    live = shiftable & ~dispatched & ~np.isnan(measured.power_kw)
    expected_kw = np.where(live, np.clip(measured.power_kw, 0.0, state.max_consumption_kw), baseline_kw)
    expected_kw = np.where(shiftable & ~np.isnan(held_baseline_kw), held_baseline_kw, expected_kw)
    return replace(state, baseline_kw=expected_kw, previous_kw=measured.power_kw)


def measured_before(device_ids: NDArray[np.int64], interval_start: datetime, at: datetime) -> Measured:
    """The newest reading of each device from before `interval_start`, known at `at`."""
    newest = readings.latest(device_ids)
    start64 = as_datetime64(interval_start)
    at_s, power_kw, stored_kwh = newest.ts.astype("datetime64[s]"), newest.power_kw.copy(), newest.soc_kwh.copy()
    late = ~np.isnat(at_s) & (at_s >= start64)
    if late.any():  # a day played again: what came later was not known then
        at_s[late], power_kw[late], stored_kwh[late] = np.datetime64("NaT"), np.nan, np.nan
        found = readings.readings(device_ids[late], interval_start - REACH_BACK, interval_start, at)
        order = np.argsort(device_ids)
        rows = order[np.searchsorted(device_ids, found.device_id, sorter=order)]
        at_s[rows] = found.time_us.view("datetime64[us]").astype("datetime64[s]")  # ordered by time: the last one stays
        power_kw[rows], stored_kwh[rows] = found.power_kw, found.soc_kwh
    return Measured(at_s, power_kw, stored_kwh)
