"""Series as they come in files: their step, their class, and one regular grid of them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.kernels.classes import EV, HEAT, LOAD, NET, PV, WIND, SeriesClass

STEPS_MINUTES = (15, 30, 60)
PRICE = "price"

_WORDS = {
    "price": PRICE, "pv": PV.name, "solar": PV.name, "wind": WIND.name, "wp": WIND.name, "ev": EV.name,
    "hls": EV.name, "apls": EV.name, "charger": EV.name, "heatpump": HEAT.name, "air": HEAT.name, "soil": HEAT.name,
}  # fmt: skip


class UnusableSeries(ValueError):
    """A frame that cannot be forecast; the message names the series and the reason."""


@dataclass(frozen=True)
class RegularSeries:
    """values (N, T), NaN where missing; starts (T,) naive UTC without gaps; names (N,)."""

    names: list[str]
    values: NDArray[np.float64]
    starts: NDArray[np.datetime64]
    step_minutes: int


def regular(history: pd.DataFrame, *, step_minutes: int) -> RegularSeries:
    """A frame with a UTC index, unsorted or doubled times allowed, on one grid without gaps.

    Doubled times are averaged; finer data is averaged into the step; text becomes NaN.
    """
    if not isinstance(history.index, pd.DatetimeIndex):
        raise UnusableSeries("history: the index must be times")
    index = history.index.tz_localize("UTC") if history.index.tz is None else history.index.tz_convert("UTC")
    numbers = history.apply(pd.to_numeric, errors="coerce").replace([np.inf, -np.inf], np.nan)
    numbers.index = index.tz_localize(None).floor(f"{step_minutes}min")
    numbers = numbers[numbers.index.notna()].groupby(level=0).mean()
    if len(numbers):
        full = pd.date_range(numbers.index[0], numbers.index[-1], freq=f"{step_minutes}min")
        numbers = numbers.reindex(full)
    starts = numbers.index.to_numpy().astype("datetime64[s]")
    return RegularSeries([str(name) for name in history.columns], numbers.to_numpy(float).T, starts, step_minutes)


def step_of(target: NDArray[np.datetime64], history: pd.DataFrame) -> int:
    """Step in minutes: of the target where it has two times, else the most frequent of the history. Raises."""
    times = target if len(target) > 1 else history.index.to_numpy()
    gaps = np.diff(np.unique(times.astype("datetime64[s]"))).astype(np.int64) // 60
    if not len(gaps):
        raise UnusableSeries("request: one target time and no history leave the step open")
    step = int(np.bincount(gaps[gaps <= 1440]).argmax()) if (gaps <= 1440).any() else 0
    if step not in STEPS_MINUTES:
        raise UnusableSeries(f"request: a step of {step} minutes; 15, 30 or 60 are served")
    return step


def class_of_series(name: str, values: NDArray[np.float64], starts: NDArray[np.datetime64]) -> str:
    """Name of the class of one series (T,), by its name where it speaks, else by its shape."""
    words = "".join(letter if letter.isalpha() else " " for letter in name.lower()).split()
    for word in words:
        if word in _WORDS:
            return _WORDS[word]
    return _by_shape(values, starts).name


def _by_shape(values: NDArray[np.float64], starts: NDArray[np.datetime64]) -> SeriesClass:
    seen = np.isfinite(values)
    if seen.sum() < 48:
        return LOAD
    known = values[seen]
    peak = np.abs(known).max()
    if (known < -0.02 * peak).mean() > 0.02:
        return NET
    idle = known <= 0.005 * peak
    if not 0.25 < idle.mean() < 0.98:
        return LOAD
    hour = (starts[seen].astype("datetime64[h]").astype(np.int64) % 24).astype(int)
    count = np.bincount(hour, minlength=24)
    by_hour = np.bincount(hour, weights=idle, minlength=24) / np.maximum(count, 1)
    dark, bright = (by_hour > 0.97).sum(), (by_hour < 0.5).sum()
    if dark >= 5 and bright >= 4:
        return PV
    return EV if idle.mean() > 0.6 else LOAD
