"""Alike devices of one feeder become one virtual storage or source; what a group can do, its devices can share.

Sums of limits are exact for alike storages and an outer bound for the rest, so every kind is offered with a deliverable
share below one (docs/bid.md, section 5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bidding.kernels.problem import FlexGroup, FloatArray
from bidding.kernels.windows import window_max, window_sum

EUR_PER_MWH = 1000.0  # of EUR per kWh
SHIFTABLE = ("EV_CHARGER", "HEAT_PUMP", "WATER_HEATER", "FLEXIBLE_LOAD")
CURTAILABLE = ("PV", "WIND", "HYDRO")
DISPATCHABLE = ("BIOMASS", "GENSET")

#: Hours by which a load may be moved, either way.
SHIFT_HOURS = {"EV_CHARGER": 4.0, "HEAT_PUMP": 1.0, "WATER_HEATER": 2.0, "FLEXIBLE_LOAD": 2.0}
#: Share of the forecast room that is offered, so that it is there nine days out of ten.
DELIVERABLE_PU = {
    "BATTERY": 0.95, "EV_CHARGER": 0.7, "HEAT_PUMP": 0.7, "WATER_HEATER": 0.7, "FLEXIBLE_LOAD": 0.8,
    "PV": 0.7, "WIND": 0.7, "HYDRO": 0.9, "BIOMASS": 0.9, "GENSET": 0.95,
}  # fmt: skip


@dataclass(frozen=True)
class FleetArrays:
    """N flexible devices as columns; kW non-negative, kWh.

    baseline_kw (N, T): forecast of the undispatched power, consumption positive; batteries idle.
    energy_start_kwh (N,): stored at the day's start. departure_index (N,): the interval before which an EV leaves, -1
    where it does not. market_class: alike for devices that the same markets admit; none: all are.
    max_starts (N,): movements begun a day that the owner allows; rest_hours (N,) between two; owner_class: alike for
    alike terms of owners.
    """

    device_id: NDArray[np.int64]
    kind: tuple[str, ...]
    feeder: tuple[str, ...]
    max_consumption_kw: FloatArray
    max_production_kw: FloatArray
    energy_capacity_kwh: FloatArray
    energy_start_kwh: FloatArray
    charge_efficiency: FloatArray
    discharge_efficiency: FloatArray
    self_discharge_pu_per_day: FloatArray
    cost_per_kwh: FloatArray
    reserve_floor_pu: FloatArray
    max_hours_per_day: FloatArray
    departure_index: NDArray[np.int64]
    baseline_kw: FloatArray
    market_class: tuple[str, ...] = ()
    max_starts: FloatArray | None = None
    rest_hours: FloatArray | None = None
    owner_class: tuple[str, ...] = ()


def aggregate(
    fleet: FleetArrays, step_hours: float, *, deliverable_pu: Mapping[str, float] = DELIVERABLE_PU
) -> tuple[FlexGroup, ...]:
    """Groups by feeder, kind and class (storage duration, departure), in the order of their names."""
    members: dict[str, list[int]] = {}
    for row, kind in enumerate(fleet.kind):
        if kind in deliverable_pu:
            members.setdefault(_group_name(fleet, row), []).append(row)
    groups = []
    for name in sorted(members):
        rows = np.array(members[name])
        kind = fleet.kind[rows[0]]
        share = deliverable_pu[kind]
        if kind == "BATTERY":
            groups.append(_storage(fleet, name, rows, share, step_hours))
        elif kind in SHIFTABLE:
            groups.append(_shiftable(fleet, name, rows, share, step_hours))
        else:
            groups.append(_source(fleet, name, rows, share))
    return tuple(group for group in groups if group.up_limit_kw.any() or group.down_limit_kw.any())


def _group_name(fleet: FleetArrays, row: int) -> str:
    parts = [fleet.feeder[row], fleet.kind[row]]
    if fleet.kind[row] == "BATTERY":
        power_kw = max(fleet.max_production_kw[row], 1e-9)
        duration_class = round(2 * np.log2(max(fleet.energy_capacity_kwh[row] / power_kw, 1e-3)))
        parts += [f"{2 ** (duration_class / 2):.2g}h", f"{fleet.charge_efficiency[row]:.2f}"]
    elif fleet.departure_index[row] >= 0:
        parts.append(f"leaves{fleet.departure_index[row] // 4:02d}")
    if fleet.market_class and fleet.market_class[row]:
        parts.append(fleet.market_class[row])
    if fleet.owner_class and fleet.owner_class[row]:
        parts.append(fleet.owner_class[row])
    return "/".join(parts)


def _weighted(values: FloatArray, weights: FloatArray) -> float:
    return float(np.average(values, weights=weights)) if weights.sum() > 0 else float(values.mean())


def _starts(fleet: FleetArrays, rows: NDArray[np.int64]) -> float:
    return float("inf") if fleet.max_starts is None else float(fleet.max_starts[rows].min())


def _rest(fleet: FleetArrays, rows: NDArray[np.int64]) -> float:
    return 0.0 if fleet.rest_hours is None else float(fleet.rest_hours[rows].max())


def _storage(fleet: FleetArrays, name: str, rows: NDArray[np.int64], share: float, step_hours: float) -> FlexGroup:
    """Powers and energies summed, efficiencies weighted by power; the owner's floor stays with the owner."""
    count = fleet.baseline_kw.shape[1]
    power_kw = fleet.max_production_kw[rows]
    capacity_kwh, floor_pu = fleet.energy_capacity_kwh[rows], fleet.reserve_floor_pu[rows]
    roof_kwh, floor_kwh = float(capacity_kwh.sum()), float((capacity_kwh * floor_pu).sum())
    start_kwh = float(np.clip(fleet.energy_start_kwh[rows], 0.0, capacity_kwh).sum())
    wear = _weighted(fleet.cost_per_kwh[rows], power_kw) * EUR_PER_MWH
    lost_pu_per_day = _weighted(fleet.self_discharge_pu_per_day[rows], capacity_kwh)
    return FlexGroup(
        name=name,
        feeder=fleet.feeder[rows[0]],
        up_limit_kw=np.full(count, share * float(power_kw.sum())),
        down_limit_kw=np.full(count, share * float(fleet.max_consumption_kw[rows].sum())),
        energy_min_kwh=np.full(count, floor_kwh),
        energy_max_kwh=np.full(count, roof_kwh),
        energy_start_kwh=start_kwh,
        energy_end_kwh=max(start_kwh, floor_kwh),
        charge_efficiency=_weighted(fleet.charge_efficiency[rows], power_kw),
        discharge_efficiency=_weighted(fleet.discharge_efficiency[rows], power_kw),
        retention=(1.0 - lost_pu_per_day) ** (step_hours / 24.0),
        up_cost_eur_per_mwh=wear,
        down_cost_eur_per_mwh=wear,
        max_hours=_weighted(np.minimum(fleet.max_hours_per_day[rows], 24.0), power_kw),
        max_starts=_starts(fleet, rows),
        rest_hours=_rest(fleet, rows),
        device_ids=tuple(int(device_id) for device_id in fleet.device_id[rows]),
    )


def _shiftable(fleet: FleetArrays, name: str, rows: NDArray[np.int64], share: float, step_hours: float) -> FlexGroup:
    """A load that may be moved by some hours: each kWh put off is caught up within the window, and before departure."""
    kind = fleet.kind[rows[0]]
    window = max(int(round(SHIFT_HOURS[kind] / step_hours)), 1)
    base_kw = np.maximum(fleet.baseline_kw[rows], 0.0).sum(axis=0)
    room_kw = np.maximum(fleet.max_consumption_kw[rows].sum() - base_kw, 0.0)
    put_off_kwh = share * step_hours * window_sum(base_kw, window, ahead=False)
    taken_early_kwh = share * step_hours * window_sum(base_kw, window, ahead=True)
    capacity_kwh = float(fleet.energy_capacity_kwh[rows].sum())
    if capacity_kwh > 0:
        put_off_kwh, taken_early_kwh = np.minimum(put_off_kwh, capacity_kwh), np.minimum(taken_early_kwh, capacity_kwh)
    leaves = int(fleet.departure_index[rows].min())
    if leaves > 0:
        put_off_kwh[leaves - 1] = 0.0
    put_off_kwh[-1] = taken_early_kwh[-1] = 0.0
    weights = fleet.max_consumption_kw[rows]
    return FlexGroup(
        name=name,
        feeder=fleet.feeder[rows[0]],
        up_limit_kw=share * base_kw,
        down_limit_kw=share * np.minimum(room_kw, window_max(base_kw, window)),
        energy_min_kwh=-put_off_kwh,
        energy_max_kwh=taken_early_kwh,
        up_cost_eur_per_mwh=_weighted(fleet.cost_per_kwh[rows], weights) * EUR_PER_MWH,
        max_hours=_weighted(np.minimum(fleet.max_hours_per_day[rows], 24.0), weights),
        max_starts=_starts(fleet, rows),
        rest_hours=_rest(fleet, rows),
        device_ids=tuple(int(device_id) for device_id in fleet.device_id[rows]),
    )


def _source(fleet: FleetArrays, name: str, rows: NDArray[np.int64], share: float) -> FlexGroup:
    """Production that can be cut, and for dispatchable plants with a known cost also raised to the rating."""
    kind = fleet.kind[rows[0]]
    made_kw = np.maximum(-fleet.baseline_kw[rows], 0.0).sum(axis=0)
    rated_kw = fleet.max_production_kw[rows]
    cost = _weighted(fleet.cost_per_kwh[rows], rated_kw) * EUR_PER_MWH
    can_raise = kind in DISPATCHABLE and cost > 0
    return FlexGroup(
        name=name,
        feeder=fleet.feeder[rows[0]],
        up_limit_kw=share * np.maximum(rated_kw.sum() - made_kw, 0.0) if can_raise else np.zeros(made_kw.size),
        down_limit_kw=share * made_kw,
        up_cost_eur_per_mwh=cost,
        down_cost_eur_per_mwh=-cost if can_raise else 0.0,
        max_hours=_weighted(np.minimum(fleet.max_hours_per_day[rows], 24.0), rated_kw),
        max_starts=_starts(fleet, rows),
        rest_hours=_rest(fleet, rows),
        device_ids=tuple(int(device_id) for device_id in fleet.device_id[rows]),
    )
