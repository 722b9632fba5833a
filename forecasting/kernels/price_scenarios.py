"""Price paths on the residual days of load and generation, mapped through the quantiles of the price forecast.

A day of the past that lends its load and its sun lends the rank of its prices too, hour by hour, so that a windless day
is a dear one. Clark et al. (2004), J. Hydrometeorology 5(1), the Schaake shuffle.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.calendar import local_clock, to_day_grid
from forecasting.kernels.memory import Memory
from forecasting.kernels.naive import fill_days
from forecasting.kernels.prices import LEAST_DAYS, forecast_prices
from forecasting.kernels.series import RegularSeries

Array = NDArray[np.float64]

DECILES = np.arange(1, 10) / 10
WEEK = 7
SLOT_HOURS = 24


@dataclass(frozen=True)
class PriceDay:
    """Forecast of a day's prices: deciles (H, 9) by interval; surprise: local date -> (24,) hourly prices of a past day
    minus the mean of its week before."""

    deciles: Array
    surprise: dict[np.datetime64, Array]


def forecast_price_day(
    prices: Array,
    starts: NDArray[np.datetime64],
    target_starts: NDArray[np.datetime64],
    *,
    zone: str,
    step_minutes: int,
) -> PriceDay | None:
    """prices (T,) at naive-UTC starts (T,) of regular steps, NaN unknown; None with fewer than seven weeks of them."""
    grid = to_day_grid(prices[None], starts, issue=target_starts[0], zone=zone, step_minutes=step_minutes)
    seen = np.isfinite(grid.values[0]).any(axis=1)
    if seen.sum() < LEAST_DAYS + WEEK:
        return None
    series = RegularSeries(["price"], prices[None], starts, step_minutes)
    step = np.timedelta64(step_minutes, "m").astype("timedelta64[s]")
    wanted = np.unique(target_starts - (target_starts - target_starts[0]) % step)
    found = forecast_prices(series, None, wanted, zone, DECILES, Memory())[0]
    by_interval = found[np.searchsorted(wanted, target_starts, side="right") - 1]
    hourly = fill_days(grid.values).astype(np.float64)[0].reshape(len(grid.dates), SLOT_HOURS, -1).mean(axis=2)
    surprise = {
        grid.dates[day]: hourly[day] - hourly[day - WEEK : day].mean(axis=0)
        for day in range(WEEK, len(grid.dates))
        if seen[day]
    }
    return PriceDay(np.sort(by_interval, axis=1), surprise)


def price_paths(
    price: PriceDay, days: NDArray[np.datetime64], target_starts: NDArray[np.datetime64], zone: str
) -> Array:
    """(S, H) prices of scenarios that were drawn from the local dates `days` (S,).

    Within each hour the surprise of a scenario's day is ranked among those of all drawn days, and the rank read off the
    forecast's deciles, straight on beyond the outer ones. A day without prices takes the middle.
    """
    hours = local_clock(target_starts, zone, 60).slots
    table = np.array([price.surprise.get(day, np.full(SLOT_HOURS, np.nan)) for day in days])[:, hours]
    rank = _ranks(table)
    return _at_ranks(price.deciles, rank)


def _ranks(table: Array) -> Array:
    """(S, H) mid-ranks in (0, 1) per column, equal values sharing one; 0.5 where nothing is known."""
    known = np.isfinite(table)
    filled = np.where(known, table, np.inf)
    below = (filled[None] < filled[:, None]).sum(axis=1)
    equal = (filled[None] == filled[:, None]).sum(axis=1)
    count = np.maximum(known.sum(axis=0), 1)
    return np.where(known, (below + equal / 2) / count, 0.5)


def _at_ranks(deciles: Array, rank: Array) -> Array:
    """(S, H) values of the piecewise linear quantile function through deciles (H, 9)."""
    right = np.clip(np.searchsorted(DECILES, rank), 1, len(DECILES) - 1)
    part = (rank - DECILES[right - 1]) / (DECILES[right] - DECILES[right - 1])
    columns = np.arange(len(deciles))[None]
    found: Array = deciles[columns, right - 1] * (1 - part) + deciles[columns, right] * part
    return found
