from django.db import migrations

from vpp.lib.triggers import append_only, drop_append_only


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.RunSQL(
            append_only("accounts_auditevent", what="audit events"), drop_append_only("accounts_auditevent")
        ),
    ]
