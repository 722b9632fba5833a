"""TRUNCATE passes nothing by that was settled, booked, stated or paid, nor the rules it was settled by."""

from importlib import import_module

from django.db import migrations

from vpp.lib.triggers import drop_never_truncated, never_truncated

KEPT = (
    *import_module("vpp.settlement.migrations.0002_rules").APPEND_ONLY,
    "settlement_ledgeraccount",
    "settlement_statement",
)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_never_truncated"), ("settlement", "0004_no_day_paid_twice")]

    operations = [migrations.RunSQL(never_truncated(*KEPT), drop_never_truncated(*KEPT))]
