"""How full the batteries must be, and may be, after each interval, so that the day's later commitments can be met."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vpp.dispatch.kernels.headroom import FleetState

Floats = NDArray[np.float64]

RECOVERY_PU = 0.8  # of the batteries' power is counted on to refill them; the rest is for what goes wrong


@dataclass(frozen=True)
class Store:
    """All usable batteries as one: content between lowest and highest, power each way, efficiencies."""

    stored_kwh: float
    lowest_kwh: float
    highest_kwh: float
    charge_kw: float
    discharge_kw: float
    charge_efficiency: float
    discharge_efficiency: float


@dataclass(frozen=True)
class Corridor:
    """Content of all batteries together at the end of each interval, (H,) kWh: at least and at most."""

    least_kwh: Floats
    most_kwh: Floats


def total_store(state: FleetState) -> Store:
    """The batteries that may be used, summed; efficiencies weighted with their capacity."""
    rows = (state.kind == "BATTERY") & (state.barred == 0)
    capacity_kwh = state.capacity_kwh[rows]
    weight = capacity_kwh / capacity_kwh.sum() if capacity_kwh.sum() > 0.0 else capacity_kwh
    return Store(
        stored_kwh=float(np.nansum(state.stored_kwh[rows])),
        lowest_kwh=float(state.floor_kwh[rows].sum()),
        highest_kwh=float(capacity_kwh.sum()),
        charge_kw=float(state.max_consumption_kw[rows].sum()),
        discharge_kw=float(state.max_production_kw[rows].sum()),
        charge_efficiency=float((weight * state.charge_efficiency[rows]).sum()) or 1.0,
        discharge_efficiency=float((weight * state.discharge_efficiency[rows]).sum()) or 1.0,
    )


def store_corridor(
    net_up_kw: Floats,
    lasting_up_kw: Floats,
    lasting_down_kw: Floats,
    held_up_kwh: Floats,
    held_down_kwh: Floats,
    store: Store,
    step_hours: float,
) -> Corridor:
    """Backwards from a free end of the day.

    net_up_kw       : (H,) committed, up positive; where it is 0 the batteries may recover.
    lasting_*_kw    : (H,) what the other devices can give in that interval.
    held_*_kwh      : (H,) grid-side energy that a held reserve may still call for in that interval.
    """
    n = net_up_kw.size
    beyond_kw = net_up_kw - np.clip(net_up_kw, -lasting_down_kw, lasting_up_kw)
    taken_kwh = np.where(beyond_kw > 0.0, beyond_kw / store.discharge_efficiency, beyond_kw * store.charge_efficiency)
    taken_kwh = taken_kwh * step_hours
    free = net_up_kw == 0.0
    refill_kwh = np.where(free, RECOVERY_PU * store.charge_kw * store.charge_efficiency * step_hours, 0.0)
    empty_kwh = np.where(free, RECOVERY_PU * store.discharge_kw / store.discharge_efficiency * step_hours, 0.0)
    floor_kwh = np.minimum(store.lowest_kwh + held_up_kwh / store.discharge_efficiency, store.highest_kwh)
    ceiling_kwh = np.maximum(store.highest_kwh - held_down_kwh * store.charge_efficiency, store.lowest_kwh)
    least, most = np.full(n, store.lowest_kwh), np.full(n, store.highest_kwh)
    for t in range(n - 1, 0, -1):
        least[t - 1] = np.clip(least[t] + taken_kwh[t] - refill_kwh[t], floor_kwh[t], store.highest_kwh)
        most[t - 1] = np.clip(most[t] + taken_kwh[t] + empty_kwh[t], store.lowest_kwh, ceiling_kwh[t])
    return Corridor(least, np.maximum(most, least))


def spare_kwh(store: Store, least_kwh: float, most_kwh: float, up: bool) -> float:
    """Grid-side energy the batteries may move in this interval and direction without hurting later ones."""
    if up:
        return max(store.stored_kwh - least_kwh, 0.0) * store.discharge_efficiency
    return max(most_kwh - store.stored_kwh, 0.0) / store.charge_efficiency


def recovery_up_kw(store: Store, least_kwh: float, most_kwh: float, step_hours: float) -> float:
    """Power, up positive, that brings the batteries back into the corridor in an interval without commitments."""
    if store.stored_kwh < least_kwh:
        return -min((least_kwh - store.stored_kwh) / (store.charge_efficiency * step_hours), store.charge_kw)
    if store.stored_kwh > most_kwh:
        return min((store.stored_kwh - most_kwh) * store.discharge_efficiency / step_hours, store.discharge_kw)
    return 0.0
