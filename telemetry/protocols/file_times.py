"""Times in files: RFC 3339 with an offset, or local times of a stated zone with both clock changes accounted for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

SECOND_US = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadTime(ValueError):
    """A time that cannot be read; the message says why."""


class TimeReader:
    """Reads the times of one file. `zone=None` demands an offset in every time.

    A local time in the hour that the autumn change repeats is its first pass, unless that would not be later than the
    previous time of the same series; then it is the second pass. A local time that the spring change leaves out is
    refused. `repeated_hours` counts the times that were told apart by their order.
    """

    def __init__(self, zone: str | None = None) -> None:
        self.zone = None if zone is None else ZoneInfo(zone)
        self.repeated_hours = 0
        self._known: dict[str, int] = {}
        self._last_us: dict[str, int] = {}

    def microseconds(self, text: str, series: str = "") -> int:
        """Microseconds since 1970; `series` names the device whose times rise through the file."""
        if (known := self._known.get(text)) is not None:
            return known
        try:
            moment = datetime.fromisoformat(text.strip())
        except ValueError:
            raise BadTime(f"{text!r} is no time; want 2016-07-01T10:15:00Z") from None
        if moment.tzinfo is not None:
            self._known[text] = time_us = self._since_epoch(moment)
            return time_us
        return self._local(text, moment, series)

    def _local(self, text: str, moment: datetime, series: str) -> int:
        if self.zone is None:
            raise BadTime(f"{text!r} has no offset from UTC and no time zone was given for the file")
        first = moment.replace(tzinfo=self.zone)
        if first.astimezone(UTC).astimezone(self.zone).replace(tzinfo=None) != moment:
            raise BadTime(f"{text!r} does not exist in {self.zone}: the clock skips that hour")
        time_us = self._since_epoch(first)
        second_us = self._since_epoch(first.replace(fold=1))
        if second_us != time_us:
            if time_us <= self._last_us.get(series, -1):
                time_us = second_us
                self.repeated_hours += 1
            self._last_us[series] = time_us
        else:
            self._known[text] = time_us
        return time_us

    @staticmethod
    def _since_epoch(moment: datetime) -> int:
        return (moment.astimezone(UTC) - EPOCH) // timedelta(microseconds=1)
