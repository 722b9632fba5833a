"""Prices by Gaussian process regression: days that look alike in late prices and regressors had prices alike.

One covariance for all hours: a linear part and a bell of the distance between days, fading with the years between them.
The Cholesky factor of the days in their order gives, besides the day ahead, what would have been said of every past day
from those before it: errors that nothing had seen, without a second fit.
Rasmussen & Williams, "Gaussian Processes for Machine Learning" (2006), chapters 2 and 4.
"""

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.price_models import PriceTable, by_hour, shifted

Array = NDArray[np.float64]

PRICE_LAGS = {1: 1.0, 2: 0.3, 3: 0.2, 7: 0.3}  # days back: what the day's 24 prices weigh in the squared distance
REGRESSOR_LAGS = {0: 4.0, 1: 1.4, 7: 0.2}
WEEKDAY, WEEKEND, SEASON = 0.4, 0.6, 1.0
REACH = 3.5  # distance at which days are no longer alike
LINEAR, LEVEL, NOISE = 0.1, 1.0, 0.5  # beside a bell of height 1
FADING, FADING_YEARS = 0.3, 2.0
FARTHEST = 6.0  # on the asinh scale
YEAR_DAYS = 365.25


def kernel_prices(table: PriceTable, known: int, wanted: int) -> tuple[Array, Array]:
    """(24,) prices of day `wanted`, from those before `known`; (known, 24) of each of these from those before it."""
    from scipy.linalg import cholesky, solve_triangular

    hourly = by_hour(table.prices)
    middle = float(np.median(hourly[:known]))
    unit = 1.4826 * float(np.median(np.abs(hourly[:known] - middle))) + 1e-9
    hourly = np.arcsinh((hourly - middle) / unit).clip(-FARTHEST, FARTHEST)
    goal = hourly[:known]
    rows = np.append(np.arange(known), wanted)
    covariance = _covariance(_inputs(table, hourly, wanted + 1)[rows], rows)
    factor = cholesky(covariance[:-1, :-1] + NOISE * np.eye(known), lower=True)
    usual = goal.mean(axis=0)
    fresh = solve_triangular(factor, goal - usual, lower=True)
    past = goal - np.diag(factor)[:, None] * fresh
    ahead = usual + solve_triangular(factor, covariance[:-1, -1], lower=True) @ fresh
    found = np.concatenate([ahead[None], past]).clip(-FARTHEST, FARTHEST)
    prices: Array = middle + unit * np.sinh(found)
    return prices[0], prices[1:]


def _inputs(table: PriceTable, hourly: Array, until: int) -> Array:
    """(until, F) what is known of each day before `until`, scaled to its weight in the squared distance."""
    parts = [_weighted(shifted(hourly, lag + table.lead)[:until], weight) for lag, weight in PRICE_LAGS.items()]
    outside = list(np.moveaxis(table.outside[:until], 2, 0))
    if outside:
        if len(outside) == 2:
            outside.append(outside[0] - outside[1])
        joined = np.concatenate(outside, axis=1)
        standard = ((joined - np.median(joined, axis=0)) / (joined.std(axis=0) + 1e-9)).clip(-FARTHEST, FARTHEST)
        parts += [_weighted(shifted(standard, lag), weight) for lag, weight in REGRESSOR_LAGS.items()]
    weekend = table.weekday[:until, None] == np.array([5, 6])
    return np.concatenate([*parts, np.sqrt(WEEKDAY) * table.dummies[:until], np.sqrt(WEEKEND) * weekend], axis=1)


def _weighted(values: Array, weight: float) -> Array:
    centred = values - values.mean(axis=0)
    scaled: Array = centred / (centred.std(axis=0).mean() + 1e-9) * np.sqrt(weight / values.shape[1])
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
