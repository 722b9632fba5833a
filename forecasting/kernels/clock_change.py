"""Habits follow the wall clock; a grid laid out at one fixed offset shows them an hour off before a clock change.

Where the caller named no time zone, each series says by its own days around the change whether it moved: most homes
and shops do, some industry and the sun do not.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.kernels.arrays import Floats, nan_mean
from forecasting.kernels.calendar import DayGrid

LEAST_DAYS_AFTER = 3
MOST_DAYS_AFTER = 14
MARGIN = 0.98


def align_clock(grid: DayGrid, *, offset_hours: int) -> DayGrid:
    """The grid with days before each clock change moved by an hour, for the series that moved.

    offset_hours : where the target's local midnight lies in UTC; it tells the continent while there is no evidence yet.
    """
    values = grid.values
    for day, hours, european in clock_changes(grid.dates):
        if 7 <= day < grid.issue_day:
            home = european if 21 <= offset_hours <= 23 else (not european and 4 <= offset_hours <= 8)
            moved = _moved(values, day, hours, grid)
            followed = _followed(values, moved, day, grid.issue_day, otherwise=home)
            values = np.where(followed[:, None, None], moved, values)
    return grid.with_values(values)


def hold_clock(grid: DayGrid, target_day: int, *, sun: bool) -> DayGrid:
    """A grid on the wall clock with days before each change of it moved by an hour, for the series that did not move.

    sun : they never do; others say so by their own days after the change. Changes up to the target day count.
    """
    dates = grid.dates[0] + np.arange(target_day + 1).astype("timedelta64[D]")
    values = grid.values
    for day, hours, _ in clock_changes(dates):
        if day >= 1 and _changes_in(grid.zone, dates[day]):
            moved = _moved(values, min(day, grid.issue_day + 1), -hours, grid)
            stayed = (
                np.ones(len(values), dtype=bool)
                if sun
                else _followed(values, moved, day, grid.issue_day, otherwise=False)
            )
            values = np.where(stayed[:, None, None], moved, values)
    return grid.with_values(values)


def _changes_in(zone: str, date: np.datetime64) -> bool:
    noon, day = pd.Timestamp(date) + pd.Timedelta("12h"), pd.Timedelta("1D")
    return (noon - day).tz_localize(zone).utcoffset() != noon.tz_localize(zone).utcoffset()


def clock_changes(dates: NDArray[np.datetime64]) -> list[tuple[int, int, bool]]:
    """(day, hours by which earlier habits move in UTC, whether in Europe) of the changes within the dates, in order."""
    found = []
    for year in range(int(str(dates[0])[:4]), int(str(dates[-1])[:4]) + 1):
        changes = [
            (_sunday(f"{year}-03-25"), -1, True), (_sunday(f"{year}-10-25"), 1, True),
            (_sunday(f"{year}-03-08"), -1, False), (_sunday(f"{year}-11-01"), 1, False),
        ]  # fmt: skip
        found += [(int((on - dates[0]).astype(np.int64)), hours, europe) for on, hours, europe in changes]
    return sorted(one for one in found if 0 <= one[0] < len(dates))


def _sunday(earliest: str) -> np.datetime64:
    """The first Sunday not before a date."""
    day = np.datetime64(earliest, "D")
    return day + np.timedelta64(int((6 - (day.astype(np.int64) + 3) % 7) % 7), "D")


def _moved(values: Floats, day: int, hours: int, grid: DayGrid) -> Floats:
    """values with everything before the day moved by so many hours along time; what has no source is NaN."""
    slots = hours * 60 // grid.step_minutes
    flat = values[:, :day].reshape(len(values), -1)
    rolled = np.roll(flat, slots, axis=1)
    rolled[:, -abs(slots) :] = np.nan if slots < 0 else rolled[:, -abs(slots) :]
    rolled[:, : abs(slots)] = np.nan if slots > 0 else rolled[:, : abs(slots)]
    out = values.copy()
    out[:, :day] = rolled.reshape(len(values), day, -1)
    return out


def _followed(values: Floats, moved: Floats, day: int, issue_day: int, *, otherwise: bool) -> NDArray[np.bool_]:
    """(N,) whether the days after the change look more like moved weeks before it than like those as they were."""
    after = np.arange(day + 1, min(day + 1 + MOST_DAYS_AFTER, issue_day))
    if len(after) < LEAST_DAYS_AFTER:
        return np.full(len(values), otherwise)
    before = after - 7 * (1 + (after - day) // 7)
    apart = [np.abs(values[:, after] - past[:, before]).reshape(len(values), -1) for past in (values, moved)]
    stay, go = (nan_mean(one, axis=1) for one in apart)
    return np.nan_to_num(go, nan=np.inf) < MARGIN * np.nan_to_num(stay, nan=0)
