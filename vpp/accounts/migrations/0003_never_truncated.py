"""TRUNCATE passes no kept row by: the audit trail here, and the function for the tables of every room."""

from django.db import migrations

from vpp.lib.triggers import REFUSES_TRUNCATE, TRUNCATES_AGAIN, drop_never_truncated, never_truncated


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_rules")]

    operations = [
        migrations.RunSQL(REFUSES_TRUNCATE, TRUNCATES_AGAIN),
        migrations.RunSQL(never_truncated("accounts_auditevent"), drop_never_truncated("accounts_auditevent")),
    ]
