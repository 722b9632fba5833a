import django.contrib.postgres.fields
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
                    name='Substation',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('code', models.CharField(max_length=80, unique=True)),
                        ('name', models.CharField(blank=True, max_length=200)),
                        ('utility', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='substations', to='accounts.participant')),
                    ],
                ),
                migrations.CreateModel(
                    name='Feeder',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('code', models.CharField(max_length=80, unique=True)),
                        ('name', models.CharField(blank=True, max_length=200)),
                        ('utility', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='feeders', to='accounts.participant')),
                        ('substation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='feeders', to='network.substation')),
                        ('power_factor', models.FloatField(default=0.95, help_text='of consumption for which only kW is known (lagging)')),
                    ],
                    options={
                        'constraints': [models.CheckConstraint(condition=models.Q(('power_factor__gt', 0), ('power_factor__lte', 1)), name='feeder_power_factor_above_0_up_to_1')],
                    },
                ),
                migrations.CreateModel(
                    name='Node',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('code', models.CharField(max_length=120, unique=True)),
                        ('feeder', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='nodes', to='network.feeder')),
                        ('nominal_kv', models.FloatField(help_text='line to line')),
                        ('v_min_pu', models.FloatField(default=0.9)),
                        ('v_max_pu', models.FloatField(default=1.1)),
                        ('phases', models.CharField(choices=[('A', 'A'), ('B', 'B'), ('C', 'C'), ('AB', 'Ab'), ('AC', 'Ac'), ('BC', 'Bc'), ('ABC', 'Abc')], default='ABC', max_length=3)),
                    ],
                    options={
                        'constraints': [models.CheckConstraint(condition=models.Q(('nominal_kv__gt', 0)), name='node_voltage_positive'), models.CheckConstraint(condition=models.Q(('v_min_pu__gt', 0), ('v_max_pu__gt', models.F('v_min_pu'))), name='node_voltage_band_in_order')],
                    },
                ),
                migrations.CreateModel(
                    name='Branch',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('code', models.CharField(max_length=120, unique=True)),
                        ('feeder', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='branches', to='network.feeder')),
                        ('from_node', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='network.node')),
                        ('to_node', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='network.node')),
                        ('r_ohm', models.FloatField()),
                        ('x_ohm', models.FloatField()),
                        ('c_nf', models.FloatField(default=0.0)),
                        ('rating_a', models.FloatField(blank=True, help_text='continuous current; empty: unknown, not checked', null=True)),
                        ('from_closed', models.BooleanField(default=True, help_text='switch at the from-node')),
                        ('to_closed', models.BooleanField(default=True, help_text='switch at the to-node')),
                        ('phases', models.CharField(choices=[('A', 'A'), ('B', 'B'), ('C', 'C'), ('AB', 'Ab'), ('AC', 'Ac'), ('BC', 'Bc'), ('ABC', 'Abc')], default='ABC', max_length=3)),
                    ],
                    options={
                        'verbose_name_plural': 'branches',
                        'constraints': [models.CheckConstraint(condition=models.Q(('from_node', models.F('to_node')), _negated=True), name='branch_joins_two_nodes'), models.CheckConstraint(condition=models.Q(('r_ohm__gt', 0), models.Q(('r_ohm', 0), models.Q(('x_ohm', 0), _negated=True)), _connector='OR'), name='branch_has_an_impedance'), models.CheckConstraint(condition=models.Q(('c_nf__gte', 0)), name='branch_capacitance_not_negative'), models.CheckConstraint(condition=models.Q(('rating_a__isnull', True), ('rating_a__gt', 0), _connector='OR'), name='branch_rating_positive')],
                    },
                ),
                migrations.CreateModel(
                    name='Transformer',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('code', models.CharField(max_length=120, unique=True)),
                        ('feeder', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='transformers', to='network.feeder')),
                        ('hv_node', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='network.node')),
                        ('lv_node', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='network.node')),
                        ('rated_kva', models.FloatField()),
                        ('hv_kv', models.FloatField()),
                        ('lv_kv', models.FloatField()),
                        ('vk_percent', models.FloatField(help_text='short-circuit voltage')),
                        ('vkr_percent', models.FloatField(help_text='its resistive part')),
                        ('pfe_kw', models.FloatField(default=0.0, help_text='iron losses')),
                        ('i0_percent', models.FloatField(default=0.0, help_text='open-circuit current')),
                        ('tap_side', models.CharField(choices=[('HV', 'high-voltage side'), ('LV', 'low-voltage side')], default='HV', max_length=2)),
                        ('tap_position', models.SmallIntegerField(default=0)),
                        ('tap_neutral', models.SmallIntegerField(default=0)),
                        ('tap_step_percent', models.FloatField(default=0.0)),
                        ('phases', models.CharField(choices=[('A', 'A'), ('B', 'B'), ('C', 'C'), ('AB', 'Ab'), ('AC', 'Ac'), ('BC', 'Bc'), ('ABC', 'Abc')], default='ABC', max_length=3)),
                        ('closed', models.BooleanField(default=True, help_text='switches at both sides')),
                    ],
                    options={
                        'constraints': [models.CheckConstraint(condition=models.Q(('hv_node', models.F('lv_node')), _negated=True), name='transformer_joins_two_nodes'), models.CheckConstraint(condition=models.Q(('rated_kva__gt', 0), ('hv_kv__gt', 0), ('lv_kv__gt', 0)), name='transformer_ratings_positive'), models.CheckConstraint(condition=models.Q(('vk_percent__gt', 0), ('vk_percent__lt', 100), ('vkr_percent__gte', 0), ('vkr_percent__lte', models.F('vk_percent'))), name='transformer_impedance_in_range'), models.CheckConstraint(condition=models.Q(('pfe_kw__gte', 0), ('i0_percent__gte', 0), ('i0_percent__lt', 100)), name='transformer_no_load_in_range')],
                    },
                ),
                migrations.CreateModel(
                    name='Regulator',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('code', models.CharField(max_length=120, unique=True)),
                        ('feeder', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='regulators', to='network.feeder')),
                        ('transformer', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='regulator', to='network.transformer')),
                        ('v_set_pu', models.FloatField()),
                        ('v_band_pu', models.FloatField(help_text='width of the band in which it rests')),
                        ('tap_min', models.SmallIntegerField()),
                        ('tap_max', models.SmallIntegerField()),
                    ],
                    options={
                        'constraints': [models.CheckConstraint(condition=models.Q(('tap_max__gt', models.F('tap_min'))), name='regulator_has_a_range'), models.CheckConstraint(condition=models.Q(('v_band_pu__gt', 0), ('v_set_pu__gt', 0.5), ('v_set_pu__lt', 1.5)), name='regulator_band_in_range')],
                    },
                ),
                migrations.CreateModel(
                    name='Shunt',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('code', models.CharField(max_length=120, unique=True)),
                        ('feeder', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='shunts', to='network.feeder')),
                        ('node', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='network.node')),
                        ('q_kvar', models.FloatField(help_text='reactive power taken at nominal voltage')),
                    ],
                ),
                migrations.CreateModel(
                    name='Source',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('feeder', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sources', to='network.feeder')),
                        ('node', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='network.node')),
                        ('v_pu', models.FloatField(default=1.0)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('feeder', 'node'), name='source_once_a_node'), models.CheckConstraint(condition=models.Q(('v_pu__gt', 0.5), ('v_pu__lt', 1.5)), name='source_voltage_in_range')],
                    },
                ),
                migrations.CreateModel(
                    name='CongestionPoint',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('code', models.CharField(help_text='entity address, as ea1.2016-01.dso.example:CODE', max_length=120, unique=True)),
                        ('utility', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='congestion_points', to='accounts.participant')),
                        ('feeder', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='congestion_points', to='network.feeder')),
                        ('transformer', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='network.transformer')),
                        ('branch', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='network.branch')),
                        ('limit_kw', models.FloatField(help_text='in both directions')),
                    ],
                    options={
                        'constraints': [models.CheckConstraint(condition=models.Q(('limit_kw__gt', 0)), name='congestion_point_limit_positive'), models.CheckConstraint(condition=models.Q(('transformer__isnull', True), ('branch__isnull', True), _connector='OR'), name='congestion_point_one_element')],
                    },
                ),
                migrations.CreateModel(
                    name='TopologyVersion',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('feeder', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='topology_versions', to='network.feeder')),
                        ('version', models.PositiveIntegerField()),
                        ('valid_from', models.DateTimeField()),
                        ('cause', models.CharField(choices=[('IMPORT', 'imported'), ('SWITCHING', 'switched')], max_length=9)),
                        ('normal', models.BooleanField(default=True, help_text='no switch differs from the imported state')),
                        ('switches', models.JSONField(default=dict)),
                        ('fingerprint', models.CharField(help_text='SHA-256 of the elements at that moment', max_length=64)),
                        ('reason', models.TextField(blank=True)),
                    ],
                    options={
                        'indexes': [models.Index(fields=['feeder', '-valid_from'], name='topology_at_a_moment')],
                        'constraints': [models.UniqueConstraint(fields=('feeder', 'version'), name='topology_version_once'), models.CheckConstraint(condition=models.Q(('version__gte', 1)), name='topology_version_from_1')],
                    },
                ),
                migrations.CreateModel(
                    name='OperatingEnvelope',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('feeder', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='envelopes', to='network.feeder')),
                        ('delivery_date', models.DateField()),
                        ('time_zone', models.CharField(max_length=64)),
                        ('topology', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='network.topologyversion')),
                        ('available_at', models.DateTimeField()),
                        ('natural_key', models.CharField(help_text='feeder, day, forecast and topology', max_length=200, unique=True)),
                        ('node_codes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=120), size=None)),
                        ('consume_room_kw', models.JSONField()),
                        ('produce_room_kw', models.JSONField()),
                    ],
                    options={
                        'indexes': [models.Index(fields=['feeder', 'delivery_date', '-available_at'], name='envelope_of_a_day')],
                    },
                ),
                migrations.CreateModel(
                    name='ClearingPlan',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('natural_key', models.CharField(help_text='SHA-256 of everything it was made from', max_length=64, unique=True)),
                        ('feeder', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='clearing_plans', to='network.feeder')),
                        ('delivery_date', models.DateField()),
                        ('time_zone', models.CharField(max_length=64)),
                        ('topology', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='network.topologyversion')),
                        ('created_at', models.DateTimeField()),
                        ('state', models.CharField(choices=[('PROPOSED', 'proposed'), ('ENDORSED', 'accepted by one of two'), ('ACCEPTED', 'accepted'), ('REJECTED', 'rejected'), ('SUPERSEDED', 'superseded')], default='PROPOSED', max_length=10)),
                        ('four_eyes', models.BooleanField(default=False)),
                        ('cost', models.DecimalField(decimal_places=2, max_digits=14)),
                        ('currency', models.CharField(default='EUR', max_length=3)),
                        ('ac_valid', models.BooleanField()),
                        ('cures_all', models.BooleanField()),
                        ('corrections', models.PositiveSmallIntegerField(help_text='times the linear rows were corrected by a power flow')),
                        ('violations_before', models.JSONField(default=list)),
                        ('violations_after', models.JSONField(default=list)),
                    ],
                    options={
                        'indexes': [models.Index(fields=['feeder', 'delivery_date'], name='clearing_plans_of_a_day')],
                        'constraints': [models.CheckConstraint(condition=models.Q(('cost__gte', 0)), name='clearing_plan_cost_not_negative')],
                    },
                ),
                migrations.CreateModel(
                    name='PlanBid',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('plan', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='bids', to='network.clearingplan')),
                        ('reference', models.CharField(help_text="the aggregator's own; our bids are bid:ID", max_length=200)),
                        ('aggregator', models.CharField(max_length=120)),
                        ('node_codes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=120), size=None)),
                        ('price_per_mwh', django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), size=None)),
                        ('offered_kw', django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), help_text='upward positive: less consumption', size=None)),
                        ('taken_kw', django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), size=None)),
                        ('taken_kvar', django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), help_text='positive: less reactive power drawn', size=None)),
                        ('cost', models.DecimalField(decimal_places=2, max_digits=14)),
                        ('reason', models.CharField(blank=True, help_text='code of why it lost; empty if it was taken', max_length=24)),
                        ('explanation', models.TextField(blank=True)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('plan', 'reference'), name='plan_bid_once')],
                    },
                ),
                migrations.CreateModel(
                    name='PlanDecision',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('plan', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='network.clearingplan')),
                        ('at', models.DateTimeField()),
                        ('actor', models.CharField(max_length=200)),
                        ('accepted', models.BooleanField()),
                        ('reason', models.TextField(blank=True)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('plan', 'actor'), name='plan_decided_once_by_each')],
                    },
                ),
            ],
        ),
    ]
