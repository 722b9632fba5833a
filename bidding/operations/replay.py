"""Replays a price file day by day: each day's prices are forecast from what was known at its gate, bid, and scored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bidding.errors import BadPriceFile

if TYPE_CHECKING:
    import pandas as pd

    from bidding.kernels.replay import ReplayBattery, ReplayDay

FloatArray = NDArray[np.float64]
TIMES = ("start", "time", "time_local", "time_utc", "datetime")
GATE_HOURS_BEFORE = 12.0  # noon of the day before
HISTORY_DAYS = 400


@dataclass(frozen=True)
class PriceFile:
    """Prices over a regular clock in the column "price"; regressors that were known before the gate, or none."""

    name: str
    prices: pd.DataFrame
    regressors: pd.DataFrame | None
    steps_per_day: int


def read_prices(path: Path, *, regressors: bool = True) -> PriceFile:
    """A CSV with a time column and a price column (its name begins with "price").

    Other columns with "forecast" in their name count as published before the gate. Times with an offset are turned to
    UTC; a regular local clock without offsets is taken as it is. Raises BadPriceFile.
    """
    import pandas as pd

    try:
        table = pd.read_csv(path)
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise BadPriceFile(f"{path}: {error}") from error
    when = next((name for name in TIMES if name in table.columns), None)
    what = next((name for name in table.columns if name.startswith("price")), None)
    if when is None or what is None:
        raise BadPriceFile(f"{path}: want a time column ({', '.join(TIMES)}) and one that begins with price")
    try:
        index = pd.DatetimeIndex(pd.to_datetime(table[when], utc=True))
        series = pd.to_numeric(table[what]).to_numpy(dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise BadPriceFile(f"{path}: {error}") from error
    if index.has_duplicates or not index.is_monotonic_increasing:
        raise BadPriceFile(f"{path}: times repeat or run backwards")
    if np.isnan(series).any():
        raise BadPriceFile(f"{path}: row {int(np.flatnonzero(np.isnan(series))[0]) + 2} has no price")
    step = int((index[1:] - index[:-1]).min().total_seconds() // 60) if len(index) > 1 else 60
    if step not in (15, 30, 60):
        raise BadPriceFile(f"{path}: prices are {step} minutes apart, want 15, 30 or 60")
    known = [name for name in table.columns if "forecast" in name and not name.startswith("price")]
    frame = table[known].set_index(index) if known and regressors else None
    return PriceFile(path.name, pd.DataFrame({"price": series}, index=index), frame, 24 * 60 // step)


Forecaster = Callable[[PriceFile, "pd.DatetimeIndex"], FloatArray]


class KernelForecaster:
    """`forecasting.kernels.day_ahead`, asked at the gate; its fitted models are kept from day to day."""

    def __init__(self, history_days: int = HISTORY_DAYS) -> None:
        from forecasting.kernels.day_ahead import DayAhead

        self._forecast, self._history_days = DayAhead(), history_days
        self._first: pd.Timestamp | None = None  # kept, so that models fitted for one day serve the next

    def __call__(self, file: PriceFile, target: pd.DatetimeIndex) -> FloatArray:
        import pandas as pd

        if self._first is None:
            self._first = target[0] - pd.Timedelta(days=self._history_days)
        first = self._first
        past = file.prices[(file.prices.index < target[0]) & (file.prices.index >= first)]
        outside = file.regressors
        if outside is not None:
            outside = outside[(outside.index >= first) & (outside.index <= target[-1])]
        issue = target[0] - pd.Timedelta(hours=GATE_HOURS_BEFORE)
        found = self._forecast(past, issue, target, [0.5], outside)
        return np.asarray(found[("price", 0.5)], dtype=np.float64)


def replay(
    file: PriceFile, first: date, last: date, battery: ReplayBattery, *, forecaster: Forecaster | None = None
) -> Iterator[ReplayDay]:
    """The days from first to last, each as it is played. Raises BadPriceFile where the file does not hold them."""
    import pandas as pd

    from bidding.kernels.replay import play_day

    predict = forecaster or KernelForecaster()
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        start = pd.Timestamp(day, tz="UTC")
        real, before = (_day_of(file, start - pd.Timedelta(days=back)) for back in (0, 1))
        believed = predict(file, file.prices.loc[start : start + pd.Timedelta(hours=23, minutes=59)].index)
        yield play_day(day, real, believed, before, battery)


def _day_of(file: PriceFile, start: pd.Timestamp) -> FloatArray:
    import pandas as pd

    rows = file.prices.loc[start : start + pd.Timedelta(hours=23, minutes=59)]
    if len(rows) != file.steps_per_day:
        raise BadPriceFile(f"{file.name}: {len(rows)} prices on {start.date()}, want {file.steps_per_day}")
    return rows["price"].to_numpy(dtype=np.float64)
