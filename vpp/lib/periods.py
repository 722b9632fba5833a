"""Delivery days and interval grids. Inside: aware UTC, half-open intervals, labelled by their start.

A delivery day is a *local* day of a market or site, so it has 92, 96 or 100 quarter hours: they are
counted, never assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Datetime64Array = NDArray[np.datetime64]
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)  # what an edge takes: days on both sides are dates too


def local_moment(day: date, at: time, zone: str) -> datetime:
    """The UTC moment of a wall-clock time in `zone`.

    A wall-clock time that the spring change skips is read with the offset before the change (PEP 495, fold=0), one that
    the autumn change repeats is the first of the two.
    """
    return datetime.combine(day, at, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def as_datetime64(moment: datetime) -> np.datetime64:
    """An aware datetime as naive-UTC datetime64[s]; refuses a naive one."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone")
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "s")


def from_datetime64(moment: np.datetime64) -> datetime:
    """The aware UTC datetime of a naive-UTC datetime64."""
    naive: datetime = moment.astype("datetime64[us]").item()
    return naive.replace(tzinfo=UTC)


def interval_starts64(start: datetime, end: datetime, step_minutes: int) -> Datetime64Array:
    """(T,) datetime64[s] starts of the intervals in [start, end)."""
    return np.arange(as_datetime64(start), as_datetime64(end), np.timedelta64(step_minutes * 60, "s"))


@dataclass(frozen=True)
class DeliveryDay:
    """A local day of `zone` cut into intervals of `step_minutes`."""

    date: date
    zone: str
    step_minutes: int = 15

    @cached_property
    def start(self) -> datetime:
        return local_moment(self.date, time(0), self.zone)

    @cached_property
    def end(self) -> datetime:
        return local_moment(self.date + timedelta(days=1), time(0), self.zone)

    @property
    def n_intervals(self) -> int:
        """92, 96 or 100 for quarter hours; fails where the step does not divide the day."""
        count, rest = divmod(int((self.end - self.start).total_seconds()), self.step_minutes * 60)
        if rest:
            raise ValueError(f"{self.step_minutes} min does not divide {self.date} in {self.zone}")
        return count

    @property
    def hours_per_interval(self) -> float:
        return self.step_minutes / 60.0

    def starts(self) -> list[datetime]:
        """UTC starts of the intervals."""
        step = timedelta(minutes=self.step_minutes)
        return [self.start + index * step for index in range(self.n_intervals)]

    def starts64(self) -> Datetime64Array:
        """(H,) naive-UTC datetime64[s] starts of the intervals."""
        return interval_starts64(self.start, self.end, self.step_minutes)

    def index_of(self, moment: datetime) -> int:
        """Index of the interval that holds `moment`; IndexError outside the day."""
        index = int((moment - self.start).total_seconds() // (self.step_minutes * 60))
        if not 0 <= index < self.n_intervals:
            raise IndexError(f"{moment.isoformat()} is not on {self.date} in {self.zone}")
        return index

    def local_labels(self) -> list[str]:
        """HH:MM of each start in the day's zone; the second pass of a repeated hour is marked with a B."""
        zone = ZoneInfo(self.zone)
        locals_ = [start.astimezone(zone) for start in self.starts()]
        return [f"{local:%H:%M}{'B' if local.fold else ''}" for local in locals_]

    def shifted(self, days: int) -> DeliveryDay:
        return DeliveryDay(self.date + timedelta(days=days), self.zone, self.step_minutes)


def delivery_day_of(moment: datetime, zone: str, step_minutes: int = 15) -> DeliveryDay:
    """The local day of `zone` that holds `moment`."""
    return DeliveryDay(moment.astimezone(ZoneInfo(zone)).date(), zone, step_minutes)
