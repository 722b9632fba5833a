"""The rules the service starts with; staff add dated rows beside them."""

import json
from datetime import date, timedelta
from importlib.resources import files

from django.db import migrations

from vpp.settlement.kernels.profile_data import shipped_profiles

BEGINNING = date(2000, 1, 1)

# Settled by what the device itself shows: a battery without dispatch is idle, generation is nominated by forecast.
# Flexible consumption takes its site's method.
DEVICE_METHODS = {
    "BATTERY": "SCHEDULE_IDLE",
    "PV": "NOMINATION",
    "WIND": "NOMINATION",
    "HYDRO": "NOMINATION",
    "BIOMASS": "NOMINATION",
    "GENSET": "NOMINATION",
    "LOAD": "",
    "FLEXIBLE_LOAD": "",
    "EV_CHARGER": "",
    "HEAT_PUMP": "",
    "WATER_HEATER": "",
    "METER": "",
}

# Capacity is paid in proportion to the delivered share of what was called, never more than in full.
PROPORTIONAL = [[0.0, 0.0], [1.0, 1.0]]
PAYMENT_RULES = {
    "ENERGY": {"imbalance_spread_pu": "0.25", "performance_band": []},
    "RESERVE_UP": {"performance_band": PROPORTIONAL},
    "RESERVE_DOWN": {"performance_band": PROPORTIONAL},
    "ASK": {"penalty_pu": "1", "performance_band": []},
}

# Settlement rules, section 5.4; months and days count from the delivery day.
CALENDARS = {
    ("CAISO", date(2000, 1, 1)): [
        ("T+3B", 3, "BUSINESS_DAYS", False), ("T+12B", 12, "BUSINESS_DAYS", True), ("T+55B", 55, "BUSINESS_DAYS", True),
        ("T+9M", 9, "MONTHS", True), ("T+18M", 18, "MONTHS", True), ("T+35M", 35, "MONTHS", True),
        ("T+36M", 36, "MONTHS", False),
    ],
    ("CAISO", date(2021, 1, 1)): [
        ("T+9B", 9, "BUSINESS_DAYS", True), ("T+70B", 70, "BUSINESS_DAYS", True), ("T+11M", 11, "MONTHS", True),
        ("T+21M", 21, "MONTHS", True), ("T+24M", 24, "MONTHS", False),
    ],
    ("PJM", date(2000, 1, 1)): [("DUE", 60, "DAYS", True)],
    ("GB", date(2000, 1, 1)): [("RF", 14, "MONTHS", True)],
}  # fmt: skip

ZONE_WITH_HOLIDAYS = "DE"
FIXED_HOLIDAYS = {
    (1, 1): "New Year",
    (5, 1): "Labour Day",
    (10, 3): "German Unity Day",
    (12, 25): "Christmas Day",
    (12, 26): "Second Christmas Day",
}
EASTER_HOLIDAYS = {-2: "Good Friday", 1: "Easter Monday", 39: "Ascension Day", 50: "Whit Monday"}


def easter_sunday(year: int) -> date:
    """Gregorian Easter, after Meeus, Astronomical Algorithms (1991), chapter 8."""
    a, b, c = year % 19, year // 100, year % 100
    d, e, f = b // 4, b % 4, (b + 8) // 25
    h = (19 * a + b - d - (b - f + 1) // 3 + 15) % 30
    i, k = c // 4, c % 4
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


def holidays_of(year: int) -> dict[date, str]:
    found = {date(year, month, day): name for (month, day), name in FIXED_HOLIDAYS.items()}
    return found | {easter_sunday(year) + timedelta(days=days): name for days, name in EASTER_HOLIDAYS.items()}


def add_rules(apps, schema_editor):
    profile, method, payment, holiday = (
        apps.get_model("settlement", name) for name in ("BaselineProfile", "DeviceMethod", "PaymentRule", "Holiday")
    )
    for name, data in shipped_profiles().items():
        parameters = {key: value for key, value in data.items() if key not in ("method", "source")}
        profile.objects.create(
            name=name,
            version=1,
            valid_from=BEGINNING,
            method=data.get("method", "x_of_y"),
            parameters=parameters,
            source=data.get("source", ""),
        )
    for kind, profile_name in DEVICE_METHODS.items():
        method.objects.create(kind=kind, valid_from=BEGINNING, profile_name=profile_name)
    for kind, fields in PAYMENT_RULES.items():
        payment.objects.create(product_kind=kind, valid_from=BEGINNING, **fields)
    holiday.objects.bulk_create(
        holiday(zone_code=ZONE_WITH_HOLIDAYS, date=day, name=name)
        for year in range(2010, 2041)
        for day, name in sorted(holidays_of(year).items())
    )


def add_components(apps, schema_editor):
    rule = apps.get_model("settlement", "ComponentRule")
    text = files("vpp.settlement.kernels.components").joinpath("rules.json").read_text(encoding="utf-8")
    for row in json.loads(text):
        rule.objects.create(**{**row, "valid_from": date.fromisoformat(row["valid_from"])})
    step = apps.get_model("settlement", "ResettlementStep")
    for (market, since), steps in CALENDARS.items():
        for name, offset, unit, disputable in steps:
            step.objects.create(
                market_code=market, name=name, offset=offset, unit=unit, disputable=disputable, valid_from=since,
                source="settlement rules, 5.4",
            )


class Migration(migrations.Migration):
    dependencies = [("settlement", "0002_rules")]

    operations = [
        migrations.RunPython(add_rules, migrations.RunPython.noop),
        migrations.RunPython(add_components, migrations.RunPython.noop),
    ]
