"""Loads by Gaussian process regression: days that a series enters alike go on alike.

What a series missed or gained against its usual month on the last whole days, a week ago and in the last hours before
the issue, the weekday and the season, and where they are admitted the regressors of the day, say how alike two days
are: a shop that opened at noon, a heat wave, a shift that stopped. One covariance of the days a series; its Cholesky
factor gives, besides the day ahead, what would have been said of every past day (`weather_kernel`).
"""

import numpy as np

from forecasting.kernels.arrays import Floats
from forecasting.kernels.day_states import BLOCKS, day_states, season_distance
from forecasting.kernels.naive import Days, lagged
from forecasting.kernels.persistence import long_mean

USUAL_DAYS = 28
WEEK, WEEKDAY, DAY_TYPE = 0.5, 0.4, 0.6
REGRESSOR_LAGS = {0: 4.0, 1: 1.4}  # days back: what all regressors together weigh in the squared distance
SEASON, REACH = 0.3, 2.0  # distance of opposite seasons; distance at which days are no longer alike
LEVEL, LINEAR, NOISE = 0.2, 0.2, 0.5  # beside a bell of height 1
FADING, FADING_YEARS = 0.3, 1.0
FARTHEST = 4.0  # usual day means
LONGEST_DAYS = 550  # time grows with their cube


def with_habits(days: Days, members: Floats, outside: Floats | None = None) -> Floats:
    """members (M, N, D, S) and after them the process and its mean with the last of them; outside (K, D, S)."""
    found = habit_days(days, outside)
    return np.concatenate([members, found[None], ((members[-1] + found) / 2)[None]])


def without_habits(members: Floats) -> Floats:
    """members as they were before `with_habits`."""
    return members[:-2]


def habit_days(days: Days, outside: Floats | None = None) -> Floats:
    """(N, D, S) forecasts of every day, each from what was known at its own issue.

    outside (K, D, S) : regressors known in advance, complete.
    """
    usual = long_mean(days, USUAL_DAYS)
    known = days.values[:, : max(days.issue_day, 1)]
    floor = np.float32(1e-3) * np.abs(known).max(axis=(1, 2))[:, None, None] + np.float32(1e-9)
    level = np.maximum(np.abs(usual).mean(axis=2, keepdims=True), floor)
    beyond = np.clip((days.values - usual) / level, -FARTHEST, FARTHEST)
    found = usual + level * _ahead(days, beyond, _common(days, outside))
    low, high = known.min(axis=(1, 2))[:, None, None], known.max(axis=(1, 2))[:, None, None]
    limited: Floats = np.clip(found, np.minimum(low, 0), high).astype(np.float32)
    return limited


def _ahead(days: Days, beyond: Floats, common: Floats) -> Floats:
    """(N, D, S) what each day is expected to have beyond the usual, nothing before the last LONGEST_DAYS. Series by
    series: their covariances stay small.
    """
    from scipy.linalg.blas import dtrsm
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    found, first = np.zeros_like(beyond), max(len(common) - LONGEST_DAYS, 0)
    common, beyond, state = common[first:], beyond[:, first:], day_states(days, beyond, week_weight=WEEK)[:, first:]
    state /= np.sqrt((state**2).sum(axis=2).mean(axis=1) + 1e-12)[:, None, None]
    alike, (season, years) = common @ common.T, season_distance(len(common), SEASON)
    fading, known = 1 - FADING + FADING * np.exp(-years / FADING_YEARS), np.tri(len(common), k=-1 - days.lead)
    noise = NOISE * np.eye(len(common))
    with threadpool_limits(1):  # small matrices: threads would wait for each other
        for row, (one, goal) in enumerate(zip(state, beyond, strict=True)):
            factor = np.linalg.cholesky(_covariance(one @ one.T + alike, season) * fading + noise)
            found[row, first:] = (factor * known) @ dtrsm(1.0, factor, goal, lower=True)
    return found


def _covariance(product: Floats, season: Floats) -> Floats:
    """(D, D) of days whose states have this product."""
    size = np.diag(product)
    squared = size[:, None] + size[None] - 2 * product + season
    found: Floats = LEVEL + LINEAR * product + np.exp(squared / (-2 * REACH**2))
    return found


def _common(days: Days, outside: Floats | None) -> Floats:
    """(D, F) what is known of a day whatever the series: its weekday, its type, the regressors."""
    n_days = days.values.shape[1]
    parts = [np.sqrt(WEEKDAY) * np.eye(7)[np.arange(n_days) % 7], np.sqrt(DAY_TYPE) * np.eye(3)[days.types.clip(0, 2)]]
    if outside is not None and len(outside):
        blocks = outside.reshape(len(outside), n_days, BLOCKS, -1).mean(axis=3)
        spread = blocks.std(axis=(1, 2), keepdims=True) + 1e-9
        standard = ((blocks - blocks.mean(axis=(1, 2), keepdims=True)) / spread).clip(-FARTHEST, FARTHEST)
        for lag, weight in REGRESSOR_LAGS.items():
            scaled = lagged(standard, lag) * np.sqrt(weight / (BLOCKS * len(outside)))
            parts.append(scaled.swapaxes(0, 1).reshape(n_days, -1))
    return np.concatenate(parts, axis=1)
