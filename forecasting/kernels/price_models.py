"""Tables and models of day-ahead prices: boosting on deviations from the last week, and LEAR, one Lasso an hour."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SHORT_DAYS = 364
LAGS = (1, 2, 3, 7, 14)
TARGET_CAP = 12.0
SEED = 1
LEAST_PENALTY = 1e-4


@dataclass(frozen=True)
class PriceTable:
    """prices (D, S), base (D, S) mean of the last week, boosted (D, S, F), wide (D, G) and weekday dummies (D, 7).

    Row d holds only what is known when day d is forecast. spread (D,): mean deviation within the week before.
    """

    prices: Array
    base: Array
    boosted: Array
    wide: Array
    dummies: Array
    spread: Array


@dataclass(frozen=True)
class PriceModels:
    boosted: list[tuple[float, Any]]
    linear: list["LinearModel"]


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
    week = np.stack([_shift(prices, lag + lead) for lag in range(1, 8)])
    base, before = week.mean(axis=0), _shift(prices, 1 + lead)
    columns = [_shift(prices, lag + lead) - base for lag in LAGS]
    columns += [week.std(axis=0), week.min(axis=0) - base, week.max(axis=0) - base, base]
    evening = before[:, 3 * n_slots // 4 :]
    daily = [
        before.mean(1), before.min(1), before.max(1), before[:, -1], evening.mean(1), base.mean(1),
        before.mean(1) - _shift(prices, 2 + lead).mean(1), before.mean(1) - _shift(prices, 7 + lead).mean(1),
    ]  # fmt: skip
    columns += [np.repeat(one[:, None], n_slots, axis=1) for one in daily]
    outside = list(np.moveaxis(regressors, 2, 0))
    if len(outside) == 2:
        outside.append(outside[0] - outside[1])
    hour = max(n_slots // 24, 1)
    for one in outside:
        usual = np.mean([_shift(one, lag) for lag in range(1, 8)], axis=0)
        columns += [one, one - _shift(one, 1), one - _shift(one, 7), one - usual]
        columns += [np.roll(one, hour, axis=1) - one, np.roll(one, -hour, axis=1) - one]
        columns += [np.repeat(part[:, None], n_slots, axis=1) for part in (one.mean(1), (one - usual).mean(1))]
    columns += [np.repeat(np.arange(n_slots)[None], n_days, axis=0), np.repeat(weekday[:, None], n_slots, axis=1)]
    hourly = [_by_hour(_shift(prices, lag + lead)) for lag in LAGS[:4]]
    for one in np.moveaxis(regressors, 2, 0):
        hourly += [_by_hour(_shift(one, lag)) for lag in (0, 1, 7)]
    spread = np.abs(week - base).mean(axis=(0, 2))
    stacked = np.stack([np.asarray(column, dtype=float) for column in columns], axis=2)
    return PriceTable(prices, base, stacked, np.concatenate(hourly, axis=1), np.eye(7)[weekday], spread)


def fit_models(table: PriceTable, until: int) -> PriceModels:
    """All members on the days before `until`; a year and all where there is more than a year."""
    days = np.arange(min(14, until // 3), until)
    spans = [days] if len(days) <= SHORT_DAYS + 28 else [days[-SHORT_DAYS:], days]
    boosted = [_boosting(table, days, loss) for loss in ("squared_error", "absolute_error")]
    return PriceModels(boosted, [_lear(table, span) for span in spans])


def predict(models: PriceModels, table: PriceTable, wanted: NDArray[np.int64]) -> Array:
    """(V, S) mean of boosting and of the linear models, half each."""
    rows = table.boosted[wanted].reshape(-1, table.boosted.shape[2])
    shape = (len(wanted), table.prices.shape[1])
    boosted = np.mean([unit * model.predict(rows).reshape(shape) for unit, model in models.boosted], axis=0)
    base = table.base[wanted]
    per_hour = shape[1] // 24
    linear = np.mean([_linear_prices(model, table, wanted) for model in models.linear], axis=0)
    spread = (base + boosted) - np.repeat(_by_hour(base + boosted), per_hour, axis=1)  # quarter-hour shape
    found: Array = 0.5 * (base + boosted) + 0.5 * (np.repeat(linear, per_hour, axis=1) + spread)
    return found


def _boosting(table: PriceTable, days: NDArray[np.int64], loss: str) -> tuple[float, Any]:
    from sklearn.ensemble import HistGradientBoostingRegressor

    goal = (table.prices - table.base)[days]
    unit = float(np.median(np.abs(goal))) + 1e-9
    model = HistGradientBoostingRegressor(
        loss=loss, max_iter=200, learning_rate=0.05, max_leaf_nodes=15, min_samples_leaf=30, l2_regularization=5.0,
        max_features=0.5, max_bins=128, early_stopping=False, random_state=SEED,
    )  # fmt: skip
    rows = table.boosted[days].reshape(-1, table.boosted.shape[2])
    model.fit(rows, np.clip(goal / unit, -TARGET_CAP, TARGET_CAP).ravel())
    return unit, model


def _lear(table: PriceTable, days: NDArray[np.int64]) -> LinearModel:
    """One Lasso an hour on asinh prices, its penalty by Akaike's criterion where there are rows enough for it."""
    from sklearn.linear_model import Lasso, LassoLarsIC

    hourly = _by_hour(table.prices)[days]
    middle = float(np.median(hourly))
    unit = 1.4826 * float(np.median(np.abs(hourly - middle))) + 1e-9
    centre, scale = np.median(table.wide[days], axis=0), table.wide[days].std(axis=0) + 1e-9
    model = LinearModel(centre, scale, middle, unit, np.zeros(24), np.zeros((24, table.wide.shape[1] + 7)))
    rows, goal = _linear_rows(model, table, days), np.arcsinh((hourly - middle) / unit)
    enough = len(days) > rows.shape[1] + 30
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for hour in range(24):
            penalty = 0.02
            if enough:
                penalty = LassoLarsIC(criterion="aic", max_iter=300).fit(rows, goal[:, hour]).alpha_
            fitted = Lasso(alpha=max(penalty, LEAST_PENALTY), max_iter=1000, tol=1e-3).fit(rows, goal[:, hour])
            model.intercept[hour], model.coefficients[hour] = fitted.intercept_, fitted.coef_
    return model


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


def _by_hour(values: Array) -> Array:
    return values.reshape(len(values), 24, -1).mean(axis=2)


def _shift(values: Array, days: int) -> Array:
    """Value of `days` days before; the first days repeat the first."""
    index = np.maximum(np.arange(len(values)) - days, 0)
    return values[index]
