"""Flexibility of single devices: the powers and cumulative energies each can follow around its baseline.

Load convention throughout. A schedule p (H,) is followed by a device if power_min <= p <= power_max in every interval
and energy_min <= cumulative energy of p <= energy_max at the end of every interval.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CURTAILABLE = frozenset({"PV", "WIND", "HYDRO"})
DISPATCHABLE = frozenset({"BIOMASS", "GENSET"})
BUFFERED = frozenset({"HEAT_PUMP", "WATER_HEATER"})
REDUCIBLE = frozenset({"FLEXIBLE_LOAD"})
COMFORT_HOURS = 1.0  # of rated power a building or tank buffers when no store is given
FREE = np.inf


@dataclass(frozen=True)
class DeviceParameters:
    """N devices as columns; powers in kW and energies in kWh, none negative.

    usable : may be dispatched (controllable, not suspended, not opted out).
    initial_soc_kwh : content of a storage at the start of the day; NaN means the middle of its usable window.
    departure_index : interval at whose end an EV must have all its energy; H or more means the end of the day.
    """

    kind: list[str]
    usable: NDArray[np.bool_]
    max_consumption_kw: Array
    max_production_kw: Array
    energy_capacity_kwh: Array
    charge_efficiency: Array
    discharge_efficiency: Array
    ramp_kw_per_minute: Array
    reserve_floor_pu: Array
    self_discharge_pu_per_day: Array
    max_hours_per_day: Array
    initial_soc_kwh: Array
    departure_index: NDArray[np.int64]


@dataclass(frozen=True)
class Deviations:
    """What N devices can do around their baselines; every array non-negative, (N, H) but where said.

    down_kw, up_kw : power above (down: consume more) and below (up: consume less) the baseline.
    more_kwh, less_kwh : how far the cumulative energy may run above and below that of the baseline; inf if free.
    discharge_limit_kwh (N,) : discharge a day within which the energy bounds hold (losses); inf if it never binds.
    """

    down_kw: Array
    up_kw: Array
    more_kwh: Array
    less_kwh: Array
    discharge_limit_kwh: Array


def device_deviations(
    devices: DeviceParameters, baseline_kw: Array, assured_kw: Array, *, availability_pu: float, step_minutes: int
) -> Deviations:
    """Deviations of every device.

    baseline_kw (N, H) : undispatched mean. assured_kw (N, H) >= 0 : consumption or production that is there at the
    wanted confidence, so that it can be taken away. availability_pu : share of rated flexibility that answers at that
    confidence; it scales what is offered, not the baseline.
    """
    n_devices, horizon = baseline_kw.shape
    zero = np.zeros((n_devices, horizon))
    found = Deviations(zero.copy(), zero.copy(), zero + FREE, zero + FREE, np.full(n_devices, FREE))
    for index in np.flatnonzero(devices.usable):
        _fill(found, devices, int(index), baseline_kw[index], assured_kw[index], step_minutes)
    ramp_kw = devices.ramp_kw_per_minute[:, None] * step_minutes / 2  # any two levels inside are one ramp apart
    down, up = np.minimum(found.down_kw, ramp_kw), np.minimum(found.up_kw, ramp_kw)
    return Deviations(
        down * availability_pu,
        up * availability_pu,
        found.more_kwh * availability_pu,
        found.less_kwh * availability_pu,
        found.discharge_limit_kwh * availability_pu,
    )


def _fill(
    found: Deviations, devices: DeviceParameters, index: int, baseline: Array, assured: Array, step_minutes: int
) -> None:
    kind = devices.kind[index]
    if kind == "BATTERY":
        _battery(found, devices, index, step_minutes)
    elif kind in CURTAILABLE:
        found.down_kw[index] = np.minimum(assured, np.maximum(-baseline, 0))
    elif kind in DISPATCHABLE:
        found.down_kw[index] = np.minimum(assured, np.maximum(-baseline, 0))
        found.up_kw[index] = np.maximum(devices.max_production_kw[index] + baseline, 0)
    elif kind == "EV_CHARGER":
        _charger(found, devices, index, baseline, assured, step_minutes)
    elif kind in BUFFERED:
        _buffered(found, devices, index, baseline, assured)
    elif kind in REDUCIBLE:
        _reducible(found, devices, index, baseline, assured)


def _battery(found: Deviations, devices: DeviceParameters, index: int, step_minutes: int) -> None:
    """Idle baseline. With E the cumulative grid energy and D the discharged part of it, the content is
    soc0 + charge_efficiency * E - D * (1 / discharge_efficiency - charge_efficiency); D is at most one full cycle."""
    capacity, charge = devices.energy_capacity_kwh[index], devices.charge_efficiency[index]
    discharge = devices.discharge_efficiency[index]
    horizon = found.down_kw.shape[1]
    floor = devices.reserve_floor_pu[index] * capacity
    content = devices.initial_soc_kwh[index]
    content = (floor + capacity) / 2 if np.isnan(content) else float(np.clip(content, 0, capacity))
    elapsed_days = np.arange(1, horizon + 1) * step_minutes / 1440
    leak = devices.self_discharge_pu_per_day[index] * capacity * elapsed_days
    hours = devices.max_hours_per_day[index]
    cycle = min((capacity - floor) * discharge, hours * devices.max_production_kw[index])
    loss = cycle * (1 / discharge - charge)
    found.down_kw[index], found.up_kw[index] = devices.max_consumption_kw[index], devices.max_production_kw[index]
    found.more_kwh[index] = min(max(capacity - content, 0) / charge, hours * devices.max_consumption_kw[index])
    found.less_kwh[index] = np.maximum(content - floor - leak - loss, 0) / charge
    found.discharge_limit_kwh[index] = cycle


def _charger(
    found: Deviations, devices: DeviceParameters, index: int, baseline: Array, assured: Array, step_minutes: int
) -> None:
    """Charging can wait but not run ahead; what waited is charged before departure, with the share that is plugged."""
    hours, horizon = step_minutes / 60, len(baseline)
    departure = int(min(max(devices.departure_index[index], 0), horizon))
    arrived = np.empty(horizon)
    for window in (slice(0, departure), slice(departure, horizon)):
        energy = np.cumsum(np.maximum(baseline[window], 0)) * hours
        arrived[window] = energy / energy[-1] if energy.size and energy[-1] > 0 else 0.0
        cumulative = np.cumsum(np.minimum(assured[window], np.maximum(baseline[window], 0))) * hours
        room = np.maximum(devices.max_consumption_kw[index] * arrived[window] - baseline[window], 0) * hours
        later = np.concatenate([np.cumsum(room[::-1])[::-1][1:], [0.0]]) if room.size else room
        found.less_kwh[index, window] = np.minimum(cumulative, later)
    found.up_kw[index] = np.minimum(assured, np.maximum(baseline, 0))
    found.down_kw[index] = np.maximum(devices.max_consumption_kw[index] * arrived - np.maximum(baseline, 0), 0)
    found.more_kwh[index] = 0.0


def _buffered(found: Deviations, devices: DeviceParameters, index: int, baseline: Array, assured: Array) -> None:
    """Heat may run ahead or lag by what the store or the comfort band holds; half of it in each direction."""
    rating = devices.max_consumption_kw[index]
    store = devices.energy_capacity_kwh[index] or COMFORT_HOURS * rating
    found.up_kw[index] = np.minimum(assured, np.maximum(baseline, 0))
    found.down_kw[index] = np.maximum(rating - np.maximum(baseline, 0), 0)
    found.more_kwh[index] = found.less_kwh[index] = store / 2


def _reducible(found: Deviations, devices: DeviceParameters, index: int, baseline: Array, assured: Array) -> None:
    """A flexible load can be cut, for no longer than its owner's hours a day."""
    found.up_kw[index] = np.minimum(assured, np.maximum(baseline, 0))
    hours = devices.max_hours_per_day[index]
    found.less_kwh[index] = hours * float(found.up_kw[index].mean()) if np.isfinite(hours) else FREE
