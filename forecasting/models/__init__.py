"""Tables of forecasting."""

from forecasting.models.accuracy import Accuracy, DriftAlarm
from forecasting.models.estimators import DispatchedPeriod, Estimator
from forecasting.models.flexibility import Envelope, EnvelopeQuerySet, PriceForecast, ScenarioSet
from forecasting.models.runs import Forecast, ForecastRun
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
    "PriceForecast",
    "ScenarioSet",
    "WeatherForecast",
]
