"""Features of a (series, slot) of one target day, built from what a grid knew at its issue time and nothing later.

All magnitudes are divided by the series' level, so that one model serves series of any size.
"""

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.arrays import Floats, nan_mean, nan_std
from forecasting.kernels.calendar import DayGrid
from forecasting.kernels.profile import latest_same_slot, same_type_indices

NAMES = (
    "profile", "member_spread", "latest", "day_before_issue", "last_week", "two_weeks_ago", "mean7", "std7", "max7",
    "min7", "same_type_std", "smooth7", "morning_excess", "last_hours_excess", "last_24h", "recent_level", "variation",
    "zero_share", "slot", "weekday", "day_type", "ahead_of_smooth", "behind_smooth",
)  # fmt: skip


def day_features(grid: DayGrid, target_day: int, members: Floats, profile: Floats, level_kw: Floats) -> Floats:
    """Features (N, S, F) for one target day after the grid's issue day.

    grid     : as known at the issue; members (M, N, S) and profile (N, S) made from the same grid, in kW.
    level_kw : (N,) typical magnitude. NaN marks what is unknown; the trees handle it.
    """
    scale = (1.0 / level_kw)[:, None].astype(np.float32)
    known = grid.values
    week = known[:, max(grid.issue_day - 7, 0) : grid.issue_day]
    mean7 = members[2]
    smooth = _smooth(mean7, grid.step_minutes)
    types = grid.types_until(target_day)
    columns = [
        profile * scale,
        members.std(axis=0) * scale,
        latest_same_slot(grid) * scale,
        _day(grid, grid.issue_day - 1) * scale,
        members[0] * scale,
        _day(grid, target_day - 14) * scale,
        mean7 * scale,
        nan_std(week, axis=1) * scale,
        _extreme(week, np.maximum, -np.inf) * scale,
        _extreme(week, np.minimum, np.inf) * scale,
        _same_type_std(grid, types, target_day) * scale,
        smooth * scale,
        *_per_series(grid, week, mean7, scale),
        *_calendar(grid, types, target_day),
        np.roll(smooth, -60 // grid.step_minutes, axis=1) * scale,
        np.roll(smooth, 60 // grid.step_minutes, axis=1) * scale,
    ]
    shape = profile.shape
    return np.stack([np.broadcast_to(column, shape) for column in columns], axis=2).astype(np.float32)


def _per_series(grid: DayGrid, week: Floats, mean7: Floats, scale: Floats) -> list[Floats]:
    """Columns (N, 1): how this morning and the last hours differ from usual, recent level, character of the series."""
    slot, hours4 = grid.issue_slot, 240 // grid.step_minutes
    excess = np.where(np.arange(grid.slots_per_day) < slot, grid.values[:, -1] - mean7, np.nan).astype(np.float32)
    morning = nan_mean(excess, axis=1) if slot else np.zeros(len(mean7), dtype=np.float32)
    last_hours = nan_mean(excess[:, max(slot - hours4, 0) : slot], axis=1)
    last_day = nan_mean(latest_same_slot(grid), axis=1)
    flat = week.reshape(len(week), -1)
    per_series = (morning, last_hours, last_day, nan_mean(flat, axis=1), nan_std(flat, axis=1))
    zeros = nan_mean(np.where(np.isfinite(flat), flat == 0, np.nan).astype(np.float32), axis=1)
    return [one[:, None] * scale for one in per_series] + [zeros[:, None]]


def _calendar(grid: DayGrid, types: NDArray[np.int64], target_day: int) -> list[Floats]:
    slot = np.arange(grid.slots_per_day, dtype=np.float32)[None, :] * (grid.step_minutes / 15)
    number = grid.dates[0].astype("datetime64[D]").astype(np.int64) + target_day
    weekday = np.array([[(number + 3) % 7]], dtype=np.float32)
    return [slot, weekday, np.array([[types[target_day]]], dtype=np.float32)]


def _same_type_std(grid: DayGrid, types: NDArray[np.int64], target_day: int) -> Floats:
    days = same_type_indices(types, issue_day=grid.issue_day - 1, target_day=target_day)
    if len(days) < 2:
        return np.full(grid.values[:, 0].shape, np.nan, dtype=np.float32)
    return nan_std(grid.values[:, days], axis=1)


def _day(grid: DayGrid, day: int) -> Floats:
    if day < 0 or day >= grid.issue_day:
        return np.full(grid.values[:, 0].shape, np.nan, dtype=np.float32)
    return grid.values[:, day]


def _extreme(week: Floats, reduce: np.ufunc, nothing: float) -> Floats:
    found = reduce.reduce(np.where(np.isfinite(week), week, np.float32(nothing)), axis=1, initial=np.float32(nothing))
    return np.where(np.isfinite(found), found, np.float32(np.nan))


def _smooth(values: Floats, step_minutes: int) -> Floats:
    """Circular mean over the hour before and after."""
    half = max(60 // step_minutes, 1)
    total = sum(np.roll(values, shift, axis=1) for shift in range(-half, half + 1))
    return np.asarray(total / np.float32(2 * half + 1), dtype=np.float32)
