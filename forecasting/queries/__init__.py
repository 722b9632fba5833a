"""Read-only questions about forecasts and how good they were."""

from forecasting.queries.accuracy import AccuracyBoard, ClassAccuracy, SeriesAccuracy, accuracy_board
from forecasting.queries.forecasts import (
    EnvelopeArrays,
    NoForecast,
    ScenarioArrays,
    device_baselines_kw,
    device_quantiles_kw,
    dispatched_periods,
    envelopes,
    feeder_forecast,
    latest_feeder_run,
    latest_run,
    node_injections_kw,
    portfolio_forecast,
    price_scenarios,
    quantiles_kw,
    scenarios,
    stored_estimators,
)

__all__ = [
    "AccuracyBoard",
    "ClassAccuracy",
    "EnvelopeArrays",
    "NoForecast",
    "ScenarioArrays",
    "SeriesAccuracy",
    "accuracy_board",
    "device_baselines_kw",
    "device_quantiles_kw",
    "dispatched_periods",
    "envelopes",
    "feeder_forecast",
    "latest_feeder_run",
    "latest_run",
    "node_injections_kw",
    "portfolio_forecast",
    "price_scenarios",
    "quantiles_kw",
    "scenarios",
    "stored_estimators",
]
