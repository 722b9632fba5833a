"""What a series missed or gained against its usual month, as known at each day's issue: the state a day begins in."""

import numpy as np

from forecasting.kernels.arrays import Floats
from forecasting.kernels.naive import Days, lagged

DAY_WEIGHTS = (1.0, 0.5, 0.3)  # of the last whole days before the issue in the squared distance
HOUR_WEIGHTS = (1.4, 0.4, 0.4, 0.4, 0.4)  # of the last hours, the newest first
BLOCKS = 8  # of three hours in a day
YEAR_DAYS = 365.25


def day_states(days: Days, beyond: Floats, *, week_weight: float = 0.0) -> Floats:
    """(N, D, F) from beyond (N, D, S), in usual day means: whole days in blocks of hours, the same weekday where it
    has a weight, and the last hours."""
    n_series, n_days, n_slots = beyond.shape
    blocks = beyond.reshape(n_series, n_days, BLOCKS, -1).mean(axis=3)
    first = days.lead + 1
    backs = [(first + back, weight) for back, weight in enumerate(DAY_WEIGHTS)] + [(7 * -(-first // 7), week_weight)]
    parts = [lagged(blocks, back) * np.sqrt(weight / BLOCKS) for back, weight in backs if weight]
    hour = max(n_slots // 24, 1)
    flat = np.concatenate([np.zeros((n_series, 1)), np.cumsum(beyond.reshape(n_series, -1), axis=1)], axis=1)
    end = (np.arange(n_days) - days.lead) * n_slots + days.issue_slot
    for back, weight in enumerate(HOUR_WEIGHTS):
        stop = np.maximum(end - back * hour, hour)
        parts.append(((flat[:, stop] - flat[:, stop - hour]) / hour * np.sqrt(weight))[..., None])
    found: Floats = np.concatenate(parts, axis=2).astype(np.float64)
    return found


def season_distance(n_days: int, weight: float) -> tuple[Floats, Floats]:
    """(D, D) squared distance of the seasons, opposite ones 4 times the weight, and the years between the days."""
    order = np.arange(n_days)
    years = np.abs(order[:, None] - order[None]) / YEAR_DAYS
    return 2 * weight * (1 - np.cos(2 * np.pi * years)), years
