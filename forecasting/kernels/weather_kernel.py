"""Sun and wind by Gaussian process regression: days that follow alike weather had alike power.

What all series of a class missed or gained against their usual month, on the last whole days and in the last hours
before the issue, is one state of the weather; one covariance of the days serves all series and slots. Dividing by the
usual day takes the season out of the sun. The Cholesky factor of the days in their order gives, besides the day ahead,
what would have been said of every past day: its rows stop short of the days that were not yet whole at their issue.
Rasmussen & Williams, "Gaussian Processes for Machine Learning" (2006), chapters 2 and 4.
"""

import numpy as np

from forecasting.kernels.arrays import Floats
from forecasting.kernels.day_states import day_states, season_distance
from forecasting.kernels.naive import Days, blend_days
from forecasting.kernels.persistence import long_mean

USUAL_DAYS = 28
SEASON, REACH = 0.3, 1.0  # distance of opposite seasons; distance at which days are no longer alike
LEVEL, LINEAR, BELL, NOISE = 0.2, 0.2, 0.3, 1.0
FADING, FADING_YEARS = 0.3, 1.0
FARTHEST = 6.0  # usual day means
LEAST_ALIKE = 1e-3  # of a day with other weather, for a band where no day was alike


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
    usual, level = _usual(days)
    beyond = np.clip((days.values - usual) / level, -FARTHEST, FARTHEST)
    factor = cholesky(_covariance(_state(days, beyond)) + NOISE * np.eye(n_days), lower=True)
    goal = beyond.swapaxes(0, 1).reshape(n_days, -1)
    fresh = solve_triangular(factor, goal, lower=True)
    ahead = np.tril(factor, -1 - days.lead).astype(np.float32) @ fresh.astype(np.float32)
    found = usual + level * ahead.reshape(n_days, n_series, n_slots).swapaxes(0, 1)
    known = days.values[:, : max(days.issue_day, 1)]
    low, high = known.min(axis=(1, 2))[:, None, None], known.max(axis=(1, 2))[:, None, None]
    limited: Floats = np.clip(found, np.minimum(low, 0), high).astype(np.float32)
    return limited


def alike_days(days: Days) -> Floats:
    """(D, D) how alike the weather was as each pair of days was forecast: 1 to next to nothing."""
    usual, level = _usual(days)
    state = _state(days, np.clip((days.values - usual) / level, -FARTHEST, FARTHEST))
    found: Floats = (np.exp(_squared(state @ state.T) / (-2 * REACH**2)) + LEAST_ALIKE).astype(np.float32)
    return found


def _usual(days: Days) -> tuple[Floats, Floats]:
    """(N, D, S) the mean of the month before each day, and (N, D, 1) the mean of that, never 0."""
    usual = long_mean(days, USUAL_DAYS)
    known = days.values[:, : max(days.issue_day, 1)]
    floor = np.float32(1e-3) * known.max(axis=(1, 2))[:, None, None] + np.float32(1e-9)
    return usual, np.maximum(usual.mean(axis=2, keepdims=True), floor)


def _squared(product: Floats) -> Floats:
    """(D, D) squared distance of states with this product."""
    size = np.diag(product)
    found: Floats = size[:, None] + size[None] - 2 * product
    return found


def _state(days: Days, beyond: Floats) -> Floats:
    """(D, F) what was known of the weather at each day's issue, of squared size 1 in the mean."""
    state = day_states(days, beyond).swapaxes(0, 1).reshape(beyond.shape[1], -1)
    scaled: Floats = state / np.sqrt((state**2).sum(axis=1).mean() + 1e-12)
    return scaled


def _covariance(state: Floats) -> Floats:
    """(D, D) of days in their order with states (D, F)."""
    product = state @ state.T
    season, years = season_distance(len(state), SEASON)
    alike = LEVEL + LINEAR * product + BELL * np.exp((_squared(product) + season) / (-2 * REACH**2))
    found: Floats = alike * (1 - FADING + FADING * np.exp(-years / FADING_YEARS))
    return found
