"""Messages whose latest values and rollup are brought up after they are stored, and the version of the fleet."""

from django.db import migrations, models

# Packed numbers do not compress: kept as they are. The table is empty most of the time, so it is vacuumed by count.
ARRIVALS = """
ALTER TABLE telemetry_arrival
    ALTER device_id SET STORAGE EXTERNAL, ALTER time_us SET STORAGE EXTERNAL, ALTER power_kw SET STORAGE EXTERNAL,
    ALTER energy_kwh SET STORAGE EXTERNAL, ALTER soc_kwh SET STORAGE EXTERNAL, ALTER voltage_pu SET STORAGE EXTERNAL,
    ALTER quality SET STORAGE EXTERNAL;
ALTER TABLE telemetry_arrival SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500,
    toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 20000);
"""
# A number that is never used twice, seen by others from the commit of the change on.
FLEET_VERSION = """
CREATE SEQUENCE telemetry_fleet_version;
INSERT INTO telemetry_fleetversion (id, version) VALUES (1, nextval('telemetry_fleet_version'));
CREATE FUNCTION telemetry_fleet_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO telemetry_fleetversion (id, version) VALUES (1, nextval('telemetry_fleet_version'))
    ON CONFLICT (id) DO UPDATE SET version = EXCLUDED.version;
    RETURN NULL;
END $$;
CREATE TRIGGER telemetry_device_changed AFTER INSERT OR UPDATE OR DELETE ON enrollment_device
    FOR EACH STATEMENT EXECUTE FUNCTION telemetry_fleet_changed();
CREATE TRIGGER telemetry_site_changed AFTER UPDATE OR DELETE ON enrollment_site
    FOR EACH STATEMENT EXECUTE FUNCTION telemetry_fleet_changed();
"""
NO_FLEET_VERSION = """
DROP TRIGGER telemetry_device_changed ON enrollment_device;
DROP TRIGGER telemetry_site_changed ON enrollment_site;
DROP FUNCTION telemetry_fleet_changed();
DROP SEQUENCE telemetry_fleet_version;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('enrollment', '0001_initial'),
        ('telemetry', '0004_touched_buckets'),
    ]

    operations = [
        migrations.CreateModel(
            name='Arrival',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('available_at', models.DateTimeField()),
                ('first_at', models.DateTimeField(help_text="the earliest reading's instant")),
                ('last_at', models.DateTimeField()),
                ('least_device', models.BigIntegerField()),
                ('largest_device', models.BigIntegerField()),
                ('count', models.IntegerField()),
                ('device_id', models.BinaryField()),
                ('time_us', models.BinaryField(null=True)),
                ('power_kw', models.BinaryField()),
                ('energy_kwh', models.BinaryField(null=True)),
                ('soc_kwh', models.BinaryField(null=True)),
                ('voltage_pu', models.BinaryField(null=True)),
                ('quality', models.BinaryField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='FleetVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.BigIntegerField()),
            ],
        ),
        migrations.RunSQL(ARRIVALS, migrations.RunSQL.noop),
        migrations.RunSQL(FLEET_VERSION, NO_FLEET_VERSION),
    ]
