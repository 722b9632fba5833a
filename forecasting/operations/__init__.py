"""What forecasting does: forecast a zone's delivery day, and note what the plant itself moved."""

from forecasting.operations.dispatched import record_dispatched
from forecasting.operations.errors import NothingToForecast, UnknownZone
from forecasting.operations.runs import run_forecast
from forecasting.operations.scoring import score_day
from forecasting.operations.weather import BadWeather, store_weather

__all__ = [
    "BadWeather",
    "NothingToForecast",
    "UnknownZone",
    "record_dispatched",
    "run_forecast",
    "score_day",
    "store_weather",
]
