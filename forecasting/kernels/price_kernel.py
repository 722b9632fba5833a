"""Prices by Gaussian process regression: days that look alike in late prices and regressors had prices alike.

One covariance for all hours, or one for every four where regressors are known, for a price answers to the load of its
own hours: a linear part and a bell of the distance between days, fading with the years between them. The Cholesky
factor of the days in their order gives, besides the day ahead, what would have been said of every past day from those
before it: errors that nothing had seen, without a second fit.
Rasmussen & Williams, "Gaussian Processes for Machine Learning" (2006), chapters 2 and 4.
"""

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.price_table import PriceTable, by_hour, shifted

Array = NDArray[np.float64]

PRICE_LAGS = {1: 1.0, 2: 0.3, 3: 0.2, 7: 0.3}  # days back: what the day's 24 prices weigh in the squared distance
REGRESSOR_LAGS = {0: 8.0, 1: 1.4, 7: 0.2}
REGRESSOR_BLOCKS, NEAR_HOURS = 6, 3.0  # covariances, each with the regressors around its own hours
WEEKDAY, WEEKEND, SEASON = 0.4, 0.6, 1.0
REACH = 3.5  # distance at which days are no longer alike
LINEAR, LEVEL, NOISE = 0.1, 1.0, 0.5  # beside a bell of height 1
FADING, FADING_YEARS = 0.3, 2.0
FARTHEST = 6.0  # on the asinh scale
YEAR_DAYS = 365.25


def kernel_prices(table: PriceTable, known: int, wanted: int) -> tuple[Array, Array]:
    """(24,) prices of day `wanted` from those before `known`, and (known, 24) of each of these at its own issue."""
    hourly = by_hour(table.prices)
    middle = float(np.median(hourly[:known]))
    unit = 1.4826 * float(np.median(np.abs(hourly[:known] - middle))) + 1e-9
    hourly = np.arcsinh((hourly - middle) / unit).clip(-FARTHEST, FARTHEST)
    rows = np.append(np.arange(known), wanted)
    blocks = np.split(np.arange(24), REGRESSOR_BLOCKS if table.outside.shape[2] else 1)
    found = [
        _block(_inputs(table, hourly, wanted + 1, hours)[rows], rows, hourly[:known, hours], table) for hours in blocks
    ]
    prices: Array = middle + unit * np.sinh(np.concatenate(found, axis=1).clip(-FARTHEST, FARTHEST))
    return prices[-1], prices[:-1]


def _block(inputs: Array, rows: NDArray[np.int64], goal: Array, table: PriceTable) -> Array:
    """(known + 1, H) of some hours goal (known, H): of each known day and, last, of the wanted one."""
    from scipy.linalg import cholesky, solve_triangular

    known = len(goal)
    covariance = _covariance(inputs, rows)
    factor = cholesky(covariance[:-1, :-1] + NOISE * np.eye(known), lower=True)
    usual = goal.mean(axis=0)
    fresh = solve_triangular(factor, goal - usual, lower=True)
    past = np.tril(factor, -1 - table.lead) @ fresh
    ahead = solve_triangular(factor, covariance[:-1, -1], lower=True) @ fresh
    found: Array = usual + np.concatenate([past, ahead[None]])
    return found


def _inputs(table: PriceTable, hourly: Array, until: int, hours: NDArray[np.int64]) -> Array:
    """(until, F) what is known of each day before `until`, scaled to its weight in these hours' squared distance."""
    day = np.full(24, 1 / 24)
    parts = [_weighted(shifted(hourly, lag + table.lead)[:until], weight * day) for lag, weight in PRICE_LAGS.items()]
    outside = list(np.moveaxis(table.outside[:until], 2, 0))
    if outside:
        if len(outside) == 2:
            outside.append(outside[0] - outside[1])
        joined = np.concatenate(outside, axis=1)
        standard = ((joined - np.median(joined, axis=0)) / (joined.std(axis=0) + 1e-9)).clip(-FARTHEST, FARTHEST)
        near = np.tile(_nearness(hours), len(outside)) / len(outside)
        parts += [_weighted(shifted(standard, lag), weight * near) for lag, weight in REGRESSOR_LAGS.items()]
    weekend = table.weekday[:until, None] == np.array([5, 6])
    return np.concatenate([*parts, np.sqrt(WEEKDAY) * table.dummies[:until], np.sqrt(WEEKEND) * weekend], axis=1)


def _nearness(hours: NDArray[np.int64]) -> Array:
    """(24,) how much the regressors of each hour tell of these hours, 1 in sum."""
    away = np.abs((np.arange(24) - hours.mean() + 12) % 24 - 12)
    weight = np.exp(-(away**2) / (2 * NEAR_HOURS**2))
    found: Array = weight / weight.sum()
    return found


def _weighted(values: Array, weights: Array) -> Array:
    """values (D, F) in units of their spread, times the root of their weights (F,)."""
    centred = values - values.mean(axis=0)
    scaled: Array = centred / (centred.std(axis=0).mean() + 1e-9) * np.sqrt(weights)
    return scaled


def _covariance(inputs: Array, days: NDArray[np.int64]) -> Array:
    """(n, n) of days with inputs (n, F)."""
    product = inputs @ inputs.T
    size = np.diag(product)
    years = np.abs(days[:, None] - days[None]) / YEAR_DAYS
    squared = size[:, None] + size[None] - 2 * product + 2 * SEASON * (1 - np.cos(2 * np.pi * years))
    alike = LEVEL + LINEAR * product + np.exp(-squared / (2 * REACH**2))
    found: Array = alike * (1 - FADING + FADING * np.exp(-years / FADING_YEARS))
    return found
