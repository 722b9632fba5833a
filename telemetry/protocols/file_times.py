"""Times in files: RFC 3339 with an offset, or local times of a stated zone with both clock changes accounted for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

SECOND_US = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadTime(ValueError):
    """A time that cannot be read; the message says why."""


class SkippedHour(BadTime):
    """A local time in the hour that the spring change leaves out: no clock has shown it."""


@dataclass(frozen=True)
class ClockChanges:
    """What the clock changes inside a file of local times meant.

    second_passes : times of a repeated hour that were told apart by their order.
    single_passes : times of a repeated hour that came once; they are read as its first pass, the second is missing.
    skipped_days  : days on which the clock went forward between two times of the file.
    """

    second_passes: int = 0
    single_passes: int = 0
    skipped_days: tuple[str, ...] = ()


class TimeReader:
    """Reads the times of one file. `zone=None` demands an offset in every time; `form` is of `datetime.strptime`.

    A local time in the hour that the autumn change repeats is its first pass, unless that would not be later than the
    previous time of the same series; then it is the second pass. A local time that the spring change leaves out raises
    SkippedHour. `changes` tells what happened.
    """

    def __init__(self, zone: str | None = None, form: str = "") -> None:
        self.zone = None if zone is None else ZoneInfo(zone)
        self._form = form
        self._known: dict[str, int] = {}
        self._last_us: dict[str, int] = {}
        self._passes: dict[tuple[str, int], int] = {}
        self._second_passes = 0
        self._span_us: tuple[int, int] | None = None

    def changes(self) -> ClockChanges:
        single = sum(1 for count in self._passes.values() if count == 1)
        return ClockChanges(self._second_passes, single, tuple(self._skipped_days()))

    def _skipped_days(self) -> Iterator[str]:
        if self.zone is None or self._span_us is None:
            return
        moment, last = (EPOCH + timedelta(microseconds=each) for each in self._span_us)
        while moment < last:
            later = min(moment + timedelta(hours=6), last)
            if _offset(later, self.zone) > _offset(moment, self.zone):
                yield f"{later.astimezone(self.zone):%Y-%m-%d}"
            moment = later

    def microseconds(self, text: str, series: str = "") -> int:
        """Microseconds since 1970; `series` names the device whose times rise through the file."""
        if (known := self._known.get(text)) is not None:
            return known
        try:
            moment = self._parse(text.strip())
        except ValueError:
            raise BadTime(f"{text!r} is no time; want {self._form or '2016-07-01T10:15:00Z'}") from None
        if moment.tzinfo is not None:
            self._known[text] = time_us = self._since_epoch(moment)
            return time_us
        return self._local(text, moment, series)

    def _parse(self, text: str) -> datetime:
        return datetime.strptime(text, self._form) if self._form else datetime.fromisoformat(text)  # noqa: DTZ007

    def _local(self, text: str, moment: datetime, series: str) -> int:
        if self.zone is None:
            raise BadTime(f"{text!r} has no offset from UTC and no time zone was given for the file")
        first = moment.replace(tzinfo=self.zone)
        if first.astimezone(UTC).astimezone(self.zone).replace(tzinfo=None) != moment:
            raise SkippedHour(f"{text!r} does not exist in {self.zone}: the clock skips that hour")
        time_us = self._since_epoch(first)
        second_us = self._since_epoch(first.replace(fold=1))
        low_us, high_us = self._span_us or (time_us, time_us)
        self._span_us = min(low_us, time_us), max(high_us, time_us)
        if second_us != time_us:
            passes = self._passes[series, time_us] = self._passes.get((series, time_us), 0) + 1
            if time_us <= self._last_us.get(series, -1):
                time_us = second_us
                self._second_passes += passes > 1
            self._last_us[series] = time_us
        else:
            self._known[text] = time_us
        return time_us

    @staticmethod
    def _since_epoch(moment: datetime) -> int:
        return (moment.astimezone(UTC) - EPOCH) // timedelta(microseconds=1)


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)
