import django.db.models.deletion
import vpp.accounts.create_tables
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('enrollment', '0001_initial'),
    ]

    operations = [
        vpp.accounts.create_tables.CreateTables(
            operations=[
                migrations.CreateModel(
                    name='Sender',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('name', models.CharField(max_length=250, unique=True)),
                        ('heard_at', models.DateTimeField()),
                        ('skewed_at', models.DateTimeField(help_text='when it last sent a reading from more than 5 minutes ahead', null=True)),
                    ],
                ),
                migrations.CreateModel(
                    name='Alarm',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('kind', models.CharField(choices=[('DEVICE_SILENT', 'device silent'), ('SITE_SILENT', 'site silent'), ('GATEWAY_SILENT', 'gateway silent'), ('CLOCK_SKEW', 'clock skew'), ('QUALITY', 'quality below threshold')], max_length=16)),
                        ('device', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='alarms', to='enrollment.device')),
                        ('site', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='alarms', to='enrollment.site')),
                        ('sender', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='alarms', to='telemetry.sender')),
                        ('begin_at', models.DateTimeField()),
                        ('end_at', models.DateTimeField(null=True)),
                    ],
                    options={
                        'indexes': [models.Index(fields=['-begin_at'], name='alarms_newest_first')],
                        'constraints': [models.UniqueConstraint(condition=models.Q(('end_at__isnull', True)), fields=('kind', 'device', 'site', 'sender'), name='alarm_open_once', nulls_distinct=False), models.CheckConstraint(condition=models.Q(('end_at__isnull', True), ('end_at__gte', models.F('begin_at')), _connector='OR'), name='alarm_ends_after_it_begins')],
                    },
                ),
                migrations.SeparateDatabaseAndState(
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
                    ],
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
                migrations.SeparateDatabaseAndState(
                    state_operations=[
                        migrations.CreateModel(
                            name='Rollup15',
                            fields=[
                                ('pk', models.CompositePrimaryKey('bucket', 'device_id', blank=True, editable=False, primary_key=True, serialize=False)),
                                ('bucket', models.DateTimeField(help_text='start of the quarter hour')),
                                ('first_available_at', models.DateTimeField(help_text='before this moment nothing of the bucket was known')),
                                ('available_at', models.DateTimeField(help_text='from this moment on the bucket reads as it stands here')),
                                ('device', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='enrollment.device')),
                                ('energy_kwh', models.FloatField()),
                                ('min_kw', models.FloatField()),
                                ('max_kw', models.FloatField()),
                                ('count', models.IntegerField()),
                                ('quality', models.SmallIntegerField(default=0)),
                            ],
                            options={
                                'db_table': 'telemetry_rollup15',
                            },
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name='ReadingDay',
                    fields=[
                        ('pk', models.CompositePrimaryKey('day', 'device_id', blank=True, editable=False, primary_key=True, serialize=False)),
                        ('day', models.DateField()),
                        ('device', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='enrollment.device')),
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
                    ],
                ),
                migrations.CreateModel(
                    name='RollupDay',
                    fields=[
                        ('pk', models.CompositePrimaryKey('day', 'device_id', blank=True, editable=False, primary_key=True, serialize=False)),
                        ('day', models.DateField()),
                        ('device', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='enrollment.device')),
                        ('first_available_at', models.DateTimeField()),
                        ('available_at', models.DateTimeField()),
                        ('energy_kwh', models.BinaryField()),
                        ('min_kw', models.BinaryField(null=True)),
                        ('max_kw', models.BinaryField(null=True)),
                        ('count', models.BinaryField(null=True)),
                        ('quality', models.BinaryField(null=True)),
                        ('available_us', models.BinaryField(null=True)),
                    ],
                ),
                migrations.CreateModel(
                    name='MeteredDevice',
                    fields=[
                    ],
                    options={
                        'verbose_name': 'readings of a device',
                        'verbose_name_plural': 'readings by device',
                        'proxy': True,
                        'indexes': [],
                        'constraints': [],
                    },
                    bases=('enrollment.device',),
                ),
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
                    name='TouchedBucket',
                    fields=[
                        ('pk', models.CompositePrimaryKey('bucket', 'device_id', blank=True, editable=False, primary_key=True, serialize=False)),
                        ('bucket', models.DateTimeField()),
                        ('device', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='enrollment.device')),
                    ],
                ),
                migrations.CreateModel(
                    name='FleetVersion',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('version', models.BigIntegerField()),
                    ],
                ),
                migrations.CreateModel(
                    name='RegisterShowing',
                    fields=[
                        ('pk', models.CompositePrimaryKey('device_id', 'ts', blank=True, editable=False, primary_key=True, serialize=False)),
                        ('device', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='enrollment.device')),
                        ('ts', models.DateTimeField()),
                        ('register_kwh', models.FloatField(help_text='negative where it counts production')),
                        ('available_at', models.DateTimeField()),
                    ],
                ),
            ],
        ),
    ]
