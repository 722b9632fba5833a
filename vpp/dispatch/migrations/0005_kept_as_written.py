"""Plans stay as they were made: settlement nominates by them. TRUNCATE passes neither them nor setpoints by."""

from django.db import migrations

from vpp.lib.triggers import drop_never_truncated, drop_stays_as_written, never_truncated, stays_as_written

WRITTEN = {"dispatch_plan": "plans", "dispatch_plandevice": "plans of devices"}
KEPT = ("dispatch_setpoint", *WRITTEN)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_never_truncated"), ("dispatch", "0004_reactive_power")]

    operations = [
        *[
            migrations.RunSQL(stays_as_written(table, what=what), drop_stays_as_written(table))
            for table, what in WRITTEN.items()
        ],
        migrations.RunSQL(never_truncated(*KEPT), drop_never_truncated(*KEPT)),
    ]
