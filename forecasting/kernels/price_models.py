"""Tables and models of day-ahead prices: boosting on deviations from the last week, and LEAR, one Lasso an hour."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.price_arma import ArmaModel, arma_prices, fit_arma

Array = NDArray[np.float64]

SHORTEST_DAYS, SHORT_DAYS = 56, 364
LAGS = (1, 2, 3, 7, 14)
TARGET_CAP = 12.0
ROUNDS = 200
SEED = 1


@dataclass(frozen=True)
class PriceTable:
    """prices (D, S), base (D, S) mean of the last week, boosted (D, S, F), wide (D, G) and weekday dummies (D, 7).

    Row d holds only what is known when day d is forecast. spread (D,): mean deviation within the week before.
    outside (D, 24, K): regressors by the hour, known in advance; weekday (D,); lead: unknown days before each day.
    """

    prices: Array
    base: Array
    boosted: Array
    wide: Array
    dummies: Array
    spread: Array
    outside: Array
    weekday: NDArray[np.int64]
    lead: int


@dataclass(frozen=True)
class PriceModels:
    boosted: list[tuple[float, Any]]
    linear: list["LinearModel"]
    arma: ArmaModel


@dataclass(frozen=True)
class LinearModel:
    """(intercept (H,), coefficients (H, G)) for standardised wide rows, of prices on an asinh scale."""

    centre: Array
    scale: Array
    middle: float
    unit: float
    intercept: Array
    coefficients: Array


def price_table(prices: Array, regressors: Array, weekday: NDArray[np.int64], lead: int) -> PriceTable:
    """prices (D, S), regressors (D, S, K); lead: days between the first unknown day and the forecast one."""
    n_days, n_slots = prices.shape
    week = np.stack([shifted(prices, lag + lead) for lag in range(1, 8)])
    base, before = week.mean(axis=0), shifted(prices, 1 + lead)
    columns = [shifted(prices, lag + lead) - base for lag in LAGS]
    columns += [week.std(axis=0), week.min(axis=0) - base, week.max(axis=0) - base, base]
    evening = before[:, 3 * n_slots // 4 :]
    daily = [
        before.mean(1), before.min(1), before.max(1), before[:, -1], evening.mean(1), base.mean(1),
        before.mean(1) - shifted(prices, 2 + lead).mean(1), before.mean(1) - shifted(prices, 7 + lead).mean(1),
    ]  # fmt: skip
    columns += [np.repeat(one[:, None], n_slots, axis=1) for one in daily]
    outside = list(np.moveaxis(regressors, 2, 0))
    if len(outside) == 2:
        outside.append(outside[0] - outside[1])
    hour = max(n_slots // 24, 1)
    for one in outside:
        usual = np.mean([shifted(one, lag) for lag in range(1, 8)], axis=0)
        columns += [one, one - shifted(one, 1), one - shifted(one, 7), one - usual]
        columns += [np.roll(one, hour, axis=1) - one, np.roll(one, -hour, axis=1) - one]
        columns += [np.repeat(part[:, None], n_slots, axis=1) for part in (one.mean(1), (one - usual).mean(1))]
    columns += [np.repeat(np.arange(n_slots)[None], n_days, axis=0), np.repeat(weekday[:, None], n_slots, axis=1)]
    hourly = [by_hour(shifted(prices, lag + lead)) for lag in LAGS[:4]]
    for one in np.moveaxis(regressors, 2, 0):
        hourly += [by_hour(shifted(one, lag)) for lag in (0, 1, 7)]
    spread = np.abs(week - base).mean(axis=(0, 2))
    stacked = np.stack([np.asarray(column, dtype=float) for column in columns], axis=2)
    each_hour = (
        np.stack([by_hour(one) for one in np.moveaxis(regressors, 2, 0)], axis=2)
        if regressors.shape[2]
        else (np.zeros((n_days, 24, 0)))
    )
    wide = np.concatenate(hourly, axis=1)
    return PriceTable(prices, base, stacked, wide, np.eye(7)[weekday], spread, each_hour, weekday, lead)


def fit_models(table: PriceTable, until: int) -> PriceModels:
    """All members on the days before `until`; LEAR on eight weeks, a year and all, where there is that much."""
    days = np.arange(min(14, until // 3), until)
    lengths = [length for length in (SHORTEST_DAYS, SHORT_DAYS) if len(days) > length + 28]
    spans = [*(days[-length:] for length in lengths), days]
    boosted = [_boosting(table, days, loss) for loss in ("squared_error", "absolute_error")]
    arma = fit_arma(by_hour(table.prices), table.outside, table.weekday, until)
    return PriceModels(boosted, [_lear(table, span) for span in spans], arma)


def predict(models: PriceModels, table: PriceTable, wanted: NDArray[np.int64]) -> Array:
    """(3, V, S) prices by boosting, by the linear models together, and by regression with ARMA errors."""
    rows = table.boosted[wanted].reshape(-1, table.boosted.shape[2])
    shape = (len(wanted), table.prices.shape[1])
    boosted = np.mean([unit * model.predict(rows).reshape(shape) for unit, model in models.boosted], axis=0)
    base = table.base[wanted]
    per_hour = shape[1] // 24
    linear = np.mean([_linear_prices(model, table, wanted) for model in models.linear], axis=0)
    arma = arma_prices(models.arma, by_hour(table.prices), table.outside, table.weekday, wanted, table.lead)
    shape_in_hour = (base + boosted) - np.repeat(by_hour(base + boosted), per_hour, axis=1)
    hourly = [np.repeat(one, per_hour, axis=1) + shape_in_hour for one in (linear, arma)]
    return np.stack([base + boosted, *hourly])


def _boosting(table: PriceTable, days: NDArray[np.int64], loss: str) -> tuple[float, Any]:
    from sklearn.ensemble import HistGradientBoostingRegressor

    goal = (table.prices - table.base)[days]
    unit = float(np.median(np.abs(goal))) + 1e-9
    model = HistGradientBoostingRegressor(
        loss=loss, max_iter=ROUNDS, learning_rate=0.05, max_leaf_nodes=15, min_samples_leaf=30, l2_regularization=5.0,
        max_features=0.5, max_bins=128, early_stopping=False, random_state=SEED,
    )  # fmt: skip
    rows = table.boosted[days].reshape(-1, table.boosted.shape[2])
    model.fit(rows, np.clip(goal / unit, -TARGET_CAP, TARGET_CAP).ravel())
    return unit, model


def _lear(table: PriceTable, days: NDArray[np.int64]) -> LinearModel:
    """One Lasso an hour on asinh prices, its penalty by Akaike's criterion."""
    from sklearn.linear_model import LassoLarsIC

    hourly = by_hour(table.prices)[days]
    middle = float(np.median(hourly))
    unit = 1.4826 * float(np.median(np.abs(hourly - middle))) + 1e-9
    centre, scale = np.median(table.wide[days], axis=0), table.wide[days].std(axis=0) + 1e-9
    model = LinearModel(centre, scale, middle, unit, np.zeros(24), np.zeros((24, table.wide.shape[1] + 7)))
    rows, goal = _linear_rows(model, table, days), np.arcsinh((hourly - middle) / unit)
    enough = len(days) > rows.shape[1] + 30
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for hour in range(24):
            noise = None if enough else _noise(rows, goal[:, hour])
            fitted = LassoLarsIC(criterion="aic", max_iter=300, noise_variance=noise).fit(rows, goal[:, hour])
            model.intercept[hour], model.coefficients[hour] = fitted.intercept_, fitted.coef_
    return model


def _noise(rows: Array, goal: Array) -> float:
    """Variance that a ridge regression leaves where there are fewer rows than a plain one could do with."""
    centred = rows - rows.mean(axis=0)
    left = goal - goal.mean()
    weights = np.linalg.solve(centred @ centred.T + len(goal) * np.eye(len(goal)), left)
    return float(np.var(left - centred @ (centred.T @ weights))) + 1e-12


def _linear_rows(model: LinearModel, table: PriceTable, days: NDArray[np.int64]) -> Array:
    standard = (_scaled(table.wide[days], model)).clip(-6, 6)
    return np.concatenate([standard, table.dummies[days]], axis=1)


def _scaled(wide: Array, model: LinearModel) -> Array:
    found: Array = np.arcsinh((wide - model.centre) / model.scale)
    return found


def _linear_prices(model: LinearModel, table: PriceTable, wanted: NDArray[np.int64]) -> Array:
    """(V, 24) hourly prices."""
    found = _linear_rows(model, table, wanted) @ model.coefficients.T + model.intercept
    prices: Array = model.middle + model.unit * np.sinh(np.clip(found, -6, 6))
    return prices


def by_hour(values: Array) -> Array:
    """(..., S) to (..., 24) hourly means."""
    found: Array = values.reshape(*values.shape[:-1], 24, -1).mean(axis=-1)
    return found


def shifted(values: Array, days: int) -> Array:
    """Value of `days` days before; the first days repeat the first."""
    index = np.maximum(np.arange(len(values)) - days, 0)
    return values[index]
