from django.db import migrations


class Migration(migrations.Migration):
    """Every interval updates every row of `latest`: with room in its pages an update touches no index (HOT)."""

    dependencies = [("telemetry", "0002_metered_device")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE telemetry_latest SET (fillfactor = 45, autovacuum_vacuum_scale_factor = 0.5)",
            "ALTER TABLE telemetry_latest RESET (fillfactor, autovacuum_vacuum_scale_factor)",
        )
    ]
