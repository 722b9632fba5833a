"""Quantiles of a series from its own last weeks: residuals of its blend, and the values themselves.

Where no week is followed (sun, wind) three months are looked at, and of the values those that were forecast alike: a
forecast of no wind has another distribution than one of a storm.
"""

import numpy as np
from scipy.stats import norm

from forecasting.kernels.arrays import Floats
from forecasting.kernels.naive import Days

DECILES = np.arange(1, 10) / 10
SAME_TYPE = 3.0
MEMORY_DAYS, WEATHER_MEMORY_DAYS, WEATHER_HALF_LIFE_DAYS = 28, 100, 50
ALIKE, ALIKE_FLOOR = 0.15, 0.3  # width of the bell around a forecast, of it plus so much of the usual one


def own_quantiles(days: Days, blend: Floats, day: int, *, reach: int, values_share: float) -> Floats:
    """(N, S, 9) deciles of one day: blend plus its residuals, averaged with the values of the same slots.

    reach : neighbouring slots that count as the same, on each side. values_share in 0..1.
    """
    weather = not days.types.any()
    memory = WEATHER_MEMORY_DAYS if weather else MEMORY_DAYS
    past = np.arange(max(day - memory - days.lead, 0), max(day - days.lead, 1))
    weight = np.where(days.types[past] == days.types[day], SAME_TYPE, 1.0)
    if weather:
        weight = 0.5 ** ((day - past) / WEATHER_HALF_LIFE_DAYS)
    mass = (days.seen[:, past] * weight[:, None]).astype(np.float32)
    values, then, now = days.values[:, past], blend[:, past], blend[:, day]
    around = bounded(now[..., None] + weighted_deciles(values - then, mass, reach=1), days)
    if values_share <= 0:
        return around
    found = weighted_deciles(values, mass, reach=reach, alike=(then, now) if weather else None)
    return (1 - values_share) * around + values_share * found


def bounded(deciles: Floats, days: Days) -> Floats:
    """Not below 0 where no known value was."""
    lowest = days.values[:, : days.issue_day + 1].min(axis=(1, 2))
    found: Floats = np.maximum(deciles, np.where(lowest < 0, -np.inf, 0)[:, None, None].astype(np.float32))
    return found


def weighted_deciles(values: Floats, mass: Floats, *, reach: int, alike: tuple[Floats, Floats] | None = None) -> Floats:
    """(N, S, 9) deciles over past days (N, R, S) of some mass, each slot pooled with its neighbours.

    alike : forecasts of the past days (N, R, S) and of the day (N, S); days count by how near the two are.
    """
    shifts = range(-reach, reach + 1, max(reach // 2, 1))  # five of the quarter hours around, or the hours beside
    pooled = np.concatenate([np.roll(values, shift, axis=2) for shift in shifts], axis=1)
    mass = np.concatenate([np.roll(mass, shift, axis=2) for shift in shifts], axis=1)
    if alike is not None:
        then, now = alike
        width = ALIKE * (np.abs(now) + ALIKE_FLOOR * np.abs(then).mean(axis=(1, 2))[:, None]) + np.float32(1e-9)
        apart = np.concatenate([np.roll(then, shift, axis=2) for shift in shifts], axis=1) - now[:, None]
        mass = mass * (np.exp(-((apart / width[:, None]) ** 2) / 2) + np.float32(1e-6))
    order = np.argsort(pooled, axis=1)
    ordered = np.take_along_axis(pooled, order, axis=1)
    mass = np.take_along_axis(mass, order, axis=1)
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
