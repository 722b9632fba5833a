"""Profile and autoregression: how far the last hours and days carry into the target day, told by each series itself.

A regression for every two hours of the day on longer and shorter means of the slot and on the last values before the
issue; wind lives by it, a home hardly. Coefficients are drawn to those of the whole day, these to one plain mean.
"""

import numpy as np

from forecasting.kernels.arrays import Floats
from forecasting.kernels.naive import MEMBERS, Days

LONG_DAYS = (28, 60)
LAST_HOURS = (24, 4, 1)
BLOCK_HOURS = 2
HALF_LIFE_DAYS = 150.0
RIDGE = 60.0
LEAST_DAYS = 21
REFIT_DAYS = 7


def persistence_days(days: Days, members: Floats) -> Floats:
    """(N, D, S) forecasts of every day, each from what was known at its own issue; members (M, N, D, S) are naive."""
    inputs = _inputs(days, members)
    known = days.values[:, : max(days.issue_day, 1)]
    level = np.abs(known).mean(axis=(1, 2)) + np.float32(1e-9)
    out = inputs[..., 0].copy()
    scaled = inputs / level[:, None, None, None]
    scaled[..., -1] = 1
    rows, goal = _by_block(scaled), _by_block((days.values / level[:, None, None])[..., None])
    gram: Floats = np.zeros(1)
    cross: Floats = np.zeros(1)
    added = 0
    for day in range(days.target % REFIT_DAYS, days.target + 1, REFIT_DAYS):
        last = max(day - days.lead, 0)
        seen, fade = _stacked(rows, added, last), 0.5 ** ((last - added) / HALF_LIFE_DAYS)
        gram = fade * gram + np.matmul(seen.swapaxes(2, 3), seen)
        cross = fade * cross + np.matmul(seen.swapaxes(2, 3), _stacked(goal, added, last))
        added = last
        if added >= LEAST_DAYS:
            stop = min(day + REFIT_DAYS, days.target + 1)
            found = np.matmul(_stacked(rows, day, stop), _coefficients(gram, cross))
            out[:, day:stop] = _by_day(found, stop - day) * level[:, None, None]
    low, high = known.min(axis=(1, 2))[:, None, None], known.max(axis=(1, 2))[:, None, None]
    limited: Floats = np.clip(out, np.minimum(low, 0), high).astype(np.float32)
    return limited


def _by_block(values: Floats) -> Floats:
    """(N, D, S, P) to (N, B, D, S/B, P), B blocks of hours."""
    n_series, n_days, n_slots, size = values.shape
    blocks = 24 // BLOCK_HOURS
    return np.ascontiguousarray(values.reshape(n_series, n_days, blocks, n_slots // blocks, size).swapaxes(1, 2))


def _stacked(blocks: Floats, first: int, stop: int) -> Floats:
    """(N, B, R, P) the rows of some days one below the other."""
    part = blocks[:, :, first:stop]
    return part.reshape(*part.shape[:2], -1, part.shape[-1])


def _by_day(found: Floats, n_days: int) -> Floats:
    """(N, B, R, 1) to (N, D, S)."""
    n_series, blocks = found.shape[:2]
    return found.reshape(n_series, blocks, n_days, -1).swapaxes(1, 2).reshape(n_series, n_days, -1)


def _coefficients(gram: Floats, cross: Floats) -> Floats:
    """(N, B, P, 1) per block of hours, drawn to those of the day, which are drawn to the first input alone."""
    size = gram.shape[-1]
    ridge, plain = RIDGE * np.eye(size), np.zeros((size, 1))
    plain[0] = RIDGE
    whole = np.linalg.solve(gram.sum(axis=1) + ridge, cross.sum(axis=1) + plain)
    found: Floats = np.linalg.solve(gram + ridge, cross + RIDGE * whole[:, None])
    return found


def _inputs(days: Days, members: Floats) -> Floats:
    """(N, D, S, P): means of the slot, the naive members that matter, and the last values before the issue."""
    shape = days.values.shape
    long = [_long_mean(days, length) for length in LONG_DAYS]
    week = [members[MEMBERS.index(name)] for name in ("mean7", "latest", "last_week")]
    typed = [members[MEMBERS.index("same_type")]] if len(np.unique(days.types)) > 1 else []
    last = [np.broadcast_to(_before_issue(days, hours)[:, :, None], shape) for hours in LAST_HOURS]
    return np.stack([*typed, *long, *week, *last, np.ones(shape)], axis=-1, dtype=np.float64)


def _long_mean(days: Days, length: int) -> Floats:
    """(N, D, S) mean of each slot over so many days known at each day's issue; fewer at the beginning."""
    total = np.cumsum(days.values, axis=1, dtype=np.float64)
    end = np.maximum(np.arange(days.values.shape[1]) - days.lead - 1, 0)
    start = np.maximum(end - length, -1)
    before = np.where((start >= 0)[None, :, None], total[:, np.maximum(start, 0)], 0.0)
    found: Floats = ((total[:, end] - before) / (end - start)[None, :, None]).astype(np.float32)
    return found


def _before_issue(days: Days, hours: int) -> Floats:
    """(N, D) mean of the hours before each day's issue."""
    values, n_slots = days.values, days.values.shape[2]
    flat = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values.reshape(len(values), -1), axis=1)], axis=1)
    end = np.maximum((np.arange(days.values.shape[1]) - days.lead) * n_slots + days.issue_slot, 1)
    start = np.maximum(end - hours * n_slots // 24, 0)
    found: Floats = ((flat[:, end] - flat[:, start]) / (end - start)).astype(np.float32)
    return found
