"""Weather for the nightly ladder: as it was expected, and only the columns that a class of series answers to."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.admission import answering
from forecasting.kernels.arrays import Floats
from forecasting.kernels.calendar import DayGrid
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
    names: tuple[str, ...]


def laid_out(weather: Weather | None, grid: DayGrid, target_day: int) -> dict[str, Floats]:
    """(target day + 1, S) per variable that covers the target day and half of the grid's days, without gaps."""
    if weather is None:
        return {}
    n_days = target_day + 1
    place = (grid.dates[0] - weather.dates[0]).astype(np.int64) + np.arange(n_days)
    inside = (place >= 0) & (place < len(weather.dates))
    values = np.full((len(weather.values), n_days, grid.slots_per_day), np.nan, dtype=np.float32)
    values[:, inside] = weather.values[:, place[inside]]
    covered = np.isfinite(values[:, -1]).all(axis=1) & (np.isfinite(values).mean(axis=(1, 2)) > COVERED_BY_WEATHER)
    complete = fill_days(values)
    return {name: complete[row] for row, name in enumerate(weather.names) if covered[row]}


def admitted_weather(columns: dict[str, Floats], ladder: Ladder) -> tuple[str, ...]:
    """Variables whose anomaly goes with what the profile missed, if the last weeks were better told with them.

    The weather of another year goes with nothing and is left out.
    """
    if not columns or not ladder.kind.gradient or not len(ladder.level_kw):
        return ()
    known, sample = ladder.known, sample_rows(len(ladder.level_kw), WEATHER_SERIES, seed=0)
    outside = np.stack(list(columns.values())).astype(np.float64)
    found, members, _ = answering(
        known.days.of(sample), known.members[:, sample], known.blend[sample], known.level_kw[sample], outside
    )
    if not len(found):
        return ()
    return tuple(name for name, column in columns.items() if (found == column).all(axis=(1, 2)).any())
