"""Read-only questions about the enrolled fleet; arrays for kernels, no object per device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time

import numpy as np
from django.db.models import FilteredRelation, Q
from numpy.typing import NDArray

from vpp.enrollment.models import Contract, Device, Portfolio

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


COLUMNS = (
    "id", "code", "kind", "max_consumption_kw", "max_production_kw", "energy_capacity_kwh", "charge_efficiency",
    "discharge_efficiency", "ramp_kw_per_minute", "min_on_minutes", "min_off_minutes",
    "cost_per_kwh", "self_discharge_pu_per_day", "controllable",
    "suspended_at", "now_terms__reserve_floor_pu", "now_terms__max_events_per_day", "now_terms__max_events_per_season",
    "now_terms__max_hours_per_day",
    "now_terms__notice_minutes", "now_terms__rest_minutes", "now_terms__comfort_min_c", "now_terms__comfort_max_c",
    "now_terms__departure_local_time", "now_terms__departure_energy_kwh", "now_terms__opted_out", "site__owner_id",
    "site_id", "site__code", "site__zone_code", "site__feeder_code", "site__node_code", "site__time_zone",
    "site__baseline_method",
)  # fmt: skip


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
        .values_list(*COLUMNS)
    )
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in COLUMNS]
    return _table(dict(zip(COLUMNS, columns, strict=True)))


def _table(column: dict[str, list[object]]) -> DeviceTable:
    def floats(name: str, missing: float) -> FloatArray:
        return np.array([missing if value is None else value for value in column[name]], dtype=np.float64)

    def flags(name: str) -> BoolArray:
        return np.array([bool(value) for value in column[name]], dtype=bool)

    def ids(name: str) -> NDArray[np.int64]:
        return np.array(column[name], dtype=np.int64)

    def words(name: str) -> list[str]:
        return [str(value) for value in column[name]]

    return DeviceTable(
        device_id=ids("id"),
        code=words("code"),
        kind=words("kind"),
        max_consumption_kw=floats("max_consumption_kw", 0.0),
        max_production_kw=floats("max_production_kw", 0.0),
        energy_capacity_kwh=floats("energy_capacity_kwh", 0.0),
        charge_efficiency=floats("charge_efficiency", 1.0),
        discharge_efficiency=floats("discharge_efficiency", 1.0),
        ramp_kw_per_minute=floats("ramp_kw_per_minute", np.inf),
        min_on_minutes=floats("min_on_minutes", 0.0),
        min_off_minutes=floats("min_off_minutes", 0.0),
        cost_per_kwh=floats("cost_per_kwh", 0.0),
        self_discharge_pu_per_day=floats("self_discharge_pu_per_day", 0.0),
        controllable=flags("controllable"),
        suspended=flags("suspended_at"),
        reserve_floor_pu=floats("now_terms__reserve_floor_pu", 0.0),
        max_events_per_day=floats("now_terms__max_events_per_day", np.inf),
        max_events_per_season=floats("now_terms__max_events_per_season", np.inf),
        max_hours_per_day=floats("now_terms__max_hours_per_day", np.inf),
        notice_minutes=floats("now_terms__notice_minutes", 0.0),
        rest_minutes=floats("now_terms__rest_minutes", 0.0),
        comfort_min_c=floats("now_terms__comfort_min_c", np.nan),
        comfort_max_c=floats("now_terms__comfort_max_c", np.nan),
        departure_local_time=list(column["now_terms__departure_local_time"]),  # type: ignore[arg-type]
        departure_energy_kwh=floats("now_terms__departure_energy_kwh", 0.0),
        opted_out=flags("now_terms__opted_out"),
        owner_id=ids("site__owner_id"),
        site_id=ids("site_id"),
        site_code=words("site__code"),
        zone_code=words("site__zone_code"),
        feeder_code=words("site__feeder_code"),
        node_code=words("site__node_code"),
        time_zone=words("site__time_zone"),
        baseline_method=words("site__baseline_method"),
    )


def portfolios_of_zone(zone_code: str) -> list[Portfolio]:
    return list(Portfolio.objects.filter(zone_code=zone_code).order_by("code"))


def contracts_of(owner_ids: Sequence[int], at: datetime) -> dict[int, Contract]:
    """The contract of each owner that holds at `at`; owners without one are missing from the answer."""
    contracts = Contract.objects.active_at(at).filter(owner_id__in=[int(owner_id) for owner_id in owner_ids])
    return {contract.owner_id: contract for contract in contracts}
