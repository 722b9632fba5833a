"""Weather for the nightly ladder: as it was expected, and only the columns that go with what the profile misses."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.admission import goes_with, regressors
from forecasting.kernels.arrays import Floats, nan_mean
from forecasting.kernels.gradient import sample_rows
from forecasting.kernels.ladder import Ladder
from forecasting.kernels.naive import fill_days

WEATHER_SERIES = 200
COVERED_BY_WEATHER = 0.5


@dataclass(frozen=True)
class Weather:
    """values (K, D, S) of K variables on local dates (D,), each as expected when that day was forecast; NaN unknown."""

    dates: NDArray[np.datetime64]
    values: Floats


def admitted_weather(weather: Weather | None, ladder: Ladder) -> Floats:
    """(K, T + 1, S) weather columns of the grid's days up to the target that go with what the profile missed.

    Columns that do not cover the target day and half of the history are left out, and so is the weather of another
    year, which goes with nothing.
    """
    shape, days = (ladder.target_day + 1, ladder.grid.slots_per_day), ladder.past_days()
    if weather is None or not len(days) or not ladder.kind.gradient:
        return np.zeros((0, *shape), dtype=np.float32)
    place = (ladder.grid.dates[0] - weather.dates[0]).astype(np.int64) + np.arange(shape[0])
    inside = (place >= 0) & (place < len(weather.dates))
    values = np.full((len(weather.values), *shape), np.nan, dtype=np.float32)
    values[:, inside] = weather.values[:, place[inside]]
    covered = np.isfinite(values[:, -1]).all(axis=1) & (np.isfinite(values).mean(axis=(1, 2)) > COVERED_BY_WEATHER)
    sample = sample_rows(len(ladder.level_kw), WEATHER_SERIES, seed=0)
    missed = [
        (ladder.grid.values[sample, day] - ladder.day(int(day), sample)[1].profile) / ladder.level_kw[sample, None]
        for day in days
    ]
    error = np.nan_to_num(nan_mean(np.stack(missed), axis=1))
    lead = ladder.target_day - ladder.grid.issue_day
    complete = fill_days(values[covered])[:, days[0] :]
    kept = [column for column in complete if goes_with(column[: len(error)], error, lead)]
    found = regressors(np.array(kept).reshape(-1, *complete.shape[1:]), lead)
    padding = np.zeros((len(found), int(days[0]), shape[1]), dtype=np.float32)
    return np.concatenate([padding, found], axis=1) if len(found) else np.zeros((0, *shape), dtype=np.float32)
