"""Envelopes stay as they were known; TRUNCATE passes no version, envelope, bid or decision of the grid by."""

from django.db import migrations

from vpp.lib.triggers import drop_never_truncated, drop_stays_as_written, never_truncated, stays_as_written

KEPT = ("network_topologyversion", "network_planbid", "network_plandecision", "network_operatingenvelope")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_never_truncated"), ("network", "0003_states_of_a_day")]

    operations = [
        migrations.RunSQL(
            stays_as_written("network_operatingenvelope", what="operating envelopes"),
            drop_stays_as_written("network_operatingenvelope"),
        ),
        migrations.RunSQL(never_truncated(*KEPT), drop_never_truncated(*KEPT)),
    ]
