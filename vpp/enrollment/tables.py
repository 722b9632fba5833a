"""The columns of each import file (docs/files.md)."""

from __future__ import annotations

from decimal import Decimal

from vpp.enrollment.files import (
    Column,
    money,
    not_negative,
    one_of,
    start_moment,
    text,
    wall_time,
    whole,
    yes_no,
    zone,
)
from vpp.enrollment.models import Contract, Device

COLUMNS: dict[str, tuple[Column, ...]] = {
    "owners": (Column("code", text), Column("name", text), Column("kind", one_of("OWNER"), "OWNER")),
    "sites": (
        Column("code", text),
        Column("name", text),
        Column("owner", text),
        Column("time_zone", zone),
        Column("zone", text),
        Column("feeder", text, ""),
        Column("node", text, ""),
        Column("import_limit_kw", not_negative),
        Column("export_limit_kw", not_negative),
        Column("baseline_method", text, "CAISO_10_IN_10"),
    ),
    "consents": (
        Column("site", text),
        Column("start", start_moment),
        Column("given_by", text),
        Column("document", text),
    ),
    "devices": (
        Column("code", text),
        Column("site", text),
        Column("kind", one_of(*Device.Kind.values)),
        Column("name", text, ""),
        Column("max_consumption_kw", not_negative),
        Column("max_production_kw", not_negative),
        Column("controllable", yes_no, False),
        Column("energy_capacity_kwh", not_negative, None),
        Column("charge_efficiency", not_negative, 1.0),
        Column("discharge_efficiency", not_negative, 1.0),
        Column("ramp_kw_per_minute", not_negative, None),
        Column("min_on_minutes", whole, 0),
        Column("min_off_minutes", whole, 0),
        Column("cost_per_kwh", money, Decimal(0)),
        Column("self_discharge_pu_per_day", not_negative, 0.0),
    ),
    "owner_terms": (
        Column("device", text),
        Column("start", start_moment),
        Column("reserve_floor_pu", not_negative, 0.0),
        Column("max_events_per_day", whole, None),
        Column("max_events_per_season", whole, None),
        Column("max_hours_per_day", not_negative, None),
        Column("notice_minutes", whole, 0),
        Column("rest_minutes", whole, 0),
        Column("comfort_min_c", float, None),
        Column("comfort_max_c", float, None),
        Column("departure_local_time", wall_time, None),
        Column("departure_energy_kwh", not_negative, None),
        Column("opted_out", yes_no, False),
    ),
    "contracts": (
        Column("code", text),
        Column("owner", text),
        Column("start", start_moment),
        Column("split_rule", one_of(*Contract.SplitRule.values), Contract.SplitRule.PRO_RATA_DELIVERED.value),
        Column("owner_share_pu", money),
        Column("fee_per_event", money, Decimal(0)),
        Column("floor_per_event", money, Decimal(0)),
        Column("tariff_per_kwh", money, Decimal(0)),
        Column("currency", text, "EUR"),
    ),
    "portfolios": (
        Column("code", text),
        Column("name", text),
        Column("zone", text),
        Column("feeder", text, ""),
        Column("time_zone", zone),
        Column("min_kw", not_negative, 100.0),
    ),
    "enrollments": (Column("device", text), Column("portfolio", text), Column("start", start_moment)),
}
