"""Quantiles of a series from its own last four weeks: residuals of its blend, and the values themselves."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from forecasting.kernels.arrays import Floats
from forecasting.kernels.naive import Days

DECILES = np.arange(1, 10) / 10
SAME_TYPE = 3.0
MEMORY_DAYS = 28


def own_quantiles(days: Days, blend: Floats, day: int, *, reach: int, values_share: float) -> Floats:
    """(N, S, 9) deciles of one day: blend plus its residuals, averaged with the values of the same slots.

    reach : neighbouring slots that count as the same, on each side. values_share in 0..1.
    """
    past = np.arange(max(day - MEMORY_DAYS - days.lead, 0), max(day - days.lead, 1))
    weight = np.where(days.types[past] == days.types[day], SAME_TYPE, 1.0)
    seen, values = days.seen[:, past], days.values[:, past]
    around = blend[:, day, :, None] + weighted_deciles(values - blend[:, past], seen, weight, reach=1)
    if values_share <= 0:
        return around
    return (1 - values_share) * around + values_share * weighted_deciles(values, seen, weight, reach=reach)


def weighted_deciles(values: Floats, seen: NDArray[np.bool_], weight: Floats, *, reach: int) -> Floats:
    """(N, S, 9) deciles over the past days (N, R, S), each slot pooled with its neighbours."""
    shifts = range(-reach, reach + 1, max(reach // 2, 1))  # five of the quarter hours around, or the hours beside
    pooled = np.concatenate([np.roll(values, shift, axis=2) for shift in shifts], axis=1)
    known = np.concatenate([np.roll(seen, shift, axis=2) for shift in shifts], axis=1)
    order = np.argsort(pooled, axis=1)
    ordered = np.take_along_axis(pooled, order, axis=1)
    mass = np.tile(weight, len(shifts))[order] * np.take_along_axis(known, order, axis=1)
    total = mass.sum(axis=1)
    mass = np.where((total > 0)[:, None], mass, 1.0)
    reached = (np.cumsum(mass, axis=1) - mass / 2) / mass.sum(axis=1)[:, None]
    out = np.empty((values.shape[0], values.shape[2], len(DECILES)), dtype=np.float32)
    for column, level in enumerate(DECILES):
        place = np.clip((reached < level).sum(axis=1), 0, pooled.shape[1] - 1)
        out[..., column] = np.take_along_axis(ordered, place[:, None], axis=1)[:, 0]
    return out


def at_levels(deciles: Floats, levels: Floats) -> Floats:
    """(..., Q) quantiles at any levels from deciles (..., 9): straight lines on the normal scale, also beyond."""
    known, wanted = norm.ppf(DECILES), norm.ppf(levels)
    right = np.clip(np.searchsorted(known, wanted), 1, len(known) - 1)
    part = (wanted - known[right - 1]) / (known[right] - known[right - 1])
    found: Floats = deciles[..., right - 1] * (1 - part) + deciles[..., right] * part
    return np.sort(found, axis=-1)
