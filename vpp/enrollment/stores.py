"""How the rows of each import file are stored: new ones made, changed ones updated; each tells how many were new."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from vpp.accounts.models import Participant
from vpp.enrollment.models import Consent, Contract, Device, Enrollment, OwnerTerms, Portfolio, Site
from vpp.enrollment.tables import COLUMNS

BATCH = 2000
Store = Callable[[list[dict[str, Any]]], int]


def _store_owners(rows: list[dict[str, Any]]) -> int:
    return _upsert(Participant, [Participant(code=r["code"], name=r["name"], kind="OWNER") for r in rows], ["name"])


def _store_sites(rows: list[dict[str, Any]]) -> int:
    owners = _ids(Participant)
    fields = ["name", "time_zone", "import_limit_kw", "export_limit_kw", "baseline_method"]
    sites = [
        Site(
            code=r["code"],
            owner_id=owners[r["owner"]],
            zone_code=r["zone"],
            feeder_code=r["feeder"],
            node_code=r["node"],
            **{name: r[name] for name in fields},
        )
        for r in rows
    ]
    return _upsert(Site, sites, [*fields, "owner", "zone_code", "feeder_code", "node_code"])


def _store_devices(rows: list[dict[str, Any]]) -> int:
    sites = _ids(Site)
    fields = [column.name for column in COLUMNS["devices"] if column.name not in {"code", "site"}]
    devices = [Device(code=r["code"], site_id=sites[r["site"]], **{name: r[name] for name in fields}) for r in rows]
    return _upsert(Device, devices, ["site", *fields])


def _store_portfolios(rows: list[dict[str, Any]]) -> int:
    portfolios = [
        Portfolio(
            code=r["code"],
            name=r["name"],
            zone_code=r["zone"],
            feeder_code=r["feeder"],
            time_zone=r["time_zone"],
            min_kw=r["min_kw"],
        )
        for r in rows
    ]
    return _upsert(Portfolio, portfolios, ["name", "zone_code", "feeder_code", "time_zone", "min_kw"])


CONTRACT_FIELDS = (
    "split_rule", "owner_share_pu", "fee_per_event", "floor_per_event", "tariff_per_kwh", "currency",
)  # fmt: skip


def _store_contracts(rows: list[dict[str, Any]]) -> int:
    owners = _ids(Participant)
    contracts = [
        Contract(
            code=r["code"],
            owner_id=owners[r["owner"]],
            period=DateTimeTZRange(r["start"], None),
            **{name: r[name] for name in CONTRACT_FIELDS},
        )
        for r in rows
    ]
    return _upsert(Contract, contracts, [*CONTRACT_FIELDS, "period"])


def _store_terms(rows: list[dict[str, Any]]) -> int:
    names = [column.name for column in COLUMNS["owner_terms"] if column.name not in {"device", "start"}]
    return _store_periods(OwnerTerms, rows, lambda r: {name: r[name] for name in names})


def _store_enrollments(rows: list[dict[str, Any]]) -> int:
    portfolios = _ids(Portfolio)
    return _store_periods(Enrollment, rows, lambda r: {"portfolio_id": portfolios[r["portfolio"]]})


def _store_consents(rows: list[dict[str, Any]]) -> int:
    """What was signed stays: another document takes its place from its own day on, and one that was withdrawn does not
    come back by the same file.
    """
    sites = _ids(Site)
    newest = {one.site_id: one for one in Consent.objects.order_by("given_at")}
    fresh, replaced = [], []
    for r in rows:
        held = newest.get(sites[r["site"]])
        in_force = held is not None and held.withdrawn_at is None
        if held is not None and (held.given_at >= r["start"] or (in_force and held.document == r["document"])):
            continue
        if held is not None and in_force:
            held.withdrawn_at = r["start"]
            replaced.append(held)
        signed = {"given_by": r["given_by"], "document": r["document"], "given_at": r["start"]}
        fresh.append(Consent(site_id=sites[r["site"]], **signed))
    Consent.objects.bulk_update(replaced, ["withdrawn_at"], batch_size=BATCH)
    Consent.objects.bulk_create(fresh, batch_size=BATCH)
    return len(fresh)


def _store_periods(model: Any, rows: list[dict[str, Any]], fields_of: Any) -> int:
    """Rows that hold from `start` on for a device: a later start ends the row before it, the same start updates it."""
    devices = _ids(Device)
    current = {row.device_id: row for row in model.objects.filter(period__endswith__isnull=True)}
    fresh, changed, ended = [], [], []
    for r in rows:
        device_id, fields = devices[r["device"]], fields_of(r)
        existing = current.get(device_id)
        if existing is not None and existing.period.lower >= r["start"]:
            for name, value in fields.items():
                setattr(existing, name, value)
            changed.append(existing)
            continue
        if existing is not None:
            existing.period = DateTimeTZRange(existing.period.lower, r["start"])
            ended.append(existing)
        fresh.append(model(device_id=device_id, period=DateTimeTZRange(r["start"], None), **fields))
    model.objects.bulk_update(ended, ["period"], batch_size=BATCH)
    if changed:
        model.objects.bulk_update(changed, list(fields_of(rows[0])), batch_size=BATCH)
    model.objects.bulk_create(fresh, batch_size=BATCH)
    return len(fresh)


def _upsert(model: Any, objects: list[Any], update_fields: list[str]) -> int:
    before = set(model.objects.values_list("code", flat=True))
    model.objects.bulk_create(
        objects, batch_size=BATCH, update_conflicts=True, unique_fields=["code"], update_fields=update_fields
    )
    return sum(1 for item in objects if item.code not in before)


def _ids(model: Any) -> dict[str, int]:
    return dict(model.objects.values_list("code", "pk"))


STORES: dict[str, Store] = {
    "owners": _store_owners,
    "sites": _store_sites,
    "consents": _store_consents,
    "devices": _store_devices,
    "contracts": _store_contracts,
    "portfolios": _store_portfolios,
    "owner_terms": _store_terms,
    "enrollments": _store_enrollments,
}
