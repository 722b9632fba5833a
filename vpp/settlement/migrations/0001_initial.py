import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.expressions
import vpp.accounts.create_tables
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0002_rules'),
        ('bidding', '0001_initial'),
        ('enrollment', '0001_initial'),
    ]

    operations = [
        vpp.accounts.create_tables.CreateTables(
            operations=[
                migrations.CreateModel(
                    name='BaselineProfile',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('name', models.CharField(max_length=40)),
                        ('version', models.PositiveIntegerField(default=1)),
                        ('valid_from', models.DateField()),
                        ('method', models.CharField(choices=[('x_of_y', 'day matching'), ('mbma', 'meter before, meter after'), ('schedule', 'constant schedule'), ('nomination', 'nominated before the gate'), ('window_mean', 'mean of windows of the same day'), ('control_group', 'similar sites without dispatch'), ('mgo', 'meter generator output'), ('regression', 'hourly regression'), ('boosting', 'gradient boosting, a challenger'), ('d_prognosis', 'schedule sent ahead (UFTP)')], max_length=24)),
                        ('parameters', models.JSONField(default=dict, help_text='the fields of settlement.kernels.profiles')),
                        ('source', models.TextField(blank=True, help_text='rulebook and clause')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('name', 'version'), name='baseline_profile_version_once')],
                    },
                ),
                migrations.CreateModel(
                    name='DeviceMethod',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('kind', models.CharField(choices=[('METER', 'site meter'), ('LOAD', 'load'), ('FLEXIBLE_LOAD', 'flexible load'), ('PV', 'photovoltaics'), ('WIND', 'wind'), ('HYDRO', 'hydro'), ('BIOMASS', 'biomass or CHP'), ('GENSET', 'genset'), ('BATTERY', 'battery'), ('EV_CHARGER', 'EV charger'), ('HEAT_PUMP', 'heat pump'), ('WATER_HEATER', 'water heater')], max_length=16)),
                        ('valid_from', models.DateField()),
                        ('profile_name', models.CharField(blank=True, max_length=40)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('kind', 'valid_from'), name='device_method_once_a_date')],
                    },
                ),
                migrations.CreateModel(
                    name='Holiday',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('zone_code', models.CharField(max_length=40)),
                        ('date', models.DateField()),
                        ('name', models.CharField(max_length=80)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('zone_code', 'date'), name='holiday_once_a_zone')],
                    },
                ),
                migrations.CreateModel(
                    name='PaymentRule',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('product_kind', models.CharField(help_text='ENERGY, RESERVE_UP, RESERVE_DOWN or ASK', max_length=16)),
                        ('valid_from', models.DateField()),
                        ('imbalance_spread_pu', models.DecimalField(decimal_places=4, default=0, help_text='imbalance price = price -/+ this share of its size', max_digits=6)),
                        ('penalty_pu', models.DecimalField(decimal_places=4, default=0, help_text="price of a deficiency as a share of the award's price", max_digits=6)),
                        ('performance_band', models.JSONField(default=list, help_text='[delivered share, factor] points in rising order; a repeated share is a step')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('product_kind', 'valid_from'), name='payment_rule_once_a_date'), models.CheckConstraint(condition=models.Q(('imbalance_spread_pu__gte', 0), ('penalty_pu__gte', 0)), name='payment_rule_not_negative')],
                    },
                ),
                migrations.CreateModel(
                    name='ComponentRule',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('kind', models.CharField(help_text='a name of settlement.kernels.components.question.COMPONENTS', max_length=32)),
                        ('version', models.PositiveIntegerField(default=1)),
                        ('valid_from', models.DateField()),
                        ('parameters', models.JSONField(default=dict)),
                        ('source', models.TextField(blank=True, help_text='rulebook and clause')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('kind', 'version'), name='component_rule_version_once')],
                    },
                ),
                migrations.CreateModel(
                    name='ResettlementStep',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('market_code', models.CharField(max_length=40)),
                        ('name', models.CharField(max_length=20)),
                        ('offset', models.PositiveIntegerField()),
                        ('unit', models.CharField(choices=[('BUSINESS_DAYS', 'business days'), ('DAYS', 'days'), ('MONTHS', 'months')], max_length=13)),
                        ('disputable', models.BooleanField(default=True)),
                        ('valid_from', models.DateField()),
                        ('source', models.TextField(blank=True)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('market_code', 'name', 'valid_from'), name='resettlement_step_once')],
                    },
                ),
                migrations.CreateModel(
                    name='Certification',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('device', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='certifications', to='enrollment.device')),
                        ('first_day', models.DateField()),
                        ('last_day', models.DateField()),
                        ('first_hour', models.PositiveSmallIntegerField(help_text="the placebo event begins, on the site's clock")),
                        ('last_hour', models.PositiveSmallIntegerField(help_text='and ends')),
                        ('as_of', models.DateTimeField(help_text='only readings known then were used')),
                        ('gate_rrmse_pu', models.FloatField()),
                        ('gate_bias_pu', models.FloatField()),
                        ('level', models.CharField(choices=[('SITE', "a method passes on the site's own readings"), ('PORTFOLIO', 'settle by the sum of its portfolio'), ('DEVICE', "settle by the device's own readings around the event"), ('CONTROL_GROUP', 'settle by a control group of similar sites')], max_length=16)),
                        ('best_profile', models.ForeignKey(blank=True, help_text='passes on the level; none where a control group has to be formed', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='settlement.baselineprofile')),
                        ('reason', models.TextField(help_text='why this level')),
                    ],
                    options={
                        'indexes': [models.Index(fields=['device', '-id'], name='certifications_of_a_device')],
                        'constraints': [models.CheckConstraint(condition=models.Q(('first_hour__lt', models.F('last_hour')), ('last_hour__lte', 24)), name='certification_hours_of_a_day'), models.CheckConstraint(condition=models.Q(('level', 'CONTROL_GROUP'), ('best_profile__isnull', False), _connector='OR'), name='certification_names_a_method')],
                    },
                ),
                migrations.CreateModel(
                    name='CertificationFit',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('certification', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='fits', to='settlement.certification')),
                        ('level', models.CharField(choices=[('SITE', "a method passes on the site's own readings"), ('PORTFOLIO', 'settle by the sum of its portfolio'), ('DEVICE', "settle by the device's own readings around the event"), ('CONTROL_GROUP', 'settle by a control group of similar sites')], max_length=16)),
                        ('profile', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='settlement.baselineprofile')),
                        ('rank', models.PositiveSmallIntegerField(help_text='1 fits best, within its level')),
                        ('events', models.PositiveSmallIntegerField(help_text='placebo events with a baseline')),
                        ('rrmse_pu', models.FloatField(help_text='root mean square error of an interval over the mean load', null=True)),
                        ('bias_pu', models.FloatField(help_text='mean error over the mean load', null=True)),
                        ('missing_pu', models.FloatField(help_text='placebo events without a baseline, of all')),
                        ('band_low_pu', models.FloatField(help_text="10 % quantile of an event's error: its confidence band", null=True)),
                        ('band_high_pu', models.FloatField(help_text='90 % quantile', null=True)),
                        ('passes', models.BooleanField()),
                        ('placebo', models.JSONField(default=list, help_text='per event: date, baseline_kwh, actual_kwh')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('certification', 'level', 'rank'), name='certification_fit_once_a_rank')],
                    },
                ),
                migrations.CreateModel(
                    name='SiteMethod',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('site', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='baseline_methods', to='enrollment.site')),
                        ('valid_from', models.DateField()),
                        ('profile_name', models.CharField(max_length=40)),
                        ('certification', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='adopted', to='settlement.certification')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('site', 'valid_from'), name='site_method_once_a_date')],
                    },
                ),
                migrations.CreateModel(
                    name='UtilityStatement',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('reference', models.CharField(max_length=120)),
                        ('utility', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='utility_statements', to='accounts.participant')),
                        ('form', models.CharField(choices=[('CSV', 'CSV'), ('UFTP', 'UFTP FlexSettlement')], max_length=4)),
                        ('received_at', models.DateTimeField()),
                        ('currency', models.CharField(max_length=3)),
                        ('digest', models.CharField(help_text='SHA-256 of what was received', max_length=64)),
                        ('findings', models.JSONField(default=list, help_text='rows that could not be matched with an ask')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('utility', 'reference'), name='utility_statement_once')],
                    },
                ),
                migrations.CreateModel(
                    name='UtilityStatementLine',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('statement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='settlement.utilitystatement')),
                        ('ask', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='bidding.ask')),
                        ('delivery_date', models.DateField()),
                        ('isp', models.PositiveSmallIntegerField(help_text='interval of the local day, from 1')),
                        ('ordered_kw', models.FloatField(null=True)),
                        ('delivered_kw', models.FloatField(null=True)),
                        ('deficiency_kw', models.FloatField(null=True)),
                        ('net_amount', models.DecimalField(decimal_places=6, max_digits=14, null=True)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('statement', 'ask', 'isp'), name='utility_line_once_an_interval'), models.CheckConstraint(condition=models.Q(('isp__gte', 1), ('isp__lte', 100)), name='utility_line_isp_of_a_day')],
                    },
                ),
                migrations.CreateModel(
                    name='Dispute',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('statement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='disputes', to='settlement.utilitystatement')),
                        ('ask', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='bidding.ask')),
                        ('utility', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.participant')),
                        ('state', models.CharField(choices=[('OPEN', 'open'), ('ANSWERED', 'answered'), ('RESOLVED', 'resolved')], default='OPEN', max_length=8)),
                        ('opened_at', models.DateTimeField()),
                        ('evidence', models.JSONField(help_text="both sides' values per interval, and where ours come from")),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('statement', 'ask'), name='dispute_once_an_ask')],
                    },
                ),
                migrations.CreateModel(
                    name='DisputeEvent',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('dispute', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='events', to='settlement.dispute')),
                        ('state', models.CharField(choices=[('OPEN', 'open'), ('ANSWERED', 'answered'), ('RESOLVED', 'resolved')], max_length=8)),
                        ('at', models.DateTimeField()),
                        ('by', models.CharField(max_length=120)),
                        ('text', models.TextField(blank=True)),
                    ],
                ),
                migrations.CreateModel(
                    name='ReviewFinding',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('kind', models.CharField(choices=[('WINDOW_RAISED', 'load in the adjustment window far above like days'), ('RAISED_AFTER_NOTICE', 'load jumps between notice and window'), ('RAISED_NEAR_OFFERS', 'load raised on offered, not dispatched days'), ('REPEATED_OFFSET', 'the same addend in event after event'), ('PAIRED_SITES', 'two sites of an owner shift load between them')], max_length=24)),
                        ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='review_findings', to='accounts.participant')),
                        ('site', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='enrollment.site')),
                        ('device', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='enrollment.device')),
                        ('delivery_date', models.DateField()),
                        ('found_at', models.DateTimeField()),
                        ('evidence', models.JSONField(default=dict)),
                        ('state', models.CharField(choices=[('OPEN', 'open, payout held'), ('CLEARED', 'explained, payout released'), ('CONFIRMED', 'confirmed, payout stays held')], default='OPEN', max_length=9)),
                        ('decided_at', models.DateTimeField(blank=True, null=True)),
                        ('decision', models.TextField(blank=True)),
                    ],
                    options={
                        'indexes': [models.Index(fields=['state', 'owner'], name='holds_of_an_owner')],
                        'constraints': [models.UniqueConstraint(fields=('kind', 'owner', 'device', 'delivery_date'), name='review_finding_once', nulls_distinct=False), models.CheckConstraint(condition=models.Q(('state', 'OPEN'), models.Q(('decided_at__isnull', False), models.Q(('decision', ''), _negated=True)), _connector='OR'), name='review_decision_has_a_reason')],
                    },
                ),
                migrations.CreateModel(
                    name='SettlementRun',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('portfolio', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='settlement_runs', to='enrollment.portfolio')),
                        ('delivery_date', models.DateField()),
                        ('version', models.PositiveIntegerField()),
                        ('as_of', models.DateTimeField(help_text='only what was available then was used')),
                        ('state', models.CharField(choices=[('OK', 'complete'), ('DEGRADED', 'settled with findings')], max_length=8)),
                        ('currency', models.CharField(max_length=3)),
                        ('revenue', models.DecimalField(decimal_places=2, help_text='before penalties', max_digits=14)),
                        ('penalty', models.DecimalField(decimal_places=2, max_digits=14)),
                        ('payouts', models.DecimalField(decimal_places=2, max_digits=14)),
                        ('fees', models.DecimalField(decimal_places=2, max_digits=14)),
                        ('margin', models.DecimalField(decimal_places=2, max_digits=14)),
                        ('findings', models.JSONField(default=list, help_text='what could not be settled as it should, and why')),
                        ('rules', models.JSONField(default=dict, help_text='profile versions and payment rules that were used')),
                        ('checksum', models.CharField(help_text='SHA-256 over the whole result; a rerun gives the same', max_length=64)),
                    ],
                    options={
                        'indexes': [models.Index(fields=['delivery_date'], name='settlement_runs_of_a_day')],
                        'constraints': [models.UniqueConstraint(fields=('portfolio', 'delivery_date', 'version'), name='settlement_run_once_a_version'), models.CheckConstraint(condition=models.Q(('version__gte', 1)), name='settlement_run_version_from_1'), models.CheckConstraint(condition=models.Q(('revenue', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('payouts'), '+', models.F('fees')), '+', models.F('margin')))), name='settlement_run_keeps_every_cent')],
                    },
                ),
                migrations.CreateModel(
                    name='ReferenceDay',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('run', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reference_days', to='settlement.settlementrun')),
                        ('date', models.DateField()),
                    ],
                    options={
                        'indexes': [models.Index(fields=['date'], name='runs_that_read_a_date')],
                        'constraints': [models.UniqueConstraint(fields=('run', 'date'), name='reference_day_once_a_run')],
                    },
                ),
                migrations.CreateModel(
                    name='Performance',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('run', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='performances', to='settlement.settlementrun')),
                        ('award', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='performances', to='bidding.award')),
                        ('product_kind', models.CharField(max_length=16)),
                        ('committed_kw', django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(null=True), help_text='kW per interval of the delivery day; null = no value', size=None)),
                        ('delivered_kw', django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(null=True), help_text='kW per interval of the delivery day; null = no value', size=None)),
                        ('baseline_kw', django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(null=True), help_text='kW per interval of the delivery day; null = no value', size=None)),
                        ('metered_kw', django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(null=True), help_text='kW per interval of the delivery day; null = no value', size=None)),
                        ('committed_kwh', models.DecimalField(decimal_places=6, max_digits=16)),
                        ('delivered_kwh', models.DecimalField(decimal_places=6, max_digits=16)),
                        ('share', models.FloatField(help_text='delivered of committed, each interval at most 110 %; null: no call', null=True)),
                        ('raw_share', models.FloatField(help_text='delivered of committed, uncapped', null=True)),
                        ('revenue', models.DecimalField(decimal_places=2, help_text='before the penalty', max_digits=14)),
                        ('penalty', models.DecimalField(decimal_places=2, max_digits=14)),
                        ('currency', models.CharField(max_length=3)),
                        ('components', models.JSONField(default=dict, help_text='amounts that add up to the revenue, as decimal text')),
                        ('explanation', models.JSONField(default=dict)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('run', 'award'), name='performance_once_a_run')],
                    },
                ),
                migrations.CreateModel(
                    name='DevicePerformance',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('run', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='device_performances', to='settlement.settlementrun')),
                        ('award', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='bidding.award')),
                        ('device', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='settled_performances', to='enrollment.device')),
                        ('profile', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='settlement.baselineprofile')),
                        ('status', models.CharField(help_text="of the device's baseline", max_length=20)),
                        ('delivered_kwh', models.DecimalField(decimal_places=6, max_digits=16)),
                        ('weight', models.DecimalField(decimal_places=6, max_digits=16)),
                        ('credit', models.DecimalField(decimal_places=2, help_text="its part of the award's revenue", max_digits=14)),
                        ('reading_checksum', models.CharField(help_text='telemetry.queries.interval_checksum of the day, as of the run', max_length=64)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('run', 'award', 'device'), name='device_performance_once_a_run'), models.CheckConstraint(condition=models.Q(('weight__gte', 0)), name='device_performance_weight_not_negative')],
                    },
                ),
                migrations.CreateModel(
                    name='LedgerAccount',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('code', models.CharField(max_length=120, unique=True)),
                        ('kind', models.CharField(choices=[('MARKET_RECEIVABLE', 'owed by markets and utilities'), ('OWNER_PAYABLE', 'owed to an owner'), ('FEES', 'fees kept'), ('MARGIN', 'platform revenue'), ('PENALTIES', 'penalties borne by the platform'), ('PORTFOLIO_EFFECT', 'revenue of the portfolio less that of its devices'), ('CASH', 'bank'), ('DISPUTES_HELD', 'held back for a dispute')], max_length=20)),
                        ('participant', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='ledger_accounts', to='accounts.participant')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('kind', 'participant'), name='ledger_account_once_a_participant', nulls_distinct=False)],
                    },
                ),
                migrations.CreateModel(
                    name='Journal',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('natural_key', models.CharField(max_length=200, unique=True)),
                        ('run', models.ForeignKey(blank=True, help_text='none: paid', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='journals', to='settlement.settlementrun')),
                        ('performance', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='journals', to='settlement.performance')),
                        ('booked_at', models.DateTimeField()),
                        ('description', models.CharField(max_length=200)),
                        ('line_count', models.PositiveIntegerField(help_text='how many lines it has; none can be added later')),
                    ],
                    options={
                        'constraints': [models.CheckConstraint(condition=models.Q(('line_count__gte', 2)), name='journal_has_two_lines')],
                    },
                ),
                migrations.CreateModel(
                    name='JournalLine',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('journal', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='settlement.journal')),
                        ('number', models.PositiveIntegerField()),
                        ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='settlement.ledgeraccount')),
                        ('amount', models.DecimalField(decimal_places=2, max_digits=14)),
                        ('currency', models.CharField(max_length=3)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('journal', 'number'), name='journal_line_number_once'), models.CheckConstraint(condition=models.Q(('number__gte', 1)), name='journal_line_number_from_1')],
                    },
                ),
                migrations.CreateModel(
                    name='LedgerPeriod',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('first_date', models.DateField()),
                        ('last_date', models.DateField()),
                        ('closed_at', models.DateTimeField()),
                        ('balances', models.JSONField(help_text='per account: code, currency, balance of the period')),
                    ],
                    options={
                        'constraints': [models.CheckConstraint(condition=models.Q(('last_date__gte', models.F('first_date'))), name='ledger_period_in_order'), django.contrib.postgres.constraints.ExclusionConstraint(expressions=[(models.Func('first_date', 'last_date', models.Value('[]'), function='daterange'), '&&')], name='ledger_periods_do_not_overlap')],
                    },
                ),
                migrations.CreateModel(
                    name='Payout',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('run', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='owner_payouts', to='settlement.settlementrun')),
                        ('performance', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='owner_payouts', to='settlement.performance')),
                        ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='payouts', to='accounts.participant')),
                        ('contract', models.ForeignKey(blank=True, help_text='none: nothing is paid', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='enrollment.contract')),
                        ('journal', models.ForeignKey(blank=True, help_text='none: posts nothing', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='payouts', to='settlement.journal')),
                        ('gross', models.DecimalField(decimal_places=2, help_text="the owner's part of the award's revenue", max_digits=14)),
                        ('fee', models.DecimalField(decimal_places=2, max_digits=14)),
                        ('total', models.DecimalField(decimal_places=2, max_digits=14)),
                        ('amount', models.DecimalField(decimal_places=2, max_digits=14)),
                        ('currency', models.CharField(max_length=3)),
                    ],
                    options={
                        'indexes': [models.Index(fields=['owner', 'run'], name='payouts_of_an_owner')],
                        'constraints': [models.UniqueConstraint(fields=('run', 'performance', 'owner'), name='payout_once_an_award'), models.CheckConstraint(condition=models.Q(('total__gte', 0)), name='payout_total_not_negative'), models.CheckConstraint(condition=models.Q(('amount', 0), ('journal__isnull', False), _connector='OR'), name='payout_amount_is_in_a_journal')],
                    },
                ),
                migrations.CreateModel(
                    name='NumberSeries',
                    fields=[
                        ('name', models.CharField(max_length=40, primary_key=True, serialize=False)),
                        ('last', models.PositiveIntegerField(default=0)),
                    ],
                    options={
                        'verbose_name_plural': 'number series',
                    },
                ),
                migrations.CreateModel(
                    name='Statement',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='statements', to='accounts.participant')),
                        ('first_date', models.DateField()),
                        ('last_date', models.DateField()),
                        ('version', models.PositiveIntegerField(default=1)),
                        ('number', models.PositiveIntegerField(blank=True, help_text='given when it becomes final', null=True, unique=True)),
                        ('state', models.CharField(choices=[('PROVISIONAL', 'provisional'), ('FINAL', 'final'), ('DISPUTED', 'disputed'), ('ACCEPTED', 'accepted'), ('PAID', 'paid'), ('RESTATED', 'replaced by a later version')], default='PROVISIONAL', max_length=12)),
                        ('currency', models.CharField(max_length=3)),
                        ('previous_total', models.DecimalField(decimal_places=2, default=0, max_digits=14)),
                        ('total', models.DecimalField(decimal_places=2, max_digits=14)),
                        ('difference', models.DecimalField(decimal_places=2, help_text='total less previous total', max_digits=14)),
                        ('as_of', models.DateTimeField()),
                    ],
                    options={
                        'indexes': [models.Index(fields=['state'], name='statements_by_state')],
                        'constraints': [models.UniqueConstraint(fields=('owner', 'first_date', 'last_date', 'currency', 'version'), name='statement_version_once'), models.CheckConstraint(condition=models.Q(('difference', django.db.models.expressions.CombinedExpression(models.F('total'), '-', models.F('previous_total')))), name='statement_difference_adds_up'), models.CheckConstraint(condition=models.Q(('last_date__gte', models.F('first_date'))), name='statement_period_in_order'), models.CheckConstraint(condition=models.Q(('state__in', ['PROVISIONAL', 'RESTATED']), ('number__isnull', False), _connector='OR'), name='statement_final_has_number')],
                    },
                ),
                migrations.CreateModel(
                    name='StatementLine',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('statement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='settlement.statement')),
                        ('payout', models.ForeignKey(help_text='of the newest version', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='settlement.payout')),
                        ('delivery_date', models.DateField()),
                        ('award', models.CharField(max_length=200)),
                        ('gross', models.DecimalField(decimal_places=2, max_digits=14)),
                        ('fee', models.DecimalField(decimal_places=2, max_digits=14)),
                        ('amount', models.DecimalField(decimal_places=2, max_digits=14)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('statement', 'payout'), name='statement_line_once')],
                    },
                ),
                migrations.CreateModel(
                    name='StatementEvent',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('statement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='events', to='settlement.statement')),
                        ('state', models.CharField(choices=[('PROVISIONAL', 'provisional'), ('FINAL', 'final'), ('DISPUTED', 'disputed'), ('ACCEPTED', 'accepted'), ('PAID', 'paid'), ('RESTATED', 'replaced by a later version')], max_length=12)),
                        ('at', models.DateTimeField()),
                        ('reason', models.CharField(blank=True, max_length=400)),
                    ],
                ),
                migrations.CreateModel(
                    name='BankAccount',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('owner', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='bank_account', to='accounts.participant')),
                        ('holder', models.CharField(max_length=70)),
                        ('iban', models.CharField(max_length=34)),
                        ('bic', models.CharField(blank=True, max_length=11)),
                    ],
                ),
                migrations.CreateModel(
                    name='PaymentFile',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('message_id', models.CharField(max_length=35, unique=True)),
                        ('created_at', models.DateTimeField()),
                        ('execution_date', models.DateField()),
                        ('currency', models.CharField(max_length=3)),
                        ('count', models.PositiveIntegerField()),
                        ('total', models.DecimalField(decimal_places=2, max_digits=14)),
                        ('xml', models.TextField()),
                    ],
                ),
                migrations.CreateModel(
                    name='Payment',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('file', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='payments', to='settlement.paymentfile')),
                        ('statement', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='payment', to='settlement.statement')),
                        ('journal', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='payment', to='settlement.journal')),
                        ('amount', models.DecimalField(decimal_places=2, max_digits=14)),
                    ],
                    options={
                        'constraints': [models.CheckConstraint(condition=models.Q(('amount__gt', 0)), name='payment_positive')],
                    },
                ),
                migrations.CreateModel(
                    name='ProductTerms',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('market_code', models.CharField(help_text='the market whose awards are paid so', max_length=40)),
                        ('product_code', models.CharField(blank=True, help_text='empty: every product of the market', max_length=40)),
                        ('contract_id', models.CharField(blank=True, help_text="a utility's contract; empty: any or none", max_length=120)),
                        ('version', models.PositiveIntegerField(default=1)),
                        ('valid_from', models.DateField()),
                        ('lines', models.JSONField(help_text='[{component, name, band, price, ...}]: settlement.kernels.components.lines')),
                        ('source', models.TextField(blank=True, help_text='rulebook or contract, and clause')),
                    ],
                    options={
                        'verbose_name_plural': 'product terms',
                        'constraints': [models.UniqueConstraint(fields=('market_code', 'product_code', 'contract_id', 'version'), name='product_terms_version_once'), models.CheckConstraint(condition=models.Q(('lines', []), _negated=True), name='product_terms_have_a_line')],
                    },
                ),
                migrations.CreateModel(
                    name='ComponentInput',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('award', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='component_inputs', to='bidding.award')),
                        ('component', models.CharField(max_length=32)),
                        ('received_at', models.DateTimeField()),
                        ('data', models.JSONField()),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('award', 'component', 'received_at'), name='component_input_once_a_moment')],
                    },
                ),
            ],
        ),
    ]
