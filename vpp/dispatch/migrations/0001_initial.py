import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import vpp.accounts.create_tables
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('bidding', '0001_initial'),
        ('enrollment', '0001_initial'),
    ]

    operations = [
        vpp.accounts.create_tables.CreateTables(
            operations=[
                migrations.CreateModel(
                    name='Alarm',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('portfolio', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='alarms', to='enrollment.portfolio')),
                        ('award', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='bidding.award')),
                        ('kind', models.CharField(choices=[('EXPECTED_SHORTFALL', 'will not be delivered as things stand'), ('DEVIATION', 'was not delivered')], max_length=20)),
                        ('interval_start', models.DateTimeField()),
                        ('committed_up_kw', models.FloatField(help_text='of this commitment, up positive')),
                        ('short_kw', models.FloatField(help_text='missing of it')),
                        ('raised_at', models.DateTimeField()),
                        ('acknowledged_at', models.DateTimeField(blank=True, null=True)),
                        ('acknowledged_by', models.CharField(blank=True, max_length=200)),
                        ('note', models.CharField(blank=True, max_length=200)),
                    ],
                    options={
                        'indexes': [models.Index(condition=models.Q(('acknowledged_at__isnull', True)), fields=['-raised_at'], name='alarms_open')],
                        'constraints': [models.UniqueConstraint(fields=('portfolio', 'interval_start', 'award', 'kind'), name='alarm_once'), models.CheckConstraint(condition=models.Q(('short_kw__gt', 0)), name='alarm_misses_something')],
                    },
                ),
                migrations.CreateModel(
                    name='Link',
                    fields=[
                        ('device', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='link', serialize=False, to='enrollment.device')),
                        ('protocol', models.CharField(choices=[('MQTT', "MQTT, many devices on one pair of topics; address: the gateway's code"), ('HTTP', 'HTTP poll'), ('OCPP', 'OCPP; address: STATION/EVSE'), ('SUNSPEC', 'SunSpec over Modbus TCP; address: HOST:PORT/UNIT')], max_length=8)),
                        ('address', models.CharField(blank=True, max_length=200)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(condition=models.Q(('protocol__in', ['OCPP', 'SUNSPEC'])), fields=('protocol', 'address'), name='link_to_one_device'), models.CheckConstraint(condition=models.Q(('protocol', 'HTTP'), models.Q(('address', ''), _negated=True), _connector='OR'), name='link_has_address')],
                    },
                ),
                migrations.CreateModel(
                    name='ChargingStation',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('code', models.CharField(help_text='last part of the address it connects to', max_length=48, unique=True)),
                        ('secret_hash', models.CharField(help_text='SHA-256 of its password of 160 drawn bits', max_length=64)),
                        ('protocol', models.CharField(blank=True, help_text='ocpp1.6 or ocpp2.0.1, as last connected', max_length=12)),
                        ('vendor', models.CharField(blank=True, max_length=50)),
                        ('model', models.CharField(blank=True, max_length=50)),
                        ('firmware', models.CharField(blank=True, max_length=50)),
                        ('booted_at', models.DateTimeField(blank=True, null=True)),
                        ('heard_at', models.DateTimeField(blank=True, null=True)),
                        ('status', models.JSONField(blank=True, default=dict, help_text='by EVSE, as last reported')),
                    ],
                ),
                migrations.CreateModel(
                    name='ChargingTransaction',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('station', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='transactions', to='dispatch.chargingstation')),
                        ('evse', models.PositiveSmallIntegerField()),
                        ('reference', models.CharField(help_text="the station's own id (2.0.1); ours in words (1.6)", max_length=36)),
                        ('id_token', models.CharField(blank=True, max_length=36)),
                        ('started_at', models.DateTimeField()),
                        ('ended_at', models.DateTimeField(blank=True, null=True)),
                        ('meter_start_kwh', models.FloatField(blank=True, null=True)),
                        ('meter_stop_kwh', models.FloatField(blank=True, null=True)),
                        ('stop_reason', models.CharField(blank=True, max_length=40)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('station', 'reference'), name='charging_transaction_once'), models.CheckConstraint(condition=models.Q(('ended_at__isnull', True), ('ended_at__gte', models.F('started_at')), _connector='OR'), name='charging_ends_after_start')],
                    },
                ),
                migrations.CreateModel(
                    name='Plan',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('portfolio', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='plans', to='enrollment.portfolio')),
                        ('delivery_date', models.DateField()),
                        ('version', models.PositiveIntegerField(default=1)),
                        ('forecast_run_id', models.BigIntegerField(blank=True, help_text='forecast the baselines came from', null=True)),
                        ('award_ids', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), default=list, help_text='awards the plan fulfils', size=None)),
                        ('baseline_kw', django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), help_text="sum of the devices' undispatched power", size=None)),
                        ('committed_up_kw', django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), help_text='net position of all awards, up positive', size=None)),
                        ('target_kw', django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), help_text="sum of the devices' targets", size=None)),
                        ('residual_kw', django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), help_text='committed but not placed on any device, up positive', size=None)),
                        ('least_stored_kwh', django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), help_text='content all batteries together must have at the end of each interval', size=None)),
                        ('most_stored_kwh', django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), help_text='content they may have at most, to take what is bought later', size=None)),
                        ('state', models.CharField(choices=[('OK', 'ok'), ('DEGRADED', 'degraded: see its shortfalls')], max_length=8)),
                        ('created_at', models.DateTimeField()),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('portfolio', 'delivery_date', 'version'), name='plan_once_a_version')],
                    },
                ),
                migrations.CreateModel(
                    name='PlanDevice',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('plan', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='devices', to='dispatch.plan')),
                        ('device', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='enrollment.device')),
                        ('baseline_kw', django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), help_text='expected undispatched power', size=None)),
                        ('target_kw', django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), help_text='planned power', size=None)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('plan', 'device'), name='plan_device_once')],
                    },
                ),
                migrations.CreateModel(
                    name='ControlCycle',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('portfolio', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='control_cycles', to='enrollment.portfolio')),
                        ('plan', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cycles', to='dispatch.plan')),
                        ('interval_start', models.DateTimeField()),
                        ('revision', models.PositiveSmallIntegerField(default=0)),
                        ('at', models.DateTimeField()),
                        ('committed_up_kw', models.FloatField(help_text='net of all awards and activations in this interval, up positive')),
                        ('placed_up_kw', models.FloatField(help_text='what the setpoints in force add up to')),
                        ('residual_up_kw', models.FloatField()),
                        ('written', models.PositiveIntegerField(help_text='setpoints that changed and were written')),
                        ('unavailable', models.PositiveIntegerField(help_text='devices that could not be used')),
                        ('detail', models.JSONField(blank=True, default=dict)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('portfolio', 'interval_start', 'revision'), name='control_cycle_once')],
                    },
                ),
                migrations.CreateModel(
                    name='Shortfall',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('portfolio', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='shortfalls', to='enrollment.portfolio')),
                        ('cycle', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='shortfalls', to='dispatch.controlcycle')),
                        ('plan', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='shortfalls', to='dispatch.plan')),
                        ('device', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='enrollment.device')),
                        ('interval_start', models.DateTimeField()),
                        ('limit', models.CharField(help_text='name of the limit, as in dispatch.kernels.headroom.Limit', max_length=16)),
                        ('shortfall_kw', models.FloatField(help_text='up positive')),
                        ('reason', models.CharField(max_length=200)),
                    ],
                    options={
                        'indexes': [models.Index(fields=['portfolio', 'interval_start'], name='shortfalls_of_a_day')],
                        'constraints': [models.CheckConstraint(condition=models.Q(('plan__isnull', False), ('cycle__isnull', False), _connector='OR'), name='shortfall_names_its_source')],
                    },
                ),
                migrations.CreateModel(
                    name='Setpoint',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('device', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='setpoints', to='enrollment.device')),
                        ('portfolio', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='enrollment.portfolio')),
                        ('cycle', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='dispatch.controlcycle')),
                        ('interval_start', models.DateTimeField()),
                        ('sequence', models.PositiveSmallIntegerField(default=0, help_text='newer wins within the interval')),
                        ('target_kw', models.FloatField(help_text='consumption positive')),
                        ('baseline_kw', models.FloatField(help_text='expected power without this setpoint')),
                        ('released', models.BooleanField(default=False, help_text='the device returns to its own control')),
                        ('state', models.CharField(choices=[('PLANNED', 'planned'), ('SENT', 'sent'), ('ACKNOWLEDGED', 'acknowledged'), ('FOLLOWED', 'followed'), ('MISSED', 'missed'), ('REFUSED', 'refused'), ('EXPIRED', 'expired unsent'), ('SUPERSEDED', 'superseded before it was judged')], default='PLANNED', max_length=12)),
                        ('issued_at', models.DateTimeField()),
                        ('expires_at', models.DateTimeField()),
                        ('sent_at', models.DateTimeField(blank=True, null=True)),
                        ('answered_at', models.DateTimeField(blank=True, null=True)),
                        ('judged_at', models.DateTimeField(blank=True, null=True)),
                        ('measured_kw', models.FloatField(blank=True, help_text='what the judgement was made on', null=True)),
                        ('reason', models.CharField(blank=True, max_length=80)),
                    ],
                    options={
                        'indexes': [django.contrib.postgres.indexes.BrinIndex(autosummarize=True, fields=['id'], name='setpoint_by_id', pages_per_range=64)],
                        'constraints': [models.UniqueConstraint(fields=('interval_start', 'device', 'sequence'), name='setpoint_once'), models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('interval_start'))), name='setpoint_expires_later')],
                    },
                ),
                migrations.CreateModel(
                    name='DeviceStatus',
                    fields=[
                        ('device', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='dispatch_status', serialize=False, to='enrollment.device')),
                        ('state', models.CharField(choices=[('ONLINE', 'online'), ('SILENT', 'silent'), ('REFUSED', 'refused'), ('DISOBEYED', 'disobeyed')], default='ONLINE', max_length=10)),
                        ('since', models.DateTimeField(help_text='start of the first interval in this state')),
                        ('retry_at', models.DateTimeField(blank=True, help_text='first interval in which it is tried again', null=True)),
                        ('failures', models.PositiveSmallIntegerField(default=0, help_text='in a row; lengthens the wait')),
                    ],
                    options={
                        'verbose_name_plural': 'device states',
                    },
                ),
                migrations.CreateModel(
                    name='DeviceUse',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('device', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='enrollment.device')),
                        ('delivery_date', models.DateField()),
                        ('moved_kwh', models.FloatField(default=0.0, help_text='energy moved away from the baseline, both ways')),
                        ('hours', models.FloatField(default=0.0)),
                        ('events', models.PositiveSmallIntegerField(default=0, help_text='runs of intervals without a gap')),
                        ('last_interval', models.DateTimeField(help_text='start of the last dispatched interval')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('delivery_date', 'device'), name='device_use_once_a_day')],
                    },
                ),
            ],
        ),
    ]
