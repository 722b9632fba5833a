import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    replaces = [('dispatch', '0004_priorities')]  # its name in databases made before the bulk rules moved into 0002

    dependencies = [
        ('dispatch', '0002_rules'),
        ('enrollment', '0002_limits_of_use'),
    ]

    operations = [
        migrations.CreateModel(
            name='DispatchPriority',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('valid_from', models.DateTimeField(unique=True)),
                ('order', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('SAFETY_AND_OWNER', 'safety, and the owner who opts out'), ('GRID_EMERGENCY', "a grid operator's order in an emergency"), ('COMMIT', 'commit on an ask'), ('MARKET', 'award of a market')], max_length=16), help_text='all claims, the most important first', size=None)),
            ],
            options={
                'verbose_name_plural': 'dispatch priorities',
                'constraints': [models.CheckConstraint(condition=models.Q(('order__0', 'SAFETY_AND_OWNER'), ('order__contains', ['SAFETY_AND_OWNER', 'GRID_EMERGENCY', 'COMMIT', 'MARKET']), ('order__len', 4)), name='priority_safety_first_each_once')],
            },
        ),
        migrations.CreateModel(
            name='GridEmergency',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('period', django.contrib.postgres.fields.ranges.DateTimeRangeField(help_text='UTC')),
                ('up_kw', models.FloatField(help_text='net power wanted, up positive (less consumption)')),
                ('ordered_by', models.CharField(max_length=120)),
                ('reason', models.CharField(blank=True, max_length=200)),
                ('created_at', models.DateTimeField()),
                ('portfolio', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='grid_emergencies', to='enrollment.portfolio')),
            ],
            options={
                'verbose_name_plural': 'grid emergencies',
                'constraints': [django.contrib.postgres.constraints.ExclusionConstraint(expressions=[(models.Func(models.F('portfolio_id'), models.F('portfolio_id'), models.Value('[]'), function='int8range'), '&&'), ('period', '&&')], name='grid_emergency_one_at_a_time'), models.CheckConstraint(condition=models.Q(('period__startswith__isnull', False), ('period__endswith__isnull', False)), name='grid_emergency_begins_and_ends')],
            },
        ),
        migrations.RunSQL(
            """INSERT INTO dispatch_dispatchpriority (valid_from, "order") VALUES
               ('2000-01-01T00:00Z', ARRAY['SAFETY_AND_OWNER', 'GRID_EMERGENCY', 'COMMIT', 'MARKET'])""",
            "DELETE FROM dispatch_dispatchpriority",
        ),
    ]
