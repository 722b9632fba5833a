"""What forecasting does: forecast a zone's delivery day, and note what the plant itself moved."""

from forecasting.operations.dispatched import record_dispatched
from forecasting.operations.errors import NothingToForecast, NothingToRollBack, UnknownZone
from forecasting.operations.estimators import reinstate, roll_back
from forecasting.operations.runs import run_forecast
from forecasting.operations.scoring import score_day
from forecasting.operations.weather import BadWeather, store_weather

__all__ = [
    "BadWeather",
    "NothingToForecast",
    "NothingToRollBack",
    "UnknownZone",
    "record_dispatched",
    "reinstate",
    "roll_back",
    "run_forecast",
    "score_day",
    "store_weather",
]
