"""Judge a series before anything learns from it: unit mistakes, spikes, stuck meters, wrong signs, its level."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.arrays import Floats, nan_mean

STUCK_HOURS = 6
LEVEL_FLOOR_PU = 0.01  # of capacity: a level near zero would let one idle series blow up a pooled model
SPIKE_OF_TYPICAL = 30.0


@dataclass(frozen=True)
class Cleaned:
    """Series fit to learn from, with what was found.

    values      : (N, T) float32, judged-away values are NaN
    level_kw    : (N,)   typical magnitude, > 0
    capacity_kw : (N,)   largest believable magnitude, > 0
    spikes, stuck, missing : (N,) counts of intervals
    """

    values: Floats
    level_kw: Floats
    capacity_kw: Floats
    spikes: NDArray[np.int64]
    stuck: NDArray[np.int64]
    missing: NDArray[np.int64]


def clean(
    power_kw: NDArray[np.floating],
    *,
    rating_kw: NDArray[np.floating],
    step_minutes: int,
    may_idle: bool,
    signed: bool = False,
) -> Cleaned:
    """Clean series (N, T), positive in their natural direction unless signed; NaN is missing.

    rating_kw : (N,) nameplate, 0 where unknown. A value above 1.5 ratings, or above 30 times the typical magnitude of
    a series without a rating, is a spike (a unit mistake, a broken register) and treated as missing. Values of the
    wrong sign (a PV inverter's own use at night) become 0.
    """
    values = power_kw.astype(np.float32)
    missing = (~np.isfinite(values)).sum(axis=1)
    values = np.where(np.isfinite(values), values, np.float32(np.nan))
    limit = _spike_limit(values, rating_kw.astype(np.float32))
    spike = np.abs(values) > limit[:, None]
    values = np.where(spike, np.float32(np.nan), values)
    if not signed:
        values = np.maximum(values, np.float32(0))
    stuck = stuck_runs(values, step_minutes=step_minutes, zero_is_natural=may_idle or signed)
    if may_idle:
        stuck[:] = False
    stuck[stuck.sum(axis=1) > 0.5 * stuck.shape[1]] = False  # a constant series is a constant series, not a broken one
    values = np.where(stuck, np.float32(np.nan), values)
    peak = _peak(values)
    capacity = np.where(rating_kw > 0, np.maximum(rating_kw, peak), 1.2 * peak).astype(np.float32)
    capacity = np.maximum(capacity, np.float32(1e-6))
    return Cleaned(values, level_kw(values, capacity), capacity, spike.sum(axis=1), stuck.sum(axis=1), missing)


def findings(cleaned: Cleaned, step_minutes: int) -> list[list[str]]:
    """What was wrong with each series, in words; an empty list where nothing was."""
    n_intervals = cleaned.values.shape[1]
    found = []
    for spikes, stuck, missing in zip(cleaned.spikes, cleaned.stuck, cleaned.missing, strict=True):
        seen = n_intervals - missing
        notes = [f"{spikes} implausible values left out"] if spikes else []
        notes += [f"{stuck} intervals of a stuck meter left out"] if stuck else []
        if seen * step_minutes < 2 * 1440:
            notes.append("no history" if not seen else "less than two days of history")
        elif missing > 0.05 * n_intervals:
            notes.append(f"{missing} of {n_intervals} intervals missing")
        found.append(notes)
    return found


def level_kw(values: Floats, capacity_kw: Floats) -> Floats:
    """Typical magnitude (N,): mean absolute value, floored at 1 % of capacity so that it can divide."""
    mean = np.nan_to_num(nan_mean(np.abs(values), axis=1), nan=0.0)
    level: Floats = np.maximum(mean, LEVEL_FLOOR_PU * capacity_kw).astype(np.float32)
    return level


def stuck_runs(values: Floats, *, step_minutes: int, zero_is_natural: bool) -> NDArray[np.bool_]:
    """Mark (N, T) runs of one identical value that last longer than six hours."""
    length = STUCK_HOURS * 60 // step_minutes
    marks = np.zeros(values.shape, dtype=bool)
    if values.shape[1] <= length:
        return marks
    same = values[:, 1:] == values[:, :-1]
    if zero_is_natural:
        same &= values[:, 1:] != 0
    total = np.cumsum(np.pad(same, ((0, 0), (1, 0))), axis=1, dtype=np.int32)
    full = (total[:, length:] - total[:, :-length]) == length  # window of length+1 equal values starting here
    starts = np.zeros((values.shape[0], values.shape[1] + 1), dtype=np.int32)
    starts[:, : full.shape[1]] += full
    ends = np.zeros_like(starts)
    ends[:, length + 1 : length + 1 + full.shape[1]] += full
    open_runs = np.cumsum(starts - ends, axis=1)[:, :-1]
    return np.asarray(open_runs > 0)


def _spike_limit(values: Floats, rating_kw: Floats) -> Floats:
    magnitude = np.abs(values)
    busy = np.where(magnitude > 0, magnitude, np.float32(np.nan))
    typical = _row_quantile(busy, 0.9)
    unrated = np.where(np.isfinite(typical), SPIKE_OF_TYPICAL * typical, np.inf)
    limit: Floats = np.where(rating_kw > 0, 1.5 * rating_kw, unrated).astype(np.float32)
    return limit


def _peak(values: Floats) -> Floats:
    peak: Floats = (
        np.where(np.isfinite(values), np.abs(values), np.float32(0)).max(axis=1, initial=0).astype(np.float32)
    )
    return peak


def _row_quantile(values: Floats, level: float) -> Floats:
    """Quantile per row over its finite values; NaN where there are none."""
    ordered = np.sort(values, axis=1)  # NaN sorts to the end
    count = np.isfinite(values).sum(axis=1)
    position = np.clip((level * (count - 1)).astype(np.int64), 0, max(values.shape[1] - 1, 0))
    if not values.shape[1]:
        return np.full(len(values), np.nan, dtype=np.float32)
    picked: Floats = np.where(count > 0, ordered[np.arange(len(values)), position], np.nan).astype(np.float32)
    return picked
