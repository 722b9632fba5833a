"""Plans and envelopes name every switching state that their day passes through."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

VERSIONS = django.contrib.postgres.fields.ArrayField(
    base_field=models.PositiveIntegerField(),
    default=list,
    help_text="of the switching states the day passes through",
    size=None,
)
LAST = models.ForeignKey(
    help_text="of the day's last interval",
    null=True,
    on_delete=django.db.models.deletion.PROTECT,
    related_name="+",
    to="network.topologyversion",
)
TABLES = {"clearingplan": "network_clearingplan", "operatingenvelope": "network_operatingenvelope"}


class Migration(migrations.Migration):
    dependencies = [("network", "0002_rules")]

    operations = [
        *[migrations.AddField(model, "topology_versions", VERSIONS) for model in TABLES],
        *[migrations.AlterField(model, "topology", LAST) for model in TABLES],
        *[
            migrations.RunSQL(
                f"UPDATE {table} SET topology_versions = ARRAY[v.version] FROM network_topologyversion v "
                f"WHERE v.id = {table}.topology_id",
                migrations.RunSQL.noop,
            )
            for table in TABLES.values()
        ],
    ]
