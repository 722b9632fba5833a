"""Tables that Django cannot state, how the busy ones are stored, and the version of the fleet.

The two tables that grow with devices x intervals are partitioned by UTC day.
"""

from django.db import migrations

from vpp.lib.triggers import append_only, drop_append_only

# Columns in falling width, so that a row carries no padding.
PARTITIONED_TABLES = """
CREATE TABLE telemetry_reading (
    ts timestamptz NOT NULL,
    available_at timestamptz NOT NULL,
    device_id bigint NOT NULL,
    power_kw double precision NOT NULL,
    energy_kwh double precision,
    soc_kwh double precision,
    voltage_pu double precision,
    quality smallint NOT NULL DEFAULT 0,
    PRIMARY KEY (ts, device_id)
) PARTITION BY RANGE (ts);

CREATE TABLE telemetry_rollup15 (
    bucket timestamptz NOT NULL,
    first_available_at timestamptz NOT NULL,
    available_at timestamptz NOT NULL,
    device_id bigint NOT NULL,
    energy_kwh double precision NOT NULL,
    min_kw double precision NOT NULL,
    max_kw double precision NOT NULL,
    count integer NOT NULL,
    quality smallint NOT NULL DEFAULT 0,
    PRIMARY KEY (bucket, device_id)
) PARTITION BY RANGE (bucket);

-- A reading never changes; a closed day leaves its partition by DELETE or TRUNCATE.
CREATE FUNCTION telemetry_reading_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'readings never change: send a correction' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER telemetry_reading_immutable BEFORE UPDATE ON telemetry_reading
    FOR EACH ROW EXECUTE FUNCTION telemetry_reading_never_changes();

-- Make the partitions of one UTC day if they are missing. ATTACH takes a weaker lock on the parent than
-- CREATE ... PARTITION OF, so writers of other days go on.
CREATE FUNCTION telemetry_ensure_day(wanted date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    part text;
BEGIN
    IF to_regclass(format('telemetry_rollup15_p%s', to_char(wanted, 'YYYYMMDD'))) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('telemetry_ensure_day'));
    FOREACH parent IN ARRAY ARRAY['telemetry_reading', 'telemetry_rollup15'] LOOP
        part := format('%s_p%s', parent, to_char(wanted, 'YYYYMMDD'));
        IF to_regclass(part) IS NULL THEN
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', part, parent);
            EXECUTE format(
                'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                parent, part, wanted::text || ' 00:00:00+00', (wanted + 1)::text || ' 00:00:00+00'
            );
        END IF;
    END LOOP;
END $$;
"""
DROP_PARTITIONED_TABLES = """
DROP FUNCTION telemetry_ensure_day(date);
DROP TABLE telemetry_reading, telemetry_rollup15;
DROP FUNCTION telemetry_reading_never_changes();
"""
# Every interval updates every row of `latest`: with room in its pages an update touches no index (HOT).
LATEST = "ALTER TABLE telemetry_latest SET (fillfactor = 45, autovacuum_vacuum_scale_factor = 0.5)"
LATEST_AS_BEFORE = "ALTER TABLE telemetry_latest RESET (fillfactor, autovacuum_vacuum_scale_factor)"
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
    dependencies = [("enrollment", "0001_initial"), ("telemetry", "0001_initial")]

    operations = [
        migrations.RunSQL(PARTITIONED_TABLES, DROP_PARTITIONED_TABLES),
        migrations.RunSQL(
            append_only("telemetry_readingcorrection", what="corrections"),
            drop_append_only("telemetry_readingcorrection"),
        ),
        migrations.RunSQL(LATEST, LATEST_AS_BEFORE),
        migrations.RunSQL(ARRIVALS, migrations.RunSQL.noop),
        migrations.RunSQL(FLEET_VERSION, NO_FLEET_VERSION),
    ]
