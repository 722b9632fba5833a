"""Tables of telemetry. The two that grow with devices x intervals are partitioned by UTC day, which Django cannot state."""

import django.db.models.deletion
from django.db import migrations, models

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


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('enrollment', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Latest',
            fields=[
                ('power_kw', models.FloatField(help_text='mean power of the interval that starts at ts')),
                ('energy_kwh', models.FloatField(null=True)),
                ('soc_kwh', models.FloatField(help_text='energy content of a storage', null=True)),
                ('voltage_pu', models.FloatField(null=True)),
                ('quality', models.SmallIntegerField(default=0, help_text='bits of telemetry.kernels.quality.Quality; 0 is good')),
                ('device', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='latest_reading', serialize=False, to='enrollment.device')),
                ('ts', models.DateTimeField()),
                ('available_at', models.DateTimeField()),
            ],
            options={
                'verbose_name_plural': 'latest readings',
            },
        ),
        migrations.CreateModel(
            name='ReadingCorrection',
            fields=[
                ('power_kw', models.FloatField(help_text='mean power of the interval that starts at ts')),
                ('energy_kwh', models.FloatField(null=True)),
                ('soc_kwh', models.FloatField(help_text='energy content of a storage', null=True)),
                ('voltage_pu', models.FloatField(null=True)),
                ('quality', models.SmallIntegerField(default=0, help_text='bits of telemetry.kernels.quality.Quality; 0 is good')),
                ('pk', models.CompositePrimaryKey('ts', 'device_id', 'available_at', blank=True, editable=False, primary_key=True, serialize=False)),
                ('ts', models.DateTimeField()),
                ('available_at', models.DateTimeField()),
                ('device', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='enrollment.device')),
            ],
            options={
                'db_table': 'telemetry_readingcorrection',
            },
        ),
        migrations.CreateModel(
            name='ReadingDay',
            fields=[
                ('pk', models.CompositePrimaryKey('day', 'device_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('day', models.DateField()),
                ('count', models.IntegerField()),
                ('first_available_at', models.DateTimeField()),
                ('available_at', models.DateTimeField()),
                ('checksum', models.BigIntegerField(help_text='CRC-32 over the columns in the order of this table')),
                ('offset_s', models.BinaryField(null=True)),
                ('power_kw', models.BinaryField()),
                ('energy_kwh', models.BinaryField(null=True)),
                ('soc_kwh', models.BinaryField(null=True)),
                ('voltage_pu', models.BinaryField(null=True)),
                ('quality', models.BinaryField(null=True)),
                ('available_us', models.BinaryField(null=True)),
                ('device', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='enrollment.device')),
            ],
        ),
        migrations.CreateModel(
            name='RollupDay',
            fields=[
                ('pk', models.CompositePrimaryKey('day', 'device_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('day', models.DateField()),
                ('first_available_at', models.DateTimeField()),
                ('available_at', models.DateTimeField()),
                ('energy_kwh', models.BinaryField()),
                ('min_kw', models.BinaryField(null=True)),
                ('max_kw', models.BinaryField(null=True)),
                ('count', models.BinaryField(null=True)),
                ('quality', models.BinaryField(null=True)),
                ('available_us', models.BinaryField(null=True)),
                ('device', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='enrollment.device')),
            ],
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(PARTITIONED_TABLES, DROP_PARTITIONED_TABLES)],
            state_operations=[
                migrations.CreateModel(
                    name='Reading',
                    fields=[
                        ('power_kw', models.FloatField(help_text='mean power of the interval that starts at ts')),
                        ('energy_kwh', models.FloatField(null=True)),
                        ('soc_kwh', models.FloatField(help_text='energy content of a storage', null=True)),
                        ('voltage_pu', models.FloatField(null=True)),
                        ('quality', models.SmallIntegerField(default=0, help_text='bits of telemetry.kernels.quality.Quality; 0 is good')),
                        ('pk', models.CompositePrimaryKey('ts', 'device_id', blank=True, editable=False, primary_key=True, serialize=False)),
                        ('ts', models.DateTimeField()),
                        ('available_at', models.DateTimeField(help_text='when it was stored')),
                        ('device', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='enrollment.device')),
                    ],
                    options={
                        'db_table': 'telemetry_reading',
                    },
                ),
                migrations.CreateModel(
                    name='Rollup15',
                    fields=[
                        ('pk', models.CompositePrimaryKey('bucket', 'device_id', blank=True, editable=False, primary_key=True, serialize=False)),
                        ('bucket', models.DateTimeField(help_text='start of the quarter hour')),
                        ('first_available_at', models.DateTimeField(help_text='before this moment nothing of the bucket was known')),
                        ('available_at', models.DateTimeField(help_text='from this moment on the bucket reads as it stands here')),
                        ('energy_kwh', models.FloatField()),
                        ('min_kw', models.FloatField()),
                        ('max_kw', models.FloatField()),
                        ('count', models.IntegerField()),
                        ('quality', models.SmallIntegerField(default=0)),
                        ('device', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='enrollment.device')),
                    ],
                    options={
                        'db_table': 'telemetry_rollup15',
                    },
                ),
            ],
        ),
        migrations.RunSQL(
            append_only('telemetry_readingcorrection', what='corrections'),
            drop_append_only('telemetry_readingcorrection'),
        ),
    ]
