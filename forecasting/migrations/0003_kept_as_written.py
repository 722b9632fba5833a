"""Forecasts, envelopes, weather and expected prices stay as they were known; TRUNCATE passes none by."""

from django.db import migrations

from vpp.lib.triggers import drop_never_truncated, drop_stays_as_written, never_truncated, stays_as_written

# How long a run took is noted at its end; an estimator may be withdrawn.
RUN = (
    "natural_key", "portfolio_id", "feeder_code", "zone_code", "time_zone", "delivery_date", "version", "step_minutes",
    "issue_time", "data_as_of", "history_start", "seed", "state", "model_versions", "fallbacks",
)  # fmt: skip
ESTIMATOR = ("series_key", "version", "kind", "parameters", "data_until", "fitted_at")
WRITTEN: dict[str, tuple[str, tuple[str, ...]]] = {
    "forecasting_forecastrun": ("forecast runs", RUN),
    "forecasting_estimator": ("estimators", ESTIMATOR),
    "forecasting_forecast": ("forecasts", ()),
    "forecasting_envelope": ("envelopes", ()),
    "forecasting_scenarioset": ("scenarios", ()),
    "forecasting_priceforecast": ("expected prices", ()),
    "forecasting_weatherforecast": ("weather forecasts", ()),
    "forecasting_dispatchedperiod": ("dispatched periods", ()),
}


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_never_truncated"), ("forecasting", "0002_stored_trees_and_prices")]

    operations = [
        *[
            migrations.RunSQL(stays_as_written(table, what=what, columns=columns), drop_stays_as_written(table))
            for table, (what, columns) in WRITTEN.items()
        ],
        migrations.RunSQL(never_truncated(*WRITTEN), drop_never_truncated(*WRITTEN)),
    ]
