"""L1 of the ladder: a robust slot profile per series, blended from naive members by their own recent error.

No single naive forecast suits all series (an industry with strict shifts repeats last week, a home its last working
days, PV the last few days), so each series weighs them by how they did over its last two weeks, with what was known
then.
"""

import warnings

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.arrays import Floats, fill_from, nan_mean
from forecasting.kernels.calendar import DayGrid

MEMBERS = ("last_week", "latest", "mean7", "same_type")
MEMORY_DAYS = 14
SAME_TYPE_DAYS = 5
SHARPNESS = 3.0


def known_on(grid: DayGrid, issue_day: int) -> DayGrid:
    """The grid as it was at the same clock time of an earlier issue day; a view, nothing is copied."""
    return DayGrid(
        grid.values[:, : issue_day + 1],
        grid.dates[: issue_day + 1],
        grid.issue_slot,
        grid.step_minutes,
        grid.zone,
        grid.holidays,
    )


def latest_same_slot(grid: DayGrid) -> Floats:
    """(N, S) the newest known value of each slot: the issue day's where complete, else the day before's."""
    slots = np.arange(grid.slots_per_day)
    today = grid.values[:, -1]
    before = grid.values[:, -2] if grid.values.shape[1] > 1 else np.full_like(today, np.nan)
    return np.where(slots < grid.issue_slot, today, before)


def naive_members(grid: DayGrid, target_day: int, *, follows_week: bool) -> Floats:
    """Naive forecasts (M, N, S) of one target day, in the order of MEMBERS, filled from each other.

    Uses only what the grid holds: complete days before the issue day, and the issue day's complete slots.
    """
    week = _complete_days(grid, range(grid.issue_day - 7, grid.issue_day))
    mean7 = nan_mean(week, axis=1)
    if not np.isfinite(mean7).all():
        mean7 = fill_from(mean7, _any_day(grid))
    members = np.stack([_last_week(grid, target_day), latest_same_slot(grid), mean7, mean7])
    if follows_week:
        same = _same_type_days(grid, target_day)
        if len(same) >= 2:
            members[3] = nan_mean(_masked(grid, same), axis=1)
    return fill_from(members, mean7[None])


def member_errors(grid: DayGrid, *, lead_days: int, follows_week: bool, first_day: int) -> Floats:
    """Mean absolute error (M, N, D) of each naive member on each day, made as it would have been made then.

    NaN before first_day, on days without observations and on the issue day, which is not complete.
    """
    n_series, n_days, _ = grid.values.shape
    errors = np.full((len(MEMBERS), n_series, n_days), np.nan, dtype=np.float32)
    for day in range(max(first_day, lead_days + 1), grid.issue_day):
        members = naive_members(known_on(grid, day - lead_days), day, follows_week=follows_week)
        errors[:, :, day] = nan_mean(np.abs(members - grid.values[None, :, day]), axis=2)
    return errors


def member_weights(errors: Floats, *, issue_day: int, types: NDArray[np.int64], target_day: int) -> Floats:
    """Weights (M, N) from the last 14 complete days before issue_day; days of the target's type count double.

    Inverse error to the third power; equal weights where nothing was scored yet.
    """
    days = np.arange(max(issue_day - MEMORY_DAYS, 0), issue_day)
    recent = errors[:, :, days]
    importance = np.where(types[days] == types[target_day], 2.0, 1.0).astype(np.float32)
    seen = np.isfinite(recent)
    total = (np.where(seen, recent, 0) * importance).sum(axis=2)
    count = (seen * importance).sum(axis=2)
    mean = np.divide(total, count, out=np.full(total.shape, np.nan, dtype=np.float32), where=count > 0)
    best = np.where(np.isfinite(mean), mean, np.inf).min(axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        relative = np.where(best > 0, best / mean, np.where(mean > 0, 0.0, 1.0))
    score = np.where(np.isfinite(mean) & np.isfinite(best), relative**SHARPNESS, 1.0)
    weights: Floats = (score / score.sum(axis=0)).astype(np.float32)
    return weights


def blend(members: Floats, weights: Floats) -> Floats:
    """Profile (N, S): weighted mean of the members; 0 where not even a fallback has a number."""
    profile: Floats = np.nan_to_num((members * weights[:, :, None]).sum(axis=0), nan=0.0).astype(np.float32)
    return profile


def same_type_indices(types: NDArray[np.int64], *, issue_day: int, target_day: int) -> NDArray[np.int64]:
    """The last five known days of the target's day type, the issue day included; newest last."""
    known = np.flatnonzero(types[: issue_day + 1] == types[target_day])
    return known[-SAME_TYPE_DAYS:]


def _same_type_days(grid: DayGrid, target_day: int) -> NDArray[np.int64]:
    return same_type_indices(grid.types_until(target_day), issue_day=grid.issue_day, target_day=target_day)


def _masked(grid: DayGrid, days: NDArray[np.int64]) -> Floats:
    """(N, K, S) the given days, with the issue day cut at the issue slot."""
    picked = grid.values[:, days].copy()
    for place in np.flatnonzero(days == grid.issue_day):
        picked[:, place, grid.issue_slot :] = np.nan
    return picked


def _complete_days(grid: DayGrid, days: range) -> Floats:
    usable = [day for day in days if day >= 0]
    return grid.values[:, usable]


def _any_day(grid: DayGrid) -> Floats:
    """(N, S) fallback: mean of each slot over everything known, then of the series, then 0."""
    everything = _masked(grid, np.arange(grid.values.shape[1]))
    slot_mean = nan_mean(everything, axis=1)
    series_mean = nan_mean(slot_mean, axis=1)[:, None]
    return fill_from(slot_mean, series_mean, np.zeros_like(series_mean))


def _last_week(grid: DayGrid, target_day: int) -> Floats:
    """(N, S) the newest complete same weekday."""
    day = target_day - 7
    while day >= grid.issue_day:
        day -= 7
    if day < 0:
        return np.full(grid.values[:, 0].shape, np.nan, dtype=np.float32)
    return grid.values[:, day]
