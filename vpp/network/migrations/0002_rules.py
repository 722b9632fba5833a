"""Versions, bids and decisions of the grid stay as they were."""

from django.db import migrations

from vpp.lib.triggers import append_only, drop_append_only

RECORDS = {
    "network_topologyversion": "topology versions",
    "network_planbid": "bids of a plan",
    "network_plandecision": "decisions on a plan",
}


class Migration(migrations.Migration):
    dependencies = [("network", "0001_initial")]

    operations = [
        migrations.RunSQL(append_only(table, what=what), drop_append_only(table)) for table, what in RECORDS.items()
    ]
