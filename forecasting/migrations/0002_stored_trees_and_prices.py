"""Gradient models are stored as the numbers of their trees; scenarios hold prices, and prices are forecast."""

import django.contrib.postgres.fields
from django.db import migrations, models

import forecasting.fields


class Migration(migrations.Migration):
    dependencies = [("forecasting", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="estimator",
            name="numbers",
            field=forecasting.fields.PackedArrayField(
                blank=True,
                dtype="<f8",
                help_text="node tables of the trees, see forecasting.kernels.trees",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="scenarioset",
            name="price_eur_per_mwh",
            field=forecasting.fields.PackedArrayField(
                blank=True,
                dtype="<f8",
                help_text="S rows of H values, of the same days; empty without a forecast",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="scenarioset",
            name="days",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.DateField(),
                blank=True,
                default=list,
                help_text="past days whose errors the scenarios have",
                size=None,
            ),
        ),
        migrations.CreateModel(
            name="PriceForecast",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("zone_code", models.CharField(max_length=40)),
                ("delivery_date", models.DateField()),
                ("version", models.PositiveSmallIntegerField()),
                ("issue_time", models.DateTimeField(help_text="the forecast was available from this moment on")),
                (
                    "deciles_eur_per_mwh",
                    forecasting.fields.PackedArrayField(dtype="<f8", help_text="H rows of nine values, 0.1 to 0.9"),
                ),
                (
                    "paths_eur_per_mwh",
                    forecasting.fields.PackedArrayField(dtype="<f8", help_text="S rows of H values"),
                ),
                ("size", models.PositiveSmallIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("zone_code", "delivery_date", "version"),
                        name="price_forecast_one_a_zone_day_and_version",
                    )
                ],
            },
        ),
    ]
