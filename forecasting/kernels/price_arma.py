"""Regression with ARMA errors for prices: calendar and published regressors, and what is left as a seasonal ARIMA.

Fitted weekly, filtered nightly: the parameters stay, the errors of the last days are new every day.
Box, Jenkins & Reinsel, "Time Series Analysis", 4th ed., chapter 9.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels import arima

Array = NDArray[np.float64]

FIT_DAYS = 180
RIDGE = 3.0
FARTHEST = 6.0  # on the asinh scale


@dataclass(frozen=True)
class ArmaModel:
    """Coefficients of the regression of asinh prices ((price - middle) / unit), and the ARIMA of its errors."""

    middle: float
    unit: float
    centre: Array
    scale: Array
    coefficients: Array
    parameters: arima.ArimaParameters


def fit_arma(hourly: Array, outside: Array, weekday: NDArray[np.int64], until: int) -> ArmaModel:
    """hourly (D, 24) prices, outside (D, 24, K) regressors, weekday (D,); the days before `until` are known."""
    days = np.arange(max(0, until - FIT_DAYS), until)
    middle = float(np.median(hourly[days]))
    unit = 1.4826 * float(np.median(np.abs(hourly[days] - middle))) + 1e-9
    flat = outside[days].reshape(len(days) * 24, -1)
    centre, scale = flat.mean(axis=0), flat.std(axis=0) + 1e-9
    rows = _rows(outside[days], weekday[days], centre, scale)
    goal = np.arcsinh((hourly[days] - middle) / unit).ravel()
    centre_of_goal = rows.T @ goal
    coefficients = np.linalg.solve(rows.T @ rows + RIDGE * np.eye(rows.shape[1]), centre_of_goal)
    parameters, _ = arima.fit(goal - rows @ coefficients, max_iterations=0)
    return ArmaModel(middle, unit, centre, scale, np.asarray(coefficients, dtype=np.float64), parameters)


def arma_prices(
    model: ArmaModel, hourly: Array, outside: Array, weekday: NDArray[np.int64], wanted: NDArray[np.int64], lead: int
) -> Array:
    """(V, 24) prices of the wanted days, each from the days before it but for the last `lead`."""
    first = max(0, int(wanted[0]) - lead - FIT_DAYS) if len(wanted) else 0
    last = int(wanted[-1]) + 1 if len(wanted) else 0
    rows = _rows(outside[first:last], weekday[first:last], model.centre, model.scale)
    usual = (rows @ model.coefficients).reshape(-1, 24)
    errors = np.arcsinh((hourly[first:last] - model.middle) / model.unit) - usual
    found = np.empty((len(wanted), 24))
    for place, day in enumerate(wanted - first):
        known = errors[: max(int(day) - lead, 0)].ravel()
        ahead = arima.forecast(known, model.parameters, 24 * (lead + 1))[-24:]
        found[place] = usual[int(day)] + ahead
    prices: Array = model.middle + model.unit * np.sinh(np.clip(found, -FARTHEST, FARTHEST))
    return prices


def _rows(outside: Array, weekday: NDArray[np.int64], centre: Array, scale: Array) -> Array:
    """(D * 24, 72 + 2 K): hour by day type, and each regressor with its square."""
    kind = np.where(weekday < 5, 0, weekday - 4)
    shape = np.eye(72)[(kind[:, None] * 24 + np.arange(24)[None]).ravel()]
    standard = np.clip((outside.reshape(len(shape), -1) - centre) / scale, -FARTHEST, FARTHEST)
    return np.concatenate([shape, standard, standard**2], axis=1)
