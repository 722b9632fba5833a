"""How far each device can be moved from its undispatched power in one interval, for how long, and what stops it."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from vpp.dispatch.kernels.limits import Limit

Floats = NDArray[np.float64]
Codes = NDArray[np.int8]

CURTAILABLE = ("PV", "WIND", "HYDRO")
GENERATORS = (*CURTAILABLE, "BIOMASS", "GENSET")
SHIFTABLE = ("EV_CHARGER", "HEAT_PUMP", "WATER_HEATER")
DISPATCHABLE = (*GENERATORS, *SHIFTABLE, "BATTERY", "FLEXIBLE_LOAD")

HORIZON_H = 24.0  # endurance of a device without a store
ON_PU = 0.01  # of its rating: a device that moves less stands still
STAY_H = 0.5  # a device inside an event counts as lasting so much longer: it is not dropped and recalled


@dataclass(frozen=True)
class FleetState:
    """N devices at the start of an interval; arrays (N,), kW and kWh, consumption positive.

    baseline_kw   : power expected without dispatch. previous_kw: measured before, NaN unknown (no ramp limit then).
    stored_kwh    : NaN unknown: a battery then gives nothing, a shiftable load is bound by its rating alone.
    capacity_kwh  : 0 for none or unknown. floor_kwh: the owner's reserve, never discharged.
    used_kwh      : energy moved for commitments so far today. hours_left, events_left: what the owner still allows.
    idle_hours    : since the last event ended, 0 inside one, inf before the first; rest_hours: what the owner asks for.
    run_hours     : since it was last switched on or off, inf unknown; min_on_hours, min_off_hours: how long it then
                    has to stay so. On is anything but standing still, see `ON_PU`.
    barred        : Limit code of devices that may not be used (OPTED_OUT, SUSPENDED, SILENT, ...), 0 otherwise.
    """

    kind: NDArray[np.str_]
    baseline_kw: Floats
    previous_kw: Floats
    max_consumption_kw: Floats
    max_production_kw: Floats
    stored_kwh: Floats
    capacity_kwh: Floats
    floor_kwh: Floats
    charge_efficiency: Floats
    discharge_efficiency: Floats
    ramp_kw_per_minute: Floats
    used_kwh: Floats
    hours_left: Floats
    events_left: Floats
    idle_hours: Floats
    rest_hours: Floats
    run_hours: Floats
    min_on_hours: Floats
    min_off_hours: Floats
    barred: Codes

    def part(self, rows: slice | NDArray[np.int64]) -> FleetState:
        """Some of the devices."""
        return FleetState(**{column.name: getattr(self, column.name)[rows] for column in fields(self)})


@dataclass(frozen=True)
class Headroom:
    """Per device (N,): up_kw and down_kw >= 0 around the baseline; *_hours: how long that much can be held;
    *_bound: the Limit that binds."""

    up_kw: Floats
    down_kw: Floats
    up_hours: Floats
    down_hours: Floats
    up_bound: Codes
    down_bound: Codes


def headroom(state: FleetState, step_hours: float) -> Headroom:
    """Bounds of one interval from ratings, kind, store with floor and efficiencies, ramp and exclusions."""
    lowest_kw, highest_kw = _rating_bounds(state)
    stays_on, stays_off = bound_to_stay(state)
    up = _Bound(np.maximum(state.baseline_kw - lowest_kw, 0.0), np.full(lowest_kw.size, Limit.RATING, dtype=np.int8))
    down = _Bound(np.maximum(highest_kw - state.baseline_kw, 0.0), np.full(lowest_kw.size, Limit.RATING, dtype=np.int8))
    up_kwh, down_kwh = _store_energy(state)
    up.tighten(up_kwh / step_hours, Limit.ENERGY)
    down.tighten(down_kwh / step_hours, Limit.ENERGY)
    known = ~np.isnan(state.previous_kw)
    reach_kw = np.where(known, state.ramp_kw_per_minute * step_hours * 60.0, np.inf)
    offset_kw = np.where(known, state.baseline_kw - state.previous_kw, 0.0)
    up.tighten(np.maximum(reach_kw + offset_kw, 0.0), Limit.RAMP)
    down.tighten(np.maximum(reach_kw - offset_kw, 0.0), Limit.RAMP)
    consumes = state.baseline_kw > 0.0
    up.bar(_min_time((stays_on & consumes) | (stays_off & ~consumes)))  # less consumption, or a generator's start
    down.bar(_min_time((stays_on & ~consumes) | (stays_off & (state.baseline_kw >= 0.0))))
    owner = owner_bars(state, step_hours)
    for bound in (up, down):
        bound.bar(owner)
        bound.bar(state.barred)
    rated_kw = np.maximum(np.maximum(state.max_consumption_kw, state.max_production_kw), 1e-9)
    staying_h = np.where(state.idle_hours == 0.0, STAY_H, 0.0)
    rested_h = np.maximum(HORIZON_H - state.used_kwh / rated_kw, 0.0) + staying_h
    return Headroom(
        up.kw, down.kw, _hours(up_kwh, up.kw, rested_h), _hours(down_kwh, down.kw, rested_h), up.limit, down.limit
    )


def owner_bars(state: FleetState, step_hours: float) -> Codes:
    """(N,) Limit codes of devices whose owner's hours or events are used up, or who rest between events."""
    starts_event = state.idle_hours > 0.0
    return np.select(
        [
            state.hours_left < step_hours,
            starts_event & (state.events_left < 1.0),
            starts_event & (state.idle_hours < state.rest_hours),
        ],
        [np.int8(Limit.OWNER_HOURS), np.int8(Limit.OWNER_EVENTS), np.int8(Limit.OWNER_REST)],
        np.int8(Limit.NONE),
    ).astype(np.int8)


def is_on(state: FleetState, power_kw: Floats) -> NDArray[np.bool_]:
    """(N,) True for devices that do anything at that power."""
    return np.abs(power_kw) > ON_PU * np.maximum(state.max_consumption_kw, state.max_production_kw)


def bound_to_stay(state: FleetState) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(N,) devices that were switched on, and off, so short a time ago that they must stay so; a device whose power is
    unknown is bound to nothing, and neither is one without such times."""
    known = ~np.isnan(state.previous_kw)
    on = is_on(state, np.nan_to_num(state.previous_kw))
    return known & on & (state.run_hours < state.min_on_hours), known & ~on & (state.run_hours < state.min_off_hours)


def kept_on_kw(state: FleetState) -> Floats:
    """(N,) power that must be kept to, though on its own the device would stand still: one that was switched on for a
    commitment a short time ago goes on as it is. Equal to the baseline everywhere else."""
    stays_on, _ = bound_to_stay(state)
    kept = stays_on & ~is_on(state, state.baseline_kw) & np.isin(state.barred, (Limit.NONE, Limit.NOT_PROMISED))
    kept &= state.kind != "BATTERY"  # its store decides
    return np.where(
        kept, np.clip(state.previous_kw, -state.max_production_kw, state.max_consumption_kw), state.baseline_kw
    )


def _min_time(bound: NDArray[np.bool_]) -> Codes:
    return np.where(bound, np.int8(Limit.MIN_TIME), np.int8(Limit.NONE))


class _Bound:
    def __init__(self, kw: Floats, limit: Codes) -> None:
        self.kw, self.limit = kw, limit

    def tighten(self, kw: Floats, limit: Limit) -> None:
        closer = kw < self.kw
        self.kw = np.where(closer, kw, self.kw)
        self.limit = np.where(closer, np.int8(limit), self.limit)

    def bar(self, barred: Codes) -> None:
        self.kw = np.where(barred != Limit.NONE, 0.0, self.kw)
        self.limit = np.where(barred != Limit.NONE, barred, self.limit)


def _rating_bounds(state: FleetState) -> tuple[Floats, Floats]:
    """Lowest and highest power by kind: weather cannot be raised, a generator never consumes, others stay put."""
    base_kw, kind = state.baseline_kw, state.kind
    lowest_kw = np.where(np.isin(kind, CURTAILABLE), np.minimum(base_kw, 0.0), -state.max_production_kw)
    highest_kw = np.where(np.isin(kind, GENERATORS), np.maximum(base_kw, 0.0), state.max_consumption_kw)
    highest_kw = np.where(np.isin(kind, GENERATORS) & (base_kw < 0.0), 0.0, highest_kw)
    lowest_kw = np.where(np.isin(kind, (*SHIFTABLE, "FLEXIBLE_LOAD")), 0.0, lowest_kw)
    unplugged = (kind == "EV_CHARGER") & (base_kw <= 0.0)
    highest_kw = np.where(unplugged, np.maximum(base_kw, 0.0), highest_kw)
    fixed = ~np.isin(kind, DISPATCHABLE)
    return np.where(fixed, base_kw, lowest_kw), np.where(fixed, base_kw, highest_kw)


def _store_energy(state: FleetState) -> tuple[Floats, Floats]:
    """Grid-side energy (N,) in kWh that can still be given (up) and taken (down); inf without a store."""
    s, n = state, state.kind.size
    stored, known = np.nan_to_num(s.stored_kwh, nan=0.0), ~np.isnan(s.stored_kwh)
    battery, shiftable = s.kind == "BATTERY", np.isin(s.kind, SHIFTABLE) & known
    give_kwh = np.maximum(stored - s.floor_kwh, 0.0) * s.discharge_efficiency
    room_kwh = np.maximum(s.capacity_kwh - stored, 0.0)
    up_kwh = np.select([battery, shiftable], [np.where(known, give_kwh, 0.0), stored], np.full(n, np.inf))
    take_kwh = room_kwh / np.where(battery, s.charge_efficiency, 1.0)
    bound_above = shiftable & (s.capacity_kwh > 0.0) & (s.kind != "EV_CHARGER")
    down_kwh = np.select([battery, bound_above], [np.where(known, take_kwh, 0.0), take_kwh], np.full(n, np.inf))
    return up_kwh, down_kwh


def _hours(energy_kwh: Floats, power_kw: Floats, rested_h: Floats) -> Floats:
    stored_h = np.divide(energy_kwh, power_kw, out=np.full(power_kw.size, HORIZON_H), where=power_kw > 1e-9)
    return np.minimum(stored_h, rested_h)
