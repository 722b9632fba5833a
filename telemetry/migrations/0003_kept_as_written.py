"""What meters showed, and readings of closed days, stay as they were known; TRUNCATE passes no readings by.

A closed day still leaves its own partition by TRUNCATE when it is packed: the trigger is that of the whole table.
"""

from django.db import migrations

from vpp.lib.triggers import drop_never_truncated, drop_stays_as_written, never_truncated, stays_as_written

WRITTEN = {"telemetry_registershowing": "register showings", "telemetry_readingday": "readings of closed days"}
KEPT = ("telemetry_reading", "telemetry_readingcorrection", *WRITTEN)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_never_truncated"), ("telemetry", "0002_rules")]

    operations = [
        *[
            migrations.RunSQL(stays_as_written(table, what=what), drop_stays_as_written(table))
            for table, what in WRITTEN.items()
        ],
        migrations.RunSQL(never_truncated(*KEPT), drop_never_truncated(*KEPT)),
    ]
