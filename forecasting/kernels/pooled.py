"""Boosted quantiles of a class of series: what the blend of a day misses, in units of the series' level."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.arrays import Floats
from forecasting.kernels.gradient import TARGET_CAP, informative, sample_rows
from forecasting.kernels.naive import Days
from forecasting.kernels.own_bands import bounded

LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
MEMORY_DAYS = 28


@dataclass(frozen=True)
class Known:
    """A class as known at an issue: days, members (M, N, D, S), blend (N, D, S), level_kw (N,), weekday (D,).

    outside (K, D, S): admitted regressors of the day and their deviations from the week before, known in advance.
    """

    days: Days
    members: Floats
    blend: Floats
    level_kw: Floats
    weekday: NDArray[np.int64]
    outside: Floats


@dataclass(frozen=True)
class PooledModel:
    quantiles: tuple[object, ...]
    columns: NDArray[np.int64]


def features(known: Known, day: int, series: NDArray[np.int64]) -> Floats:
    """(n, S, F) of one day, from what was known at its own issue."""
    days, blend = known.days, known.blend[series, day]
    values, members = days.values[series], known.members[:, series, day]
    n_slots, first = values.shape[2], days.lead + 1
    hour = max(n_slots // 24, 1)
    week = values[:, max(day - first - 6, 0) : max(day - first + 1, 1)]
    mean7 = members[2]
    morning = (values[:, max(day - days.lead, 0)] - mean7)[:, : days.issue_slot]
    if not days.issue_slot:
        morning = np.zeros((len(series), 1), dtype=np.float32)
    past = slice(max(day - MEMORY_DAYS, 0), max(day - days.lead, 1))
    missed = np.abs(values[:, past] - known.blend[series, past])
    by_slot = [
        blend, *members[:7], *members[8:], members[:7].std(axis=0),
        week.std(axis=1), week.min(axis=1), week.max(axis=1),
        values[:, max(day - first, 0)], values[:, max(day - 14, 0)] if first <= 14 else mean7,
        np.roll(mean7, hour, axis=1), np.roll(mean7, -hour, axis=1),
        np.roll(blend, hour, axis=1), np.roll(blend, -hour, axis=1), missed.mean(axis=1),
    ]  # fmt: skip
    by_series = [
        morning.mean(axis=1), morning[:, -4 * hour :].mean(axis=1), members[1].mean(axis=1), week.mean(axis=(1, 2)),
        values[:, max(day - first, 0)].mean(axis=1),
    ]  # fmt: skip
    shape = blend.shape
    scaled = [*by_slot, *(np.broadcast_to(one[:, None], shape) for one in by_series)]
    columns = [one / known.level_kw[series, None] for one in scaled]
    columns += [np.broadcast_to(np.arange(n_slots)[None], shape), np.full(shape, known.weekday[day])]
    columns += [np.full(shape, days.types[day]), np.broadcast_to((week == 0).mean(axis=(1, 2))[:, None], shape)]
    columns += [np.broadcast_to(one[day][None], shape) for one in known.outside]
    return np.stack(columns, axis=2).astype(np.float32)


def fit(known: Known, days: NDArray[np.int64], *, rows: int, rounds: int, seed: int) -> PooledModel | None:
    """Boosted quantiles of the deviation from the blend on some days; None where there is too little to learn."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    n_series, _, n_slots = known.days.values.shape
    per_day = int(np.clip(2 * rows // max(len(days) * n_slots, 1), min(n_series, 4), n_series))
    inputs, goals = [], []
    for place, day in enumerate(days):
        series = sample_rows(n_series, per_day, seed=seed + 7919 * place)
        use = known.days.seen[series, day]
        inputs.append(features(known, int(day), series)[use])
        deviation = known.days.values[series, day] - known.blend[series, day]
        goals.append((deviation / known.level_kw[series, None])[use])
    if sum(map(len, goals)) < 500:
        return None
    table, goal = np.concatenate(inputs), np.clip(np.concatenate(goals), -TARGET_CAP, TARGET_CAP)
    chosen = sample_rows(len(goal), rows, seed=seed)
    table, goal = table[chosen], goal[chosen]
    columns = informative(table)
    settings = {
        "max_iter": rounds, "max_leaf_nodes": 12, "learning_rate": 0.09, "l2_regularization": 5.0, "max_bins": 48,
        "min_samples_leaf": int(np.clip(len(goal) // 200, 20, 150)), "max_features": 0.5, "early_stopping": False,
        "random_state": seed,
    }  # fmt: skip
    models = tuple(
        HistGradientBoostingRegressor(loss="quantile", quantile=level, **settings).fit(table[:, columns], goal)
        for level in LEVELS
    )
    return PooledModel(models, columns)


def deciles(model: PooledModel, known: Known, day: int) -> Floats:
    """(N, S, 9) deciles of one day."""
    n_series, _, n_slots = known.days.values.shape
    series = np.arange(n_series)
    rows = features(known, day, series).reshape(n_series * n_slots, -1)[:, model.columns]
    five = [one.predict(rows).reshape(n_series, n_slots) for one in model.quantiles]  # type: ignore[attr-defined]
    ordered = np.sort(np.stack(five, axis=2), axis=2)
    out = np.empty((n_series, n_slots, 9), dtype=np.float32)
    out[..., ::2] = ordered
    out[..., 1::2] = (ordered[..., 1:] + ordered[..., :-1]) / 2
    scaled: Floats = known.blend[:, day, :, None] + out * known.level_kw[:, None, None]
    return bounded(scaled, known.days)
