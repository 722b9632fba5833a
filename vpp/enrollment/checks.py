"""Rules across the import tables: what a row names must exist, and a portfolio must fit its market."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from vpp.accounts.models import Participant
from vpp.enrollment.files import Fault, Table
from vpp.enrollment.models import Device, Portfolio, Site

Row = dict[str, Any]


def cross_check(tables: dict[str, Table]) -> list[Fault]:
    """All faults of references, repeated codes, device physics and portfolio rules."""
    before = sum(len(table.faults) for table in tables.values())
    owners = _codes(tables, "owners", Participant)
    sites = _codes(tables, "sites", Site)
    devices = _codes(tables, "devices", Device)
    portfolios = _codes(tables, "portfolios", Portfolio)
    for name, key in (
        ("owners", "code"), ("sites", "code"), ("devices", "code"), ("portfolios", "code"), ("contracts", "code"),
        ("consents", "site"), ("owner_terms", "device"), ("enrollments", "device"),
    ):  # fmt: skip
        _check_once(tables.get(name), key)
    _check_refers(tables.get("sites"), "owner", owners, "owners")
    _check_refers(tables.get("contracts"), "owner", owners, "owners")
    _check_refers(tables.get("consents"), "site", sites, "sites")
    _check_refers(tables.get("devices"), "site", sites, "sites")
    _check_refers(tables.get("owner_terms"), "device", devices, "devices")
    _check_refers(tables.get("enrollments"), "device", devices, "devices")
    _check_refers(tables.get("enrollments"), "portfolio", portfolios, "portfolios")
    _check_hands(tables.get("sites"))
    _check_devices(tables.get("devices"))
    _check_meters(tables.get("devices"))
    _check_owners(tables.get("owners"))
    _check_terms(tables.get("owner_terms"))
    _check_contracts(tables.get("contracts"))
    faults = [fault for table in tables.values() for fault in table.faults]
    if len(faults) == before and "enrollments" in tables:
        check_portfolios(tables)
        faults = [fault for table in tables.values() for fault in table.faults]
    return faults


def check_portfolios(tables: dict[str, Table]) -> None:
    """A portfolio needs its minimum of controllable power, all within its zone and, if it names one, its feeder."""
    portfolios = {row["code"]: row for row in _rows(tables, "portfolios")}
    devices = {row["code"]: row for row in _rows(tables, "devices")}
    sites = {row["code"]: row for row in _rows(tables, "sites")}
    flexible_kw: dict[str, float] = defaultdict(float)
    for row in tables["enrollments"].rows:
        portfolio, device = portfolios.get(row["portfolio"]), devices.get(row["device"])
        site = sites.get(device["site"]) if device else None
        if portfolio is None or device is None or site is None:
            continue  # named in the database, not in these files: checked when it came in
        if site["zone"] != portfolio["zone"]:
            tables["enrollments"].fault(
                row, "device", f"lies in zone {site['zone']}, its portfolio in {portfolio['zone']}"
            )
        if portfolio["feeder"] and site["feeder"] != portfolio["feeder"]:
            tables["enrollments"].fault(
                row, "device", f"hangs on feeder {site['feeder']}, its portfolio on {portfolio['feeder']}"
            )
        if device["controllable"]:
            flexible_kw[row["portfolio"]] += max(device["max_consumption_kw"], device["max_production_kw"])
    for row in _rows(tables, "portfolios"):
        have_kw = flexible_kw.get(row["code"], 0.0)
        if have_kw < row["min_kw"]:
            tables["portfolios"].fault(
                row, "min_kw", f"{have_kw:.0f} kW of controllable power is below the minimum of {row['min_kw']:.0f} kW"
            )


def _check_hands(table: Table | None) -> None:
    """A file does not say since when: days that were paid to one owner would be another's."""
    stored = dict(Site.objects.values_list("code", "owner__code")) if table else {}
    for row in table.rows if table else []:
        if stored.get(row["code"], row["owner"]) != row["owner"]:
            told = f"belongs to {stored[row['code']]}: on its page under Enrollment, record that it changes hands"
            table.fault(row, "owner", told)  # type: ignore[union-attr]


def _check_devices(table: Table | None) -> None:
    for row in table.rows if table else []:
        if row["kind"] == Device.Kind.BATTERY and not row["energy_capacity_kwh"]:
            table.fault(row, "energy_capacity_kwh", "a battery needs a capacity above 0")  # type: ignore[union-attr]
        for name in ("charge_efficiency", "discharge_efficiency"):
            if not 0 < row[name] <= 1:
                table.fault(row, name, f"{row[name]} is not above 0 and at most 1")  # type: ignore[union-attr]


def _check_meters(table: Table | None) -> None:
    """A site has one meter, those that are stored among them."""
    meters = [row for row in table.rows if row["kind"] == Device.Kind.METER] if table else []
    stored = Device.objects.filter(kind=Device.Kind.METER, site__code__in={row["site"] for row in meters})
    known = dict(stored.values_list("site__code", "code"))
    for row in meters:
        if known.setdefault(row["site"], row["code"]) != row["code"]:
            told = f"site {row['site']} has a meter already, {known[row['site']]}"
            table.fault(row, "kind", told)  # type: ignore[union-attr]


def _check_owners(table: Table | None) -> None:
    others = Participant.objects.exclude(kind=Participant.Kind.OWNER).values_list("code", "kind")
    kinds = dict(others)
    for row in table.rows if table else []:
        if row["code"] in kinds:
            table.fault(row, "code", f"{row['code']} is the code of a {kinds[row['code']]} already")  # type: ignore[union-attr]


def _check_terms(table: Table | None) -> None:
    for row in table.rows if table else []:
        low, high = row["comfort_min_c"], row["comfort_max_c"]
        if not 0 <= row["reserve_floor_pu"] < 1:
            table.fault(row, "reserve_floor_pu", f"{row['reserve_floor_pu']} is not from 0 up to 1")  # type: ignore[union-attr]
        if low is not None and high is not None and low >= high:
            table.fault(row, "comfort_max_c", f"the band ends below where it begins, at {low}")  # type: ignore[union-attr]


def _check_contracts(table: Table | None) -> None:
    for row in table.rows if table else []:
        if not 0 <= row["owner_share_pu"] <= 1:
            table.fault(row, "owner_share_pu", f"{row['owner_share_pu']} is not from 0 to 1")  # type: ignore[union-attr]
        for name in ("fee_per_event", "floor_per_event", "tariff_per_kwh"):
            if row[name] < 0:
                table.fault(row, name, "is negative")  # type: ignore[union-attr]


def _check_once(table: Table | None, key: str) -> None:
    seen: dict[str, int] = {}
    for row in table.rows if table else []:
        if row[key] in seen:
            table.fault(row, key, f"{row[key]!r} stands in row {seen[row[key]]} already")  # type: ignore[union-attr]
        seen.setdefault(row[key], row["_row"])


def _check_refers(table: Table | None, column: str, known: set[str], where: str) -> None:
    for row in table.rows if table else []:
        if row[column] not in known:
            table.fault(row, column, f"{row[column]!r} is not among the {where}")  # type: ignore[union-attr]


def _codes(tables: dict[str, Table], name: str, model: Any) -> set[str]:
    stored = set(model.objects.values_list("code", flat=True))
    return stored | {row["code"] for row in _rows(tables, name)}


def _rows(tables: dict[str, Table], name: str) -> list[Row]:
    return tables[name].rows if name in tables else []
