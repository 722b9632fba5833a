"""The intervals of an event, of its windows and of its day in a regular series."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from vpp.lib.periods import as_datetime64
from vpp.settlement.kernels.answers import FloatArray
from vpp.settlement.kernels.calendar import local_date
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


def local_midnight(day: date, zone: ZoneInfo) -> datetime:
    """The start of a local date."""
    return datetime(day.year, day.month, day.day, tzinfo=zone)


@dataclass(frozen=True, slots=True)
class Slots:
    """The slots of an event day: the event's intervals with their covered share, then those of the windows."""

    starts: NDArray[np.datetime64]
    coverage: FloatArray
    window_starts: NDArray[np.datetime64]
    step_s: int

    @property
    def n_event(self) -> int:
        """How many slots belong to the event; the others are window slots."""
        return self.coverage.size

    @property
    def all_starts(self) -> NDArray[np.datetime64]:
        """(E + W,) of event and windows."""
        return np.concatenate([self.starts, self.window_starts])

    def overlaps(self, others: Sequence[tuple[datetime, datetime]]) -> bool:
        """Whether a window slot lies, even in part, in one of the periods."""
        ends = self.window_starts + np.timedelta64(self.step_s, "s")
        return any(
            bool(np.any((self.window_starts < as_datetime64(end)) & (ends > as_datetime64(start))))
            for start, end in others
        )


def slots_of(event: Event, windows: tuple[Window, ...], series: Series) -> Slots:
    """Event and window slots in a series."""
    starts, coverage = event_intervals(event, series)
    return Slots(starts, coverage, window_intervals(event, windows, series), series.step_s)


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


def non_event_intervals(event: Event, series: Series, zone: ZoneInfo, skip_h: float) -> NDArray[np.datetime64]:
    """(W,) intervals that start on the event's local date and keep `skip_h` hours away from the event."""
    day = local_date(event.start, zone)
    first, last = (as_datetime64(local_midnight(day + timedelta(days=later), zone)) for later in (0, 1))
    begin_s, end_s = (int((at - series.start).astype("timedelta64[s]").astype(int)) for at in (first, last))
    seconds = np.arange(-(-begin_s // series.step_s), -(-end_s // series.step_s)) * series.step_s
    away = timedelta(hours=skip_h)
    event_s = (as_datetime64(event.start - away) - series.start).astype("timedelta64[s]").astype(int)
    rest_s = (as_datetime64(event.end + away) - series.start).astype("timedelta64[s]").astype(int)
    far = (seconds + series.step_s <= event_s) | (seconds >= rest_s)
    return series.start + seconds[far].astype("timedelta64[s]")
