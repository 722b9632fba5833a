"""Tables of forecasting."""

from forecasting.models.accuracy import Accuracy, DriftAlarm
from forecasting.models.runs import (
    DispatchedPeriod,
    Envelope,
    EnvelopeQuerySet,
    Estimator,
    Forecast,
    ForecastRun,
    ScenarioSet,
)
from forecasting.models.weather import WeatherForecast

__all__ = [
    "Accuracy",
    "DispatchedPeriod",
    "DriftAlarm",
    "Envelope",
    "EnvelopeQuerySet",
    "Estimator",
    "Forecast",
    "ForecastRun",
    "ScenarioSet",
    "WeatherForecast",
]
