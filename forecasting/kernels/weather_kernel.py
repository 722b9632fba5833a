"""Sun and wind by Gaussian process regression: days that follow alike weather had alike power.

What all series of a class missed or gained against their usual month, on the last whole days and in the last hours
before the issue, is one state of the weather; one covariance of the days serves all series and slots. Dividing by the
usual day takes the season out of the sun. The Cholesky factor of the days in their order gives, besides the day ahead,
what would have been said of every past day: its rows stop short of the days that were not yet whole at their issue.
Rasmussen & Williams, "Gaussian Processes for Machine Learning" (2006), chapters 2 and 4.
"""

import numpy as np

from forecasting.kernels.arrays import Floats
from forecasting.kernels.naive import Days, blend_days, lagged
from forecasting.kernels.persistence import long_mean

USUAL_DAYS = 28
DAY_WEIGHTS = (1.0, 0.5, 0.3)  # of the last whole days before the issue in the squared distance
HOUR_WEIGHTS = (1.4, 0.4, 0.4, 0.4, 0.4)  # of the last hours, the newest first
BLOCKS = 8  # of three hours in a day
SEASON, REACH = 0.3, 1.0  # distance of opposite seasons; distance at which days are no longer alike
LEVEL, LINEAR, BELL, NOISE = 0.2, 0.2, 0.3, 1.0
FADING, FADING_YEARS = 0.3, 1.0
FARTHEST = 6.0  # usual day means
YEAR_DAYS = 365.25


def with_process(days: Days, members: Floats) -> Floats:
    """members (M, N, D, S), the persistence regression last, and after it the mean of that and the process."""
    return np.concatenate([members, ((members[-1] + kernel_days(days)) / 2)[None]])


def weather_blend(days: Days, members: Floats) -> Floats:
    """(N, D, S) the last of members, which is `with_process`'s, twice beside the blend of all, by what came true.

    The blend counts where a series is not like its class (a roof under repair).
    """
    return blend_days(days, np.stack([members[-1], members[-1], blend_days(days, members)]))


def kernel_days(days: Days) -> Floats:
    """(N, D, S) forecasts of every day, each from what was known at its own issue."""
    from scipy.linalg import cholesky, solve_triangular

    n_series, n_days, n_slots = days.values.shape
    usual = long_mean(days, USUAL_DAYS)
    known = days.values[:, : max(days.issue_day, 1)]
    floor = np.float32(1e-3) * known.max(axis=(1, 2))[:, None, None] + np.float32(1e-9)
    level = np.maximum(usual.mean(axis=2, keepdims=True), floor)
    beyond = np.clip((days.values - usual) / level, -FARTHEST, FARTHEST)
    factor = cholesky(_covariance(_state(days, beyond)) + NOISE * np.eye(n_days), lower=True)
    goal = beyond.swapaxes(0, 1).reshape(n_days, -1)
    fresh = solve_triangular(factor, goal, lower=True)
    ahead = np.tril(factor, -1 - days.lead).astype(np.float32) @ fresh.astype(np.float32)
    found = usual + level * ahead.reshape(n_days, n_series, n_slots).swapaxes(0, 1)
    low, high = known.min(axis=(1, 2))[:, None, None], known.max(axis=(1, 2))[:, None, None]
    limited: Floats = np.clip(found, np.minimum(low, 0), high).astype(np.float32)
    return limited


def _state(days: Days, beyond: Floats) -> Floats:
    """(D, F) what was known of the weather at each day's issue, of squared size 1 in the mean."""
    n_series, n_days, n_slots = beyond.shape
    blocks = beyond.reshape(n_series, n_days, BLOCKS, -1).mean(axis=3)
    parts = [lagged(blocks, days.lead + 1 + back) * np.sqrt(weight / BLOCKS) for back, weight in enumerate(DAY_WEIGHTS)]
    hour = max(n_slots // 24, 1)
    flat = np.concatenate([np.zeros((n_series, 1)), np.cumsum(beyond.reshape(n_series, -1), axis=1)], axis=1)
    end = (np.arange(n_days) - days.lead) * n_slots + days.issue_slot
    for back, weight in enumerate(HOUR_WEIGHTS):
        stop = np.maximum(end - back * hour, hour)
        parts.append(((flat[:, stop] - flat[:, stop - hour]) / hour * np.sqrt(weight))[..., None])
    state = np.concatenate(parts, axis=2).swapaxes(0, 1).reshape(n_days, -1).astype(np.float64)
    scaled: Floats = state / np.sqrt((state**2).sum(axis=1).mean() + 1e-12)
    return scaled


def _covariance(state: Floats) -> Floats:
    """(D, D) of days in their order with states (D, F)."""
    product, order = state @ state.T, np.arange(len(state))
    size, years = np.diag(product), np.abs(order[:, None] - order[None]) / YEAR_DAYS
    squared = size[:, None] + size[None] - 2 * product + 2 * SEASON * (1 - np.cos(2 * np.pi * years))
    alike = LEVEL + LINEAR * product + BELL * np.exp(-squared / (2 * REACH**2))
    found: Floats = alike * (1 - FADING + FADING * np.exp(-years / FADING_YEARS))
    return found
