import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import forecasting.fields
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
                    name='Accuracy',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('zone_code', models.CharField(max_length=40)),
                        ('delivery_date', models.DateField()),
                        ('day_type', models.PositiveSmallIntegerField(help_text='0 working day, 1 Saturday, 2 Sunday or holiday')),
                        ('scope', models.CharField(choices=[('DEVICE', 'device'), ('PORTFOLIO', 'portfolio'), ('FEEDER', 'net load of a feeder'), ('CLASS', 'all devices of a class')], max_length=10)),
                        ('class_name', models.CharField(help_text='class of series; portfolio or feeder for sums', max_length=20)),
                        ('device', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='enrollment.device')),
                        ('portfolio', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='enrollment.portfolio')),
                        ('feeder_code', models.CharField(blank=True, max_length=80)),
                        ('series', models.PositiveIntegerField(default=1, help_text='scored series')),
                        ('intervals', models.PositiveIntegerField(help_text='scored intervals of all series together')),
                        ('mae_kw', models.FloatField()),
                        ('naive_mae_kw', models.FloatField(blank=True, null=True)),
                        ('challenger_mae_kw', models.FloatField(blank=True, null=True)),
                        ('pinball_kw', models.FloatField(blank=True, help_text='mean over the stored quantile levels', null=True)),
                        ('crps_kw', models.FloatField(blank=True, help_text='twice the mean pinball loss', null=True)),
                        ('coverage', models.FloatField(blank=True, help_text='share of intervals inside the 80 % band', null=True)),
                        ('rungs', models.JSONField(default=dict, help_text='series served by each rung of the ladder')),
                        ('available_at', models.DateTimeField()),
                    ],
                    options={
                        'verbose_name_plural': 'accuracies',
                        'indexes': [models.Index(fields=['scope', 'delivery_date'], name='accuracy_of_a_scope')],
                        'constraints': [models.UniqueConstraint(fields=('zone_code', 'delivery_date', 'scope', 'class_name', 'device', 'portfolio', 'feeder_code'), name='accuracy_one_a_series_and_day', nulls_distinct=False), models.CheckConstraint(condition=models.Q(('coverage__isnull', True), models.Q(('coverage__gte', 0), ('coverage__lte', 1)), _connector='OR'), name='accuracy_coverage_in_0_1')],
                    },
                ),
                migrations.CreateModel(
                    name='DriftAlarm',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('zone_code', models.CharField(max_length=40)),
                        ('class_name', models.CharField(max_length=20)),
                        ('begin_date', models.DateField()),
                        ('end_date', models.DateField(blank=True, help_text='the day on which the coverage was back', null=True)),
                        ('coverage', models.FloatField(help_text='over seven days, when it was last looked at')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(condition=models.Q(('end_date__isnull', True)), fields=('zone_code', 'class_name'), name='drift_alarm_open_once'), models.CheckConstraint(condition=models.Q(('end_date__isnull', True), ('end_date__gte', models.F('begin_date')), _connector='OR'), name='drift_alarm_ends_after_it_begins')],
                    },
                ),
                migrations.CreateModel(
                    name='ForecastRun',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('natural_key', models.CharField(max_length=200, unique=True)),
                        ('portfolio', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='forecast_runs', to='enrollment.portfolio')),
                        ('feeder_code', models.CharField(blank=True, help_text='of a feeder run; empty for a portfolio run', max_length=80)),
                        ('zone_code', models.CharField(max_length=40)),
                        ('time_zone', models.CharField(max_length=64)),
                        ('delivery_date', models.DateField()),
                        ('version', models.PositiveSmallIntegerField(default=1)),
                        ('step_minutes', models.PositiveSmallIntegerField(default=15)),
                        ('issue_time', models.DateTimeField(help_text='the forecast was available from this moment on')),
                        ('data_as_of', models.DateTimeField(help_text='only readings available until then were used')),
                        ('history_start', models.DateTimeField()),
                        ('seed', models.BigIntegerField()),
                        ('state', models.CharField(choices=[('OK', 'complete'), ('DEGRADED', 'complete, with fallbacks')], max_length=10)),
                        ('model_versions', models.JSONField(default=dict, help_text='estimator parameters, weights and library versions')),
                        ('fallbacks', models.JSONField(default=dict, help_text='what was not served by the full ladder, and why')),
                        ('duration_s', models.FloatField()),
                    ],
                    options={
                        'indexes': [models.Index(fields=['portfolio', 'delivery_date', '-issue_time'], name='runs_of_a_portfolio'), models.Index(fields=['feeder_code', 'delivery_date', '-issue_time'], name='runs_of_a_feeder')],
                        'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('feeder_code', ''), ('portfolio__isnull', False)), models.Q(('portfolio__isnull', True), models.Q(('feeder_code', ''), _negated=True)), _connector='OR'), name='forecast_run_of_a_portfolio_or_a_feeder'), models.CheckConstraint(condition=models.Q(('data_as_of__lte', models.F('issue_time'))), name='forecast_run_sees_no_future'), models.CheckConstraint(condition=models.Q(('duration_s__gte', 0)), name='forecast_run_duration_not_negative')],
                    },
                ),
                migrations.CreateModel(
                    name='Forecast',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='forecasts', to='forecasting.forecastrun')),
                        ('scope', models.CharField(choices=[('DEVICE', 'device'), ('PORTFOLIO', 'portfolio'), ('FEEDER', 'net load of a feeder'), ('NODE', "net load of a feeder's node")], max_length=10)),
                        ('device', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='enrollment.device')),
                        ('portfolio', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='enrollment.portfolio')),
                        ('feeder_code', models.CharField(blank=True, max_length=80)),
                        ('node_code', models.CharField(blank=True, max_length=120)),
                        ('rung', models.CharField(help_text='highest rung of the ladder that served it', max_length=12)),
                        ('mean_kw', forecasting.fields.PackedArrayField(dtype='<f4')),
                        ('challenger_kw', forecasting.fields.PackedArrayField(blank=True, dtype='<f4', help_text='mean of the robust profile alone, for the accuracy board', null=True)),
                        ('levels', django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), blank=True, default=list, size=None)),
                        ('quantiles_kw', forecasting.fields.PackedArrayField(dtype='<f4')),
                        ('member_ids', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), blank=True, default=list, help_text='of a total: devices whose readings add up to it', size=None)),
                        ('available_at', models.DateTimeField()),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(condition=models.Q(('scope', 'DEVICE')), fields=('run', 'device'), name='forecast_one_a_device_and_run'), models.UniqueConstraint(condition=models.Q(('scope', 'NODE')), fields=('run', 'node_code'), name='forecast_one_a_node_and_run'), models.UniqueConstraint(condition=models.Q(('scope__in', ['PORTFOLIO', 'FEEDER'])), fields=('run', 'scope'), name='forecast_one_total_a_run'), models.CheckConstraint(condition=models.Q(models.Q(('device__isnull', False), ('scope', 'DEVICE')), models.Q(models.Q(('scope', 'DEVICE'), _negated=True), ('device__isnull', True)), _connector='OR'), name='forecast_device_only_in_device_scope')],
                    },
                ),
                migrations.CreateModel(
                    name='Envelope',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='envelopes', to='forecasting.forecastrun')),
                        ('portfolio', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='enrollment.portfolio')),
                        ('group', models.CharField(blank=True, help_text='device kind, or empty for the whole portfolio', max_length=12)),
                        ('confidence', models.FloatField(help_text='share of scenarios in which the bounds hold')),
                        ('baseline_kw', forecasting.fields.PackedArrayField(dtype='<f8')),
                        ('power_min_kw', forecasting.fields.PackedArrayField(dtype='<f8')),
                        ('power_max_kw', forecasting.fields.PackedArrayField(dtype='<f8')),
                        ('energy_min_kwh', forecasting.fields.PackedArrayField(dtype='<f8', help_text='cumulative to the end of each interval')),
                        ('energy_max_kwh', forecasting.fields.PackedArrayField(dtype='<f8')),
                        ('discharge_limit_kwh', models.FloatField(blank=True, help_text='energy given back a day within which the bounds hold; empty if it never binds', null=True)),
                        ('device_ids', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), blank=True, default=list, size=None)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('run', 'group', 'confidence'), name='envelope_one_a_group_and_confidence'), models.CheckConstraint(condition=models.Q(('confidence__gt', 0), ('confidence__lt', 1)), name='envelope_confidence_in_0_1')],
                    },
                ),
                migrations.CreateModel(
                    name='ScenarioSet',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('run', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='scenario_set', to='forecasting.forecastrun')),
                        ('portfolio', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='enrollment.portfolio')),
                        ('size', models.PositiveSmallIntegerField()),
                        ('power_kw', forecasting.fields.PackedArrayField(dtype='<f8', help_text='S rows of H values: net power of the portfolio')),
                        ('production_kw', forecasting.fields.PackedArrayField(dtype='<f8', help_text='S rows of H values: the part of PV and wind, <= 0')),
                        ('probability', forecasting.fields.PackedArrayField(dtype='<f8', help_text='S values, sum 1')),
                    ],
                ),
                migrations.CreateModel(
                    name='DispatchedPeriod',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('device', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='enrollment.device')),
                        ('period', django.contrib.postgres.fields.ranges.DateTimeRangeField(help_text='UTC, half-open')),
                        ('source', models.CharField(help_text='what moved the device, for example an award', max_length=200)),
                        ('available_at', models.DateTimeField()),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('device', 'period', 'source'), name='dispatched_period_once')],
                    },
                ),
                migrations.CreateModel(
                    name='Estimator',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('series_key', models.CharField(max_length=200)),
                        ('version', models.PositiveIntegerField()),
                        ('kind', models.CharField(max_length=20)),
                        ('parameters', models.JSONField()),
                        ('data_until', models.DateTimeField()),
                        ('fitted_at', models.DateTimeField()),
                        ('withdrawn_at', models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('series_key', 'version'), name='estimator_versions_count_up')],
                    },
                ),
                migrations.CreateModel(
                    name='WeatherForecast',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('zone_code', models.CharField(max_length=40)),
                        ('variable', models.CharField(help_text='name with its unit, for example temperature_c', max_length=40)),
                        ('issued_at', models.DateTimeField()),
                        ('start', models.DateTimeField(help_text='start of the first interval, UTC')),
                        ('step_minutes', models.PositiveSmallIntegerField(default=60)),
                        ('values', forecasting.fields.PackedArrayField(dtype='<f4')),
                        ('available_at', models.DateTimeField(help_text='when it was stored')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('zone_code', 'variable', 'issued_at'), name='weather_one_a_variable_and_issue'), models.CheckConstraint(condition=models.Q(('step_minutes__in', [15, 30, 60])), name='weather_step_of_15_30_or_60_minutes')],
                    },
                ),
            ],
        ),
    ]
