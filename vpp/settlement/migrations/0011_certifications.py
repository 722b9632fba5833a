"""Certification results and the methods that sites were steered to."""

import django.db.models.deletion
from django.db import migrations, models

from vpp.lib.triggers import append_only, drop_append_only


class Migration(migrations.Migration):

    dependencies = [
        ('enrollment', '0002_contract_split_rules'),
        ('settlement', '0010_rules_of_the_books'),
    ]

    operations = [
        migrations.CreateModel(
            name='Certification',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('first_day', models.DateField()),
                ('last_day', models.DateField()),
                ('first_hour', models.PositiveSmallIntegerField(help_text="the placebo event begins, on the site's clock")),
                ('last_hour', models.PositiveSmallIntegerField(help_text='and ends')),
                ('as_of', models.DateTimeField(help_text='only readings known then were used')),
                ('gate_rrmse_pu', models.FloatField()),
                ('gate_bias_pu', models.FloatField()),
                ('level', models.CharField(choices=[('SITE', "a method passes on the site's own readings"), ('PORTFOLIO', 'settle by the sum of its portfolio'), ('DEVICE', "settle by the device's own readings around the event"), ('CONTROL_GROUP', 'settle by a control group of similar sites')], max_length=16)),
                ('reason', models.TextField(help_text='why this level')),
                ('best_profile', models.ForeignKey(blank=True, help_text='passes on the level; none where a control group has to be formed', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='settlement.baselineprofile')),
                ('device', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='certifications', to='enrollment.device')),
            ],
        ),
        migrations.CreateModel(
            name='CertificationFit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('level', models.CharField(choices=[('SITE', "a method passes on the site's own readings"), ('PORTFOLIO', 'settle by the sum of its portfolio'), ('DEVICE', "settle by the device's own readings around the event"), ('CONTROL_GROUP', 'settle by a control group of similar sites')], max_length=16)),
                ('rank', models.PositiveSmallIntegerField(help_text='1 fits best, within its level')),
                ('events', models.PositiveSmallIntegerField(help_text='placebo events with a baseline')),
                ('rrmse_pu', models.FloatField(help_text='root mean square error of an interval over the mean load', null=True)),
                ('bias_pu', models.FloatField(help_text='mean error over the mean load', null=True)),
                ('missing_pu', models.FloatField(help_text='placebo events without a baseline, of all')),
                ('band_low_pu', models.FloatField(help_text="10 % quantile of an event's error: its confidence band", null=True)),
                ('band_high_pu', models.FloatField(help_text='90 % quantile', null=True)),
                ('passes', models.BooleanField()),
                ('placebo', models.JSONField(default=list, help_text='per event: date, baseline_kwh, actual_kwh')),
                ('certification', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='fits', to='settlement.certification')),
                ('profile', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='settlement.baselineprofile')),
            ],
        ),
        migrations.CreateModel(
            name='SiteMethod',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('valid_from', models.DateField()),
                ('profile_name', models.CharField(max_length=40)),
                ('certification', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='adopted', to='settlement.certification')),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='baseline_methods', to='enrollment.site')),
            ],
        ),
        migrations.AddIndex(
            model_name='certification',
            index=models.Index(fields=['device', '-id'], name='certifications_of_a_device'),
        ),
        migrations.AddConstraint(
            model_name='certification',
            constraint=models.CheckConstraint(condition=models.Q(('first_hour__lt', models.F('last_hour')), ('last_hour__lte', 24)), name='certification_hours_of_a_day'),
        ),
        migrations.AddConstraint(
            model_name='certification',
            constraint=models.CheckConstraint(condition=models.Q(('level', 'CONTROL_GROUP'), ('best_profile__isnull', False), _connector='OR'), name='certification_names_a_method'),
        ),
        migrations.AddConstraint(
            model_name='certificationfit',
            constraint=models.UniqueConstraint(fields=('certification', 'level', 'rank'), name='certification_fit_once_a_rank'),
        ),
        migrations.AddConstraint(
            model_name='sitemethod',
            constraint=models.UniqueConstraint(fields=('site', 'valid_from'), name='site_method_once_a_date'),
        ),
        migrations.RunSQL(
            append_only("settlement_certification", what="certifications"),
            drop_append_only("settlement_certification"),
        ),
        migrations.RunSQL(
            append_only("settlement_certificationfit", what="certification results"),
            drop_append_only("settlement_certificationfit"),
        ),
    ]
