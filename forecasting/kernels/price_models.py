"""Models of day-ahead prices: boosting on deviations from the last week, and LEAR, one Lasso an hour."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.price_arma import ArmaModel, arma_prices, fit_arma
from forecasting.kernels.price_table import PriceTable, by_hour

Array = NDArray[np.float64]

SHORTEST_DAYS, SHORT_DAYS = 56, 364
EXPECTED_DAYS = 60  # before them what another model expects is still a guess
TARGET_CAP = 12.0
ROUNDS = 200
SEED = 1


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


def fit_models(table: PriceTable, until: int, expected: Array) -> PriceModels:
    """All members on the days before `until`; LEAR on eight weeks, a year and all, where there is that much.

    expected (until, 24): what was to be expected of these days by another model that had not seen them.
    """
    days = np.arange(min(14, until // 3), until)
    lengths = [length for length in (SHORTEST_DAYS, SHORT_DAYS) if len(days) > length + 28]
    spans = [*(days[-length:] for length in lengths), days]
    settled = np.arange(min(EXPECTED_DAYS, until // 3), until) if table.outside.shape[2] else days
    boosted = [_boosting(table, settled, expected[settled], loss) for loss in ("squared_error", "absolute_error")]
    arma = fit_arma(by_hour(table.prices), table.outside, table.weekday, until)
    return PriceModels(boosted, [_lear(table, span) for span in spans], arma)


def predict(models: PriceModels, table: PriceTable, wanted: NDArray[np.int64], expected: Array) -> Array:
    """(3, V, S) prices by boosting, by the linear models together, and by regression with ARMA errors.

    expected (V, 24): what the other model expects of the wanted days.
    """
    rows = _boosted_rows(table, wanted, expected)
    shape = (len(wanted), table.prices.shape[1])
    boosted = np.mean([unit * model.predict(rows).reshape(shape) for unit, model in models.boosted], axis=0)
    base = table.base[wanted]
    per_hour = shape[1] // 24
    linear = np.mean([_linear_prices(model, table, wanted) for model in models.linear], axis=0)
    arma = arma_prices(models.arma, by_hour(table.prices), table.outside, table.weekday, wanted, table.lead)
    shape_in_hour = (base + boosted) - np.repeat(by_hour(base + boosted), per_hour, axis=1)
    hourly = [np.repeat(one, per_hour, axis=1) + shape_in_hour for one in (linear, arma)]
    return np.stack([base + boosted, *hourly])


def _boosted_rows(table: PriceTable, days: NDArray[np.int64], expected: Array) -> Array:
    """(V S, F) the table's columns and, with regressors, how far the expected prices (V, 24) lie from last week's mean.

    Without regressors both see nothing but late prices, and agreement takes from the blend what variety gave it.
    """
    rows = table.boosted[days]
    if table.outside.shape[2]:
        beyond = np.repeat(expected - by_hour(table.base[days]), table.prices.shape[1] // 24, axis=1)
        rows = np.concatenate([rows, beyond[..., None]], axis=2)
    return rows.reshape(-1, rows.shape[2])


def _boosting(table: PriceTable, days: NDArray[np.int64], expected: Array, loss: str) -> tuple[float, Any]:
    from sklearn.ensemble import HistGradientBoostingRegressor

    goal = (table.prices - table.base)[days]
    unit = float(np.median(np.abs(goal))) + 1e-9
    model = HistGradientBoostingRegressor(
        loss=loss, max_iter=ROUNDS, learning_rate=0.05, max_leaf_nodes=15, min_samples_leaf=30, l2_regularization=5.0,
        max_features=0.5, max_bins=128, early_stopping=False, random_state=SEED,
    )  # fmt: skip
    rows = _boosted_rows(table, days, expected)
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
