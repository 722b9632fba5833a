"""Read-only questions about the enrolled fleet; arrays for kernels, no object per device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

import numpy as np
from django.db.models import FilteredRelation, Q
from numpy.typing import NDArray

from vpp.enrollment.models import Contract, Device, Enrollment, Portfolio

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class DeviceTable:
    """N devices as columns, in the order of their ids. Powers in kW and non-negative, energies in kWh."""

    device_id: NDArray[np.int64]
    code: list[str]
    kind: list[str]
    max_consumption_kw: FloatArray
    max_production_kw: FloatArray
    energy_capacity_kwh: FloatArray  # 0 where the device stores nothing
    charge_efficiency: FloatArray
    discharge_efficiency: FloatArray
    ramp_kw_per_minute: FloatArray  # infinite where there is no limit
    min_on_minutes: FloatArray
    min_off_minutes: FloatArray
    cost_per_kwh: FloatArray
    self_discharge_pu_per_day: FloatArray
    controllable: BoolArray
    suspended: BoolArray
    reserve_floor_pu: FloatArray
    max_events_per_day: FloatArray  # infinite where the owner sets none
    max_events_per_season: FloatArray
    max_hours_per_day: FloatArray
    notice_minutes: FloatArray
    rest_minutes: FloatArray
    comfort_min_c: FloatArray  # NaN where the owner sets none
    comfort_max_c: FloatArray
    departure_local_time: list[time | None]
    departure_energy_kwh: FloatArray  # 0 where there is none
    opted_out: BoolArray
    owner_id: NDArray[np.int64]
    site_id: NDArray[np.int64]
    site_code: list[str]
    zone_code: list[str]
    feeder_code: list[str]
    node_code: list[str]
    time_zone: list[str]
    baseline_method: list[str]

    def __len__(self) -> int:
        return len(self.code)

    def of_kind(self, *kinds: str) -> BoolArray:
        """(N,) mask of the devices of these kinds."""
        return np.isin(np.array(self.kind, dtype=object), kinds) if self.kind else np.zeros(0, dtype=bool)

    def usable(self) -> BoolArray:
        """(N,) mask: may be dispatched at all."""
        return self.controllable & ~self.suspended & ~self.opted_out


def _ids(values: list[Any]) -> NDArray[np.int64]:
    return np.array(values, dtype=np.int64)


def _words(values: list[Any]) -> list[str]:
    return [str(value) for value in values]


def _flags(values: list[Any]) -> BoolArray:
    return np.array([bool(value) for value in values], dtype=bool)


def _floats(missing: float) -> Callable[[list[Any]], FloatArray]:
    def read(values: list[Any]) -> FloatArray:
        return np.array([missing if value is None else value for value in values], dtype=np.float64)

    return read


#: Where each column of the table stands in the database, and how it is read; `now_terms` are those that hold.
COLUMNS: dict[str, tuple[str, Callable[[list[Any]], Any]]] = {
    "device_id": ("id", _ids),
    "code": ("code", _words),
    "kind": ("kind", _words),
    "max_consumption_kw": ("max_consumption_kw", _floats(0.0)),
    "max_production_kw": ("max_production_kw", _floats(0.0)),
    "energy_capacity_kwh": ("energy_capacity_kwh", _floats(0.0)),
    "charge_efficiency": ("charge_efficiency", _floats(1.0)),
    "discharge_efficiency": ("discharge_efficiency", _floats(1.0)),
    "ramp_kw_per_minute": ("ramp_kw_per_minute", _floats(np.inf)),
    "min_on_minutes": ("min_on_minutes", _floats(0.0)),
    "min_off_minutes": ("min_off_minutes", _floats(0.0)),
    "cost_per_kwh": ("cost_per_kwh", _floats(0.0)),
    "self_discharge_pu_per_day": ("self_discharge_pu_per_day", _floats(0.0)),
    "controllable": ("controllable", _flags),
    "suspended": ("suspended_at", _flags),
    "reserve_floor_pu": ("now_terms__reserve_floor_pu", _floats(0.0)),
    "max_events_per_day": ("now_terms__max_events_per_day", _floats(np.inf)),
    "max_events_per_season": ("now_terms__max_events_per_season", _floats(np.inf)),
    "max_hours_per_day": ("now_terms__max_hours_per_day", _floats(np.inf)),
    "notice_minutes": ("now_terms__notice_minutes", _floats(0.0)),
    "rest_minutes": ("now_terms__rest_minutes", _floats(0.0)),
    "comfort_min_c": ("now_terms__comfort_min_c", _floats(np.nan)),
    "comfort_max_c": ("now_terms__comfort_max_c", _floats(np.nan)),
    "departure_local_time": ("now_terms__departure_local_time", list),
    "departure_energy_kwh": ("now_terms__departure_energy_kwh", _floats(0.0)),
    "opted_out": ("now_terms__opted_out", _flags),
    "owner_id": ("site__owner_id", _ids),
    "site_id": ("site_id", _ids),
    "site_code": ("site__code", _words),
    "zone_code": ("site__zone_code", _words),
    "feeder_code": ("site__feeder_code", _words),
    "node_code": ("site__node_code", _words),
    "time_zone": ("site__time_zone", _words),
    "baseline_method": ("site__baseline_method", _words),
}


def device_table(
    *,
    at: datetime,
    device_ids: Sequence[int] | None = None,
    portfolio_id: int | None = None,
    feeder_code: str | None = None,
    zone_code: str | None = None,
) -> DeviceTable:
    """Devices with the owner terms that hold at `at`, narrowed by every argument that is given."""
    devices = Device.objects.all()
    if device_ids is not None:
        devices = devices.filter(pk__in=[int(device_id) for device_id in device_ids])
    if portfolio_id is not None:
        devices = devices.in_portfolio(portfolio_id, at)
    if feeder_code is not None:
        devices = devices.filter(site__feeder_code=feeder_code)
    if zone_code is not None:
        devices = devices.filter(site__zone_code=zone_code)
    rows = (
        devices.annotate(now_terms=FilteredRelation("terms", condition=Q(terms__period__contains=at)))
        .order_by("pk")
        .values_list(*(column for column, _ in COLUMNS.values()))
    )
    columns = [list(values) for values in zip(*rows, strict=True)] or [[] for _ in COLUMNS]
    return DeviceTable(
        **{name: read(values) for (name, (_, read)), values in zip(COLUMNS.items(), columns, strict=True)}
    )


def portfolios_of_zone(zone_code: str) -> list[Portfolio]:
    return list(Portfolio.objects.filter(zone_code=zone_code).order_by("code"))


def portfolios_behind(feeder_code: str, at: datetime) -> list[Portfolio]:
    """Portfolios with devices behind the feeder in the order in which they answer there: those of it alone first."""
    ids = Enrollment.objects.filter(device__site__feeder_code=feeder_code, period__contains=at).values("portfolio")
    return sorted(Portfolio.objects.filter(pk__in=ids), key=lambda one: (one.feeder_code != feeder_code, one.code))


def contracts_of(owner_ids: Sequence[int], at: datetime) -> dict[int, Contract]:
    """The contract of each owner that holds at `at`; owners without one are missing from the answer."""
    contracts = Contract.objects.active_at(at).filter(owner_id__in=[int(owner_id) for owner_id in owner_ids])
    return {contract.owner_id: contract for contract in contracts}
