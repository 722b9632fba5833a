"""Closed periods take no journal, what was sent or received stays as it was, and the first component rules."""

import json
from datetime import date
from importlib.resources import files

from django.db import migrations

from vpp.lib.triggers import append_only, drop_append_only

APPEND_ONLY = {
    "settlement_ledgerperiod": "closed periods",
    "settlement_statementline": "statement lines",
    "settlement_statementevent": "statement events",
    "settlement_paymentfile": "payment files",
    "settlement_payment": "payments",
    "settlement_componentrule": "component rules",
    "settlement_utilitystatement": "utility statements",
    "settlement_utilitystatementline": "utility statement lines",
    "settlement_disputeevent": "dispute events",
}

CLOSED = """
CREATE FUNCTION settlement_period_is_open() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- the closing takes this lock for itself: no journal slips in while it adds up
    PERFORM pg_advisory_xact_lock_shared(hashtext('settlement.period'));
    IF EXISTS (SELECT 1 FROM settlement_ledgerperiod
               WHERE (NEW.booked_at AT TIME ZONE 'UTC')::date BETWEEN first_date AND last_date) THEN
        RAISE EXCEPTION 'journal % falls in a closed period', NEW.natural_key USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER settlement_journal_in_open_period BEFORE INSERT ON settlement_journal
    FOR EACH ROW EXECUTE FUNCTION settlement_period_is_open();
"""

DROP_CLOSED = """
DROP TRIGGER settlement_journal_in_open_period ON settlement_journal; DROP FUNCTION settlement_period_is_open();
"""

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


def add_rows(apps, schema_editor):
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
    dependencies = [("settlement", "0009_statements_disputes_components")]

    operations = [
        *[
            migrations.RunSQL(append_only(table, what=what), drop_append_only(table))
            for table, what in APPEND_ONLY.items()
        ],
        migrations.RunSQL(CLOSED, DROP_CLOSED),
        migrations.RunPython(add_rows, migrations.RunPython.noop),
    ]
