import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import vpp.accounts.create_tables
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0002_rules'),
    ]

    operations = [
        vpp.accounts.create_tables.CreateTables(
            operations=[
                migrations.CreateModel(
                    name='Site',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('code', models.CharField(max_length=120, unique=True)),
                        ('name', models.CharField(max_length=200)),
                        ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sites', to='accounts.participant')),
                        ('time_zone', models.CharField(help_text="IANA name; decides the site's day types", max_length=64)),
                        ('zone_code', models.CharField(help_text='pricing zone or node of the market', max_length=40)),
                        ('feeder_code', models.CharField(blank=True, help_text='network feeder that supplies the site', max_length=80)),
                        ('node_code', models.CharField(blank=True, help_text='network node the meter hangs on', max_length=120)),
                        ('import_limit_kw', models.FloatField()),
                        ('export_limit_kw', models.FloatField()),
                        ('baseline_method', models.CharField(default='CAISO_10_IN_10', max_length=40)),
                    ],
                    options={
                        'indexes': [models.Index(fields=['feeder_code'], name='sites_of_a_feeder')],
                        'constraints': [models.CheckConstraint(condition=models.Q(('import_limit_kw__gte', 0), ('export_limit_kw__gte', 0)), name='site_limits_not_negative')],
                    },
                ),
                migrations.CreateModel(
                    name='Device',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('code', models.CharField(max_length=120, unique=True)),
                        ('site', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='devices', to='enrollment.site')),
                        ('kind', models.CharField(choices=[('METER', 'site meter'), ('LOAD', 'load'), ('FLEXIBLE_LOAD', 'flexible load'), ('PV', 'photovoltaics'), ('WIND', 'wind'), ('HYDRO', 'hydro'), ('BIOMASS', 'biomass or CHP'), ('GENSET', 'genset'), ('BATTERY', 'battery'), ('EV_CHARGER', 'EV charger'), ('HEAT_PUMP', 'heat pump'), ('WATER_HEATER', 'water heater')], max_length=16)),
                        ('name', models.CharField(blank=True, max_length=200)),
                        ('max_consumption_kw', models.FloatField(help_text='highest power it can take from the grid')),
                        ('max_production_kw', models.FloatField(help_text='highest power it can give to the grid')),
                        ('controllable', models.BooleanField(default=False)),
                        ('energy_capacity_kwh', models.FloatField(blank=True, help_text='storage kinds only', null=True)),
                        ('charge_efficiency', models.FloatField(default=1.0)),
                        ('discharge_efficiency', models.FloatField(default=1.0)),
                        ('ramp_kw_per_minute', models.FloatField(blank=True, null=True)),
                        ('cost_per_kwh', models.DecimalField(decimal_places=5, default=0, help_text='wear or marginal cost, EUR', max_digits=9)),
                        ('self_discharge_pu_per_day', models.FloatField(default=0.0)),
                        ('suspended_at', models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        'constraints': [models.CheckConstraint(condition=models.Q(('max_consumption_kw__gte', 0), ('max_production_kw__gte', 0)), name='device_ratings_not_negative'), models.CheckConstraint(condition=models.Q(('charge_efficiency__gt', 0), ('charge_efficiency__lte', 1), ('discharge_efficiency__gt', 0), ('discharge_efficiency__lte', 1)), name='device_efficiency_above_0_up_to_1'), models.CheckConstraint(condition=models.Q(models.Q(('kind', 'BATTERY'), _negated=True), ('energy_capacity_kwh__gt', 0), _connector='OR'), name='device_battery_has_a_capacity'), models.UniqueConstraint(condition=models.Q(('kind', 'METER')), fields=('site',), name='device_one_meter_a_site')],
                    },
                ),
                migrations.CreateModel(
                    name='OwnerTerms',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('device', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='terms', to='enrollment.device')),
                        ('period', django.contrib.postgres.fields.ranges.DateTimeRangeField(help_text='UTC; no end means until further notice')),
                        ('reserve_floor_pu', models.FloatField(default=0.0, help_text='share of the storage that stays with the owner')),
                        ('max_events_per_day', models.PositiveSmallIntegerField(blank=True, null=True)),
                        ('max_hours_per_day', models.FloatField(blank=True, null=True)),
                        ('notice_minutes', models.PositiveIntegerField(default=0)),
                        ('rest_minutes', models.PositiveIntegerField(default=0)),
                        ('comfort_min_c', models.FloatField(blank=True, null=True)),
                        ('comfort_max_c', models.FloatField(blank=True, null=True)),
                        ('departure_local_time', models.TimeField(blank=True, null=True)),
                        ('departure_energy_kwh', models.FloatField(blank=True, null=True)),
                        ('opted_out', models.BooleanField(default=False)),
                    ],
                    options={
                        'verbose_name_plural': 'owner terms',
                        'constraints': [django.contrib.postgres.constraints.ExclusionConstraint(expressions=[(models.Func(models.F('device_id'), models.F('device_id'), models.Value('[]'), function='int8range'), '&&'), ('period', '&&')], name='owner_terms_one_at_a_time'), models.CheckConstraint(condition=models.Q(('reserve_floor_pu__gte', 0), ('reserve_floor_pu__lt', 1)), name='owner_terms_floor_below_full'), models.CheckConstraint(condition=models.Q(('comfort_min_c__isnull', True), ('comfort_max_c__isnull', True), ('comfort_min_c__lt', models.F('comfort_max_c')), _connector='OR'), name='owner_terms_comfort_band_in_order')],
                    },
                ),
                migrations.CreateModel(
                    name='Contract',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('code', models.CharField(max_length=120, unique=True)),
                        ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='contracts', to='accounts.participant')),
                        ('period', django.contrib.postgres.fields.ranges.DateTimeRangeField()),
                        ('split_rule', models.CharField(choices=[('PRO_RATA_DELIVERED', 'share of revenue, pro rata to delivered energy'), ('FLOOR_PLUS_SHARE', 'a floor per event and a share of what is left'), ('MARGINAL', 'share of revenue by marginal contribution'), ('SHAPLEY', 'share of revenue by Shapley value'), ('TARIFF', 'a price per delivered kWh')], default='PRO_RATA_DELIVERED', max_length=24)),
                        ('owner_share_pu', models.DecimalField(decimal_places=4, max_digits=5)),
                        ('fee_per_event', models.DecimalField(decimal_places=2, default=0, max_digits=9)),
                        ('floor_per_event', models.DecimalField(decimal_places=2, default=0, help_text='floor plus share', max_digits=9)),
                        ('tariff_per_kwh', models.DecimalField(decimal_places=5, default=0, help_text='tariff', max_digits=9)),
                        ('currency', models.CharField(default='EUR', max_length=3)),
                    ],
                    options={
                        'constraints': [django.contrib.postgres.constraints.ExclusionConstraint(expressions=[(models.Func(models.F('owner_id'), models.F('owner_id'), models.Value('[]'), function='int8range'), '&&'), ('period', '&&')], name='contract_one_an_owner_at_a_time'), models.CheckConstraint(condition=models.Q(('owner_share_pu__gte', 0), ('owner_share_pu__lte', 1)), name='contract_share_between_0_and_1'), models.CheckConstraint(condition=models.Q(('fee_per_event__gte', 0)), name='contract_fee_not_negative'), models.CheckConstraint(condition=models.Q(('floor_per_event__gte', 0), ('tariff_per_kwh__gte', 0)), name='contract_floor_tariff_not_negative')],
                    },
                ),
                migrations.CreateModel(
                    name='Portfolio',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('code', models.CharField(max_length=80, unique=True)),
                        ('name', models.CharField(max_length=200)),
                        ('zone_code', models.CharField(max_length=40)),
                        ('feeder_code', models.CharField(blank=True, help_text='empty: anywhere in the zone', max_length=80)),
                        ('time_zone', models.CharField(max_length=64)),
                        ('min_kw', models.FloatField(default=100.0, help_text='smallest flexible power the market admits')),
                    ],
                    options={
                        'constraints': [models.CheckConstraint(condition=models.Q(('min_kw__gt', 0)), name='portfolio_minimum_positive')],
                    },
                ),
                migrations.CreateModel(
                    name='Enrollment',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('device', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='enrollments', to='enrollment.device')),
                        ('portfolio', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='enrollments', to='enrollment.portfolio')),
                        ('period', django.contrib.postgres.fields.ranges.DateTimeRangeField(help_text='UTC; no end means until further notice')),
                    ],
                    options={
                        'constraints': [django.contrib.postgres.constraints.ExclusionConstraint(expressions=[(models.Func(models.F('device_id'), models.F('device_id'), models.Value('[]'), function='int8range'), '&&'), ('period', '&&')], name='enrollment_one_portfolio_at_a_time')],
                    },
                ),
                migrations.CreateModel(
                    name='Consent',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('site', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='consents', to='enrollment.site')),
                        ('given_by', models.CharField(help_text='who signed, for the owner', max_length=200)),
                        ('given_at', models.DateTimeField()),
                        ('document', models.CharField(help_text='version of the text that was signed', max_length=120)),
                        ('withdrawn_at', models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(condition=models.Q(('withdrawn_at__isnull', True)), fields=('site',), name='consent_one_in_force_a_site'), models.CheckConstraint(condition=models.Q(('withdrawn_at__isnull', True), ('withdrawn_at__gte', models.F('given_at')), _connector='OR'), name='consent_withdrawn_after_given')],
                    },
                ),
                migrations.CreateModel(
                    name='Prequalification',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('device', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='prequalifications', to='enrollment.device')),
                        ('window_start', models.DateTimeField()),
                        ('window_minutes', models.PositiveSmallIntegerField()),
                        ('asked_up_kw', models.FloatField(help_text='up positive: less consumption or more production')),
                        ('delivered_up_kw', models.FloatField(help_text='mean before the window less mean inside it')),
                        ('passed', models.BooleanField()),
                        ('judged_at', models.DateTimeField()),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('device', 'window_start'), name='prequalification_once_a_window'), models.CheckConstraint(condition=models.Q(('window_minutes__gt', 0)), name='prequalification_window_not_empty')],
                    },
                ),
            ],
        ),
    ]
