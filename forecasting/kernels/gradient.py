"""L3 of the ladder: one global gradient model per class of series, for the mean and three quantiles.

The target is the deviation from the L1 profile in units of the series' level, so the trees only learn what the profile
misses. Histogram gradient boosting, Ke et al. (2017), "LightGBM", NeurIPS 30, fitted by scikit-learn and kept as plain
numbers (`trees.py`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.arrays import Floats
from forecasting.kernels.trees import Trees, from_sklearn

LEVELS = np.array([0.1, 0.5, 0.9])
TARGET_CAP = 8.0  # levels; one outlier must not own a leaf
LEAST_ROWS = 500


@dataclass(frozen=True)
class GradientModel:
    """Trees of one class for the mean and each of LEVELS; columns (C,) of the `width` features that they see."""

    mean: Trees
    quantiles: tuple[Trees, ...]
    columns: NDArray[np.int64]
    width: int
    rows: int


def fit(features: Floats, target: Floats, *, seed: int, rounds: int = 60, leaves: int = 12) -> GradientModel | None:
    """Fit mean and quantiles on rows (R, F) and scaled deviations (R,); None if fewer than 500 rows are usable."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    usable = np.isfinite(target)
    if usable.sum() < LEAST_ROWS:
        return None
    columns = informative(features[usable])
    if not len(columns):
        return None
    rows, goal = features[usable][:, columns], np.clip(target[usable], -TARGET_CAP, TARGET_CAP)
    shared = {
        "max_iter": rounds,
        "max_leaf_nodes": leaves,
        "learning_rate": 0.12,
        "min_samples_leaf": int(np.clip(len(goal) // 200, 20, 150)),
        "l2_regularization": 5.0,
        "early_stopping": False,
        "random_state": seed,
        "max_bins": 64,
    }
    mean = HistGradientBoostingRegressor(**shared).fit(rows, goal)
    quantiles = tuple(
        from_sklearn(HistGradientBoostingRegressor(loss="quantile", quantile=float(level), **shared).fit(rows, goal))
        for level in LEVELS
    )
    return GradientModel(from_sklearn(mean), quantiles, columns, features.shape[1], len(goal))


def predict_mean(model: GradientModel, features: Floats) -> Floats:
    """Mean deviation (...,) in levels, for features (..., F)."""
    return model.mean.predict(_by_column(model, features)).astype(np.float32).reshape(features.shape[:-1])


def predict_quantiles(model: GradientModel, features: Floats) -> Floats:
    """Sorted quantile deviations (..., Q) in levels, for features (..., F)."""
    columns = _by_column(model, features)
    found = np.stack([one.predict(columns) for one in model.quantiles], axis=-1).astype(np.float32)
    return np.sort(found, axis=-1).reshape(*features.shape[:-1], len(model.quantiles))


def informative(rows: Floats) -> NDArray[np.int64]:
    """Columns with at least two different values; a short history leaves some features empty."""
    highest = np.where(np.isfinite(rows), rows, -np.inf).max(axis=0)
    lowest = np.where(np.isfinite(rows), rows, np.inf).min(axis=0)
    return np.flatnonzero(highest > lowest)


def sample_rows(n_rows: int, wanted: int, *, seed: int) -> NDArray[np.int64]:
    """Indices of a seeded sample without replacement; all rows if fewer than wanted."""
    if n_rows <= wanted:
        return np.arange(n_rows)
    return np.sort(np.random.default_rng(seed).choice(n_rows, size=wanted, replace=False))


def _by_column(model: GradientModel, features: Floats) -> NDArray[np.float32]:
    flat = features.reshape(-1, features.shape[-1])
    return np.ascontiguousarray(flat[:, model.columns].T, dtype=np.float32)
