"""How products and contracts are paid, as dated component lines; fewer indexes on rows of devices."""

import django.db.models.deletion
from django.db import migrations, models

from vpp.lib.triggers import append_only, drop_append_only


class Migration(migrations.Migration):

    dependencies = [
        ('bidding', '0005_asks_in_full'),
        ('settlement', '0011_certifications'),
    ]

    operations = [
        migrations.AlterField(
            model_name='deviceperformance',
            name='award',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='bidding.award'),
        ),
        migrations.AlterField(
            model_name='deviceperformance',
            name='profile',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='settlement.baselineprofile'),
        ),
        migrations.AlterField(
            model_name='deviceperformance',
            name='run',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='device_performances', to='settlement.settlementrun'),
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
                ('component', models.CharField(max_length=32)),
                ('received_at', models.DateTimeField()),
                ('data', models.JSONField()),
                ('award', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='component_inputs', to='bidding.award')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('award', 'component', 'received_at'), name='component_input_once_a_moment')],
            },
        ),
        migrations.RunSQL(
            append_only("settlement_productterms", what="product terms"),
            drop_append_only("settlement_productterms"),
        ),
        migrations.RunSQL(
            append_only("settlement_componentinput", what="component inputs"),
            drop_append_only("settlement_componentinput"),
        ),
    ]
