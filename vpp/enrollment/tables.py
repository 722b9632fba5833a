"""The columns of each import file (docs/files.md)."""

from __future__ import annotations

from decimal import Decimal

from vpp.enrollment.cells import (
    amount,
    not_negative,
    number,
    one_of,
    start_moment,
    text,
    wall_time,
    whole,
    yes_no,
    zone,
)
from vpp.enrollment.files import Column
from vpp.enrollment.models import Contract, Device

COLUMNS: dict[str, tuple[Column, ...]] = {
    "owners": (Column("code", text(80)), Column("name", text(200)), Column("kind", one_of("OWNER"), "OWNER")),
    "sites": (
        Column("code", text(120)),
        Column("name", text(200)),
        Column("owner", text(80)),
        Column("time_zone", zone),
        Column("zone", text(40)),
        Column("feeder", text(80), ""),
        Column("node", text(120), ""),
        Column("import_limit_kw", not_negative),
        Column("export_limit_kw", not_negative),
        Column("baseline_method", text(40), "CAISO_10_IN_10"),
    ),
    "consents": (
        Column("site", text(120)),
        Column("start", start_moment),
        Column("given_by", text(200)),
        Column("document", text(120)),
    ),
    "devices": (
        Column("code", text(120)),
        Column("site", text(120)),
        Column("kind", one_of(*Device.Kind.values)),
        Column("name", text(200), ""),
        Column("max_consumption_kw", not_negative),
        Column("max_production_kw", not_negative),
        Column("controllable", yes_no, False),
        Column("energy_capacity_kwh", not_negative, None),
        Column("charge_efficiency", not_negative, 1.0),
        Column("discharge_efficiency", not_negative, 1.0),
        Column("ramp_kw_per_minute", not_negative, None),
        Column("min_on_minutes", whole, 0),
        Column("min_off_minutes", whole, 0),
        Column("cost_per_kwh", amount(10_000), Decimal(0)),
        Column("self_discharge_pu_per_day", not_negative, 0.0),
    ),
    "owner_terms": (
        Column("device", text(120)),
        Column("start", start_moment),
        Column("reserve_floor_pu", not_negative, 0.0),
        Column("max_events_per_day", whole, None),
        Column("max_events_per_season", whole, None),
        Column("max_hours_per_day", not_negative, None),
        Column("notice_minutes", whole, 0),
        Column("rest_minutes", whole, 0),
        Column("comfort_min_c", number, None),
        Column("comfort_max_c", number, None),
        Column("departure_local_time", wall_time, None),
        Column("departure_energy_kwh", not_negative, None),
        Column("opted_out", yes_no, False),
    ),
    "contracts": (
        Column("code", text(120)),
        Column("owner", text(80)),
        Column("start", start_moment),
        Column("split_rule", one_of(*Contract.SplitRule.values), Contract.SplitRule.PRO_RATA_DELIVERED.value),
        Column("owner_share_pu", amount(10)),
        Column("fee_per_event", amount(10_000_000), Decimal(0)),
        Column("floor_per_event", amount(10_000_000), Decimal(0)),
        Column("tariff_per_kwh", amount(10_000), Decimal(0)),
        Column("currency", text(3), "EUR"),
    ),
    "portfolios": (
        Column("code", text(80)),
        Column("name", text(200)),
        Column("zone", text(40)),
        Column("feeder", text(80), ""),
        Column("time_zone", zone),
        Column("min_kw", not_negative, 100.0),
    ),
    "enrollments": (Column("device", text(120)), Column("portfolio", text(80)), Column("start", start_moment)),
}
