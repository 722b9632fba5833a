"""Where an event's slots lie in a series, on the event day and on every reference day.

The grid depends on zone, event and series only, so that many sites share one: per site only values are gathered.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from vpp.lib.periods import as_datetime64
from vpp.settlement.kernels.answers import FloatArray
from vpp.settlement.kernels.calendar import day_slots_utc, local_date, wall_clock
from vpp.settlement.kernels.profiles import Window

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Series:
    """The frame of a regular series: first interval start (UTC), length of an interval, number of intervals."""

    start: np.datetime64
    step_s: int
    size: int

    def index_of(self, starts: NDArray[np.datetime64]) -> IntArray:
        """(K,) positions of interval starts; -1 where outside the series, off its grid, or NaT."""
        known = ~np.isnat(starts)
        seconds = np.where(known, (starts - self.start).astype("timedelta64[s]").astype(np.int64), -1)
        index = seconds // self.step_s
        inside = known & (seconds >= 0) & (seconds % self.step_s == 0) & (index < self.size)
        return np.where(inside, index, -1)


@dataclass(frozen=True, slots=True)
class Event:
    """What is settled: [start, end) in UTC, on the local date of its start."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError("an event ends after it starts")


@dataclass(frozen=True, slots=True)
class EventGrid:
    """Index arrays into a series; -1 is missing.

    starts, coverage : (E,) event intervals and the share of each inside the event.
    window_starts    : (W,) adjustment-window intervals.
    actual           : (E + W,) positions on the event day.
    dates            : D reference dates, most recent first.
    first, second    : (D, E + W) positions on each reference day; second only in a repeated hour.
    touched          : the day offsets that the event's slots touch.
    reach            : the day offsets that any slot, of event or window, touches.
    """

    event_date: date
    starts: NDArray[np.datetime64]
    coverage: FloatArray
    window_starts: NDArray[np.datetime64]
    actual: IntArray
    dates: tuple[date, ...]
    first: IntArray
    second: IntArray
    touched: tuple[int, ...]
    reach: tuple[int, ...]
    series: Series
    zone: ZoneInfo

    @property
    def n_event(self) -> int:
        """How many slots belong to the event; the others are window slots."""
        return self.coverage.size

    def midnight_index(self, day: date) -> int:
        """Position of a local midnight in the series; may lie outside it."""
        midnight = as_datetime64(datetime(day.year, day.month, day.day, tzinfo=self.zone))
        return int((midnight - self.series.start).astype("timedelta64[s]").astype(int)) // self.series.step_s

    def actual_values(self, values: FloatArray) -> FloatArray:
        """(E + W,) values of the event day."""
        return np.append(values, np.nan)[self.actual]

    def reference_values(self, values: FloatArray) -> FloatArray:
        """(D, E + W) values of the reference days, the repeated hour as the mean of both intervals."""
        padded = np.append(values, np.nan)
        taken = padded[self.first]
        repeated = self.second >= 0
        if repeated.any():
            taken[repeated] = 0.5 * (taken[repeated] + padded[self.second[repeated]])
        return taken


def event_intervals(event: Event, series: Series) -> tuple[NDArray[np.datetime64], FloatArray]:
    """The series' intervals that an event touches and the share of each that it covers."""
    start_s = (as_datetime64(event.start) - series.start).astype("timedelta64[s]").astype(int)
    end_s = (as_datetime64(event.end) - series.start).astype("timedelta64[s]").astype(int)
    index = np.arange(start_s // series.step_s, -(-end_s // series.step_s))
    begins = index * series.step_s
    covered = np.minimum(begins + series.step_s, end_s) - np.maximum(begins, start_s)
    return series.start + begins.astype("timedelta64[s]"), covered / series.step_s


def window_intervals(event: Event, windows: tuple[Window, ...], series: Series) -> NDArray[np.datetime64]:
    """(W,) intervals that START inside an adjustment window, measured in elapsed time."""
    found = []
    for window in windows:
        lead = timedelta(hours=window.from_h)
        begin = event.start - lead if window.side == "pre" else event.end + lead
        begin_s = (as_datetime64(begin) - series.start).astype("timedelta64[s]").astype(int)
        end_s = begin_s + round(window.hours * 3600)
        found.append(np.arange(-(-begin_s // series.step_s), -(-end_s // series.step_s)) * series.step_s)
    seconds = np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.int64)
    return series.start + seconds.astype("timedelta64[s]")


def build_grid(
    *, event: Event, series: Series, zone: ZoneInfo, windows: tuple[Window, ...], first_day: int, last_day: int
) -> EventGrid:
    """The grid of an event over the reference days day-first_day (most recent) to day-last_day."""
    starts, coverage = event_intervals(event, series)
    window_starts = window_intervals(event, windows, series)
    slots = np.concatenate([starts, window_starts])
    event_date = local_date(event.start, zone)
    walls = [wall_clock(slot, zone) for slot in slots]
    offsets = np.array([(wall.date() - event_date).days for wall in walls], dtype=np.int64)
    # whole minutes: the grids of all markets are; a zone with odd seconds would only make slots missing
    minutes = np.array([wall.hour * 60 + wall.minute for wall in walls], dtype=np.int64)
    dates = tuple(event_date - timedelta(days=back) for back in range(first_day, last_day + 1))
    instants = [day_slots_utc(day, offsets, minutes, zone) for day in dates]
    shape = (len(dates), slots.size)
    first = series.index_of(np.array([pair[0] for pair in instants]).reshape(-1)).reshape(shape)
    second = series.index_of(np.array([pair[1] for pair in instants]).reshape(-1)).reshape(shape)
    twice = ~np.isnat(np.array([pair[1] for pair in instants])).reshape(shape)
    first[twice & (second < 0)] = -1  # half of a repeated hour is not that hour
    return EventGrid(
        event_date=event_date,
        starts=starts,
        coverage=coverage,
        window_starts=window_starts,
        actual=series.index_of(slots),
        dates=dates,
        first=first,
        second=second,
        touched=tuple(int(offset) for offset in np.unique(offsets[: starts.size])),
        reach=tuple(int(offset) for offset in np.unique(offsets)),
        series=series,
        zone=zone,
    )
