"""Units to a fleet: sites, devices with terms, owners with contracts. Deterministic, no random draw."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final
from zlib import crc32

from vpp.simulation.grids.fleet import (
    ConsentRecord,
    ContractRecord,
    DeviceRecord,
    Fleet,
    OwnerRecord,
    SiteRecord,
    TermsRecord,
)
from vpp.simulation.grids.portfolios import START, TIME_ZONE, ZONE, form_portfolios
from vpp.simulation.grids.simbench_units import Unit

CONSENT_TEXT: Final = "terms of participation, 2015"
CONTROLLABLE: Final = frozenset({"BATTERY", "EV_CHARGER", "HEAT_PUMP"})
PRODUCING: Final = frozenset({"PV", "WIND", "HYDRO", "BIOMASS", "BATTERY"})
WEAR_EUR_PER_KWH: Final = {"BATTERY": 0.03, "EV_CHARGER": 0.01, "HEAT_PUMP": 0.015}
HOUSEHOLD_GROUPS: Final = 3
OWNER_SHARE: Final = {"household": 0.80, "commercial": 0.75, "municipal": 0.70, "producer": 0.75}


def build_fleet(units: Iterable[Unit], peak_pu: Mapping[str, float], daily_hours: Mapping[str, float]) -> Fleet:
    """The import records of all units.

    peak_pu     : highest value of each profile, per unit of the rated power.
    daily_hours : mean energy of a day over rated power, hours; an EV's need by its departure.
    """
    fleet = Fleet()
    owners: dict[str, str] = {}
    for code, members in _sites(units).items():
        owner, group = _owner(code, members)
        owners[owner] = group
        devices = [_device(unit, code, peak_pu) for unit in members]
        if len(devices) > 1:
            devices.append(_meter(code, devices))
        fleet.sites.append(_site(code, members[0], owner, devices))
        fleet.consents.append(ConsentRecord(code, START, owner.replace("-", " "), CONSENT_TEXT))
        fleet.devices += devices
        fleet.owner_terms += [_terms(unit, daily_hours) for unit in members if unit.kind in CONTROLLABLE]
    _contracts(fleet, owners)
    form_portfolios(fleet)
    return fleet


def _sites(units: Iterable[Unit]) -> dict[str, list[Unit]]:
    """One site per load; generators and storages of a bus belong to its first site."""
    count: dict[str, int] = defaultdict(int)
    sites: dict[str, list[Unit]] = {}
    for unit in units:
        is_load = unit.kind not in PRODUCING
        if is_load or count[unit.node] == 0:
            count[unit.node] += 1
        number = count[unit.node] if is_load else 1
        sites.setdefault(f"{unit.node}-S{number}", []).append(unit)
    return sites


def _owner(site_code: str, members: list[Unit]) -> tuple[str, str]:
    """(owner code, group). Households of a feeder form a few groups by a stable hash of their site."""
    group, feeder = members[0].group, members[0].feeder
    if group == "household":
        return f"{feeder}-households-{1 + crc32(site_code.encode()) % HOUSEHOLD_GROUPS}", group
    return f"{feeder}-{group}", group


def _device(unit: Unit, site: str, peak_pu: Mapping[str, float]) -> DeviceRecord:
    storage = unit.kind == "BATTERY"
    peak_kw = _up(unit.rated_kw * max(1.0, peak_pu.get(unit.profile, 1.0)))
    return DeviceRecord(
        code=unit.code,
        site=site,
        kind=unit.kind,
        name=unit.name,
        max_consumption_kw=peak_kw if storage or unit.kind not in PRODUCING else 0.0,
        max_production_kw=peak_kw if unit.kind in PRODUCING else 0.0,
        controllable=unit.kind in CONTROLLABLE,
        energy_capacity_kwh=round(unit.energy_kwh, 3) if storage else None,
        charge_efficiency=unit.efficiency if storage else None,
        discharge_efficiency=unit.efficiency if storage else None,
        ramp_kw_per_minute=_up(peak_kw / 15) if unit.kind in ("BIOMASS", "HYDRO") else None,
        cost_per_kwh=_cost(unit) if unit.kind in CONTROLLABLE else None,
        self_discharge_pu_per_day=unit.self_discharge_pu_per_day if storage else None,
    )


def _cost(unit: Unit) -> float:
    """Around the kind's wear cost, up to 20 % more or less by device, so that a merit order exists."""
    spread = (crc32(unit.code.encode()) % 41 - 20) / 100
    return round(WEAR_EUR_PER_KWH[unit.kind] * (1 + spread), 5)


def _meter(site: str, devices: list[DeviceRecord]) -> DeviceRecord:
    return DeviceRecord(
        code=f"{site}-METER",
        site=site,
        kind="METER",
        name=f"meter of {site}",
        max_consumption_kw=_up(sum(device.max_consumption_kw for device in devices)),
        max_production_kw=_up(sum(device.max_production_kw for device in devices)),
    )


def _site(code: str, first: Unit, owner: str, devices: list[DeviceRecord]) -> SiteRecord:
    behind = [device for device in devices if device.kind != "METER"]
    return SiteRecord(
        code=code,
        name=f"{first.group} at {first.node}",
        owner=owner,
        time_zone=TIME_ZONE,
        zone=ZONE,
        feeder=first.feeder,
        node=first.node,
        import_limit_kw=_up(sum(device.max_consumption_kw for device in behind)),
        export_limit_kw=_up(sum(device.max_production_kw for device in behind)),
        baseline_method="CAISO_10_IN_10",
    )


def _terms(unit: Unit, daily_hours: Mapping[str, float]) -> TermsRecord:
    """Every fiftieth owner of an EV or heat pump has opted out."""
    draw = crc32(unit.code.encode())
    if unit.kind == "BATTERY":
        return TermsRecord(device=unit.code, start=START, reserve_floor_pu=(0.1, 0.1, 0.2)[draw % 3], notice_minutes=0)
    opted_out = draw % 50 == 0
    if unit.kind == "HEAT_PUMP":
        return TermsRecord(
            device=unit.code,
            start=START,
            max_events_per_day=6,
            max_hours_per_day=4.0,
            notice_minutes=15,
            rest_minutes=30,
            comfort_min_c=(19.5, 20.0, 20.5)[draw % 3],
            comfort_max_c=(22.5, 23.0)[draw % 2],
            opted_out=opted_out,
        )
    at_work = unit.profile.startswith("AP")
    return TermsRecord(
        device=unit.code,
        start=START,
        max_events_per_day=4,
        max_hours_per_day=6.0,
        notice_minutes=15,
        rest_minutes=0,
        departure_local_time="17:00" if at_work else "07:00",
        departure_energy_kwh=round(unit.rated_kw * daily_hours.get(unit.profile, 0.0), 3),
        opted_out=opted_out,
    )


def _contracts(fleet: Fleet, owners: Mapping[str, str]) -> None:
    for code, group in sorted(owners.items()):
        fleet.owners.append(OwnerRecord(code=code, name=code.replace("-", " ")))
        fleet.contracts.append(
            ContractRecord(
                code=f"{code}-contract",
                owner=code,
                start=START,
                split_rule="PRO_RATA_DELIVERED",
                owner_share_pu=OWNER_SHARE[group],
                fee_per_event=0.0,
                currency="EUR",
            )
        )


def _up(value_kw: float) -> float:
    """Rounded up to a watt, so that a rating never lies below the peak it is made from."""
    return math.ceil(round(value_kw * 1e3, 6)) / 1e3
