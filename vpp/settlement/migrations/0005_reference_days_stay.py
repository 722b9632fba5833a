"""The reference-day index is part of a run and as immutable."""

from django.db import migrations

from vpp.lib.triggers import append_only, drop_append_only

TABLE = "settlement_referenceday"


class Migration(migrations.Migration):
    dependencies = [("settlement", "0004_referenceday")]

    operations = [migrations.RunSQL(append_only(TABLE, what="reference days"), drop_append_only(TABLE))]
