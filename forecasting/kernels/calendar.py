"""Local calendar of UTC intervals, and series laid out as (local day, local slot).

Storage is UTC; habits are local. On the grid "the same slot yesterday" is the same local clock time, also across a
clock change: the spring day has four empty slots, the autumn day averages its repeated hour.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

WORKDAY, SATURDAY, SUNDAY = 0, 1, 2


@dataclass(frozen=True)
class LocalClock:
    """Local date and slot of each UTC interval start.

    dates : (T,) datetime64[D]   local calendar date
    slots : (T,) int64           local clock time in steps since local midnight, 0 .. 1440/step - 1
    """

    dates: NDArray[np.datetime64]
    slots: NDArray[np.int64]


def local_clock(starts: NDArray[np.datetime64], zone: str, step_minutes: int) -> LocalClock:
    """Turn naive-UTC interval starts (T,) into local dates and slots in the IANA zone."""
    local = pd.DatetimeIndex(starts.astype("datetime64[ns]"), tz="UTC").tz_convert(zone).tz_localize(None)
    naive = local.to_numpy().astype("datetime64[m]")
    dates = naive.astype("datetime64[D]")
    slots = (naive - dates).astype(np.int64) // step_minutes
    return LocalClock(dates=dates, slots=slots)


def day_types(dates: NDArray[np.datetime64], holidays: frozenset[date] = frozenset()) -> NDArray[np.int64]:
    """WORKDAY, SATURDAY or SUNDAY per local date; a public holiday counts as a Sunday."""
    weekday = (dates.astype("datetime64[D]").astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    kinds = np.where(weekday == 6, SUNDAY, np.where(weekday == 5, SATURDAY, WORKDAY))
    free = np.array([day in holidays for day in dates.astype("datetime64[D]").astype(object)], dtype=bool)
    return np.where(free, SUNDAY, kinds).astype(np.int64)


@dataclass(frozen=True)
class DayGrid:
    """Series as known at the issue time, by local day and slot.

    values     : (N, D, S) float32, NaN where missing or not yet known; the last day is the issue day
    dates      : (D,) datetime64[D], consecutive
    issue_slot : slots of the issue day that are complete at the issue time
    """

    values: NDArray[np.float32]
    dates: NDArray[np.datetime64]
    issue_slot: int
    step_minutes: int
    zone: str
    holidays: frozenset[date]

    @property
    def slots_per_day(self) -> int:
        return int(self.values.shape[2])

    @property
    def issue_day(self) -> int:
        return int(self.values.shape[1]) - 1

    def types_until(self, last_day: int) -> NDArray[np.int64]:
        """Day types of day 0 .. last_day, which may lie after the issue day."""
        dates = self.dates[0] + np.arange(last_day + 1).astype("timedelta64[D]")
        return day_types(dates, self.holidays)

    def with_values(self, values: NDArray[np.float32]) -> "DayGrid":
        return DayGrid(values, self.dates, self.issue_slot, self.step_minutes, self.zone, self.holidays)


def to_day_grid(
    power_kw: NDArray[np.floating],
    starts: NDArray[np.datetime64],
    *,
    issue: np.datetime64,
    zone: str,
    step_minutes: int,
    holidays: frozenset[date] = frozenset(),
    min_days: int = 1,
) -> DayGrid:
    """Lay series (N, T) out as a DayGrid; nothing that ends after the issue time gets in.

    starts : (T,) naive UTC, any order, gaps allowed; issue : naive UTC.
    The grid has at least min_days days, so that a series without history gives an empty grid, not an error.
    """
    issue_s = issue.astype("datetime64[s]")
    starts_s = starts.astype("datetime64[s]")
    known = starts_s + np.timedelta64(step_minutes * 60, "s") <= issue_s
    values, starts_s = power_kw[:, known], starts_s[known]
    at_issue = local_clock(np.array([issue_s]), zone, 1)
    last_date = at_issue.dates[0]
    clock = local_clock(starts_s, zone, step_minutes)
    first_date = min(clock.dates.min(), last_date) if starts_s.size else last_date
    n_days = max(int((last_date - first_date).astype(np.int64)) + 1, min_days)
    dates = last_date - np.arange(n_days - 1, -1, -1).astype("timedelta64[D]")
    slots_per_day = 1440 // step_minutes
    cell = (clock.dates - dates[0]).astype(np.int64) * slots_per_day + clock.slots
    grid = _mean_per_cell(values, cell, n_days * slots_per_day)
    shaped = grid.reshape(power_kw.shape[0], n_days, slots_per_day)
    return DayGrid(shaped, dates, int(at_issue.slots[0]) // step_minutes, step_minutes, zone, holidays)


def _mean_per_cell(values: NDArray[np.floating], cell: NDArray[np.int64], n_cells: int) -> NDArray[np.float32]:
    """(N, T) values into (N, n_cells); cells hit twice (autumn hour, duplicate rows) get the mean of the known ones."""
    out = np.full((values.shape[0], n_cells), np.nan, dtype=np.float32)
    if not cell.size:
        return out
    _, first = np.unique(cell, return_index=True)
    out[:, cell[first]] = values[:, first]
    repeated = np.unique(cell[np.setdiff1d(np.arange(cell.size), first)])
    for one in repeated:
        same = values[:, cell == one]
        seen = np.isfinite(same)
        total = np.where(seen, same, 0.0).sum(axis=1)
        out[:, one] = np.divide(total, seen.sum(axis=1), out=np.full(len(same), np.nan), where=seen.any(axis=1))
    return out
