"""Local day types and wall-clock mapping, right on clock-change days.

The rules are those of the settlement conventions: the day type is the *site's local* one, the same time of day is the
same wall-clock time, a slot that does not exist in spring is missing and the repeated hour of autumn is the mean of
both intervals. Holidays come in as data.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

MISSING = np.datetime64("NaT", "s")


@dataclass(frozen=True, slots=True)
class DayTypes:
    """Which pool of like days a local date belongs to.

    pool_by_weekday  : seven names, Monday first.
    holiday_pool     : name, or None where holidays belong to no pool.
    weekday_holidays : whether only holidays from Monday to Friday count as such (NYISO: weekends have no exclusions).
    """

    pool_by_weekday: tuple[str, ...]
    holiday_pool: str | None
    weekday_holidays: bool = False

    def __post_init__(self) -> None:
        if len(self.pool_by_weekday) != 7:
            raise ValueError("day types need one pool name per weekday, Monday first")

    def pool_of(self, day: date, holidays: frozenset[date]) -> str | None:
        """The pool of a local date as a reference day."""
        is_holiday = day in holidays and not (self.weekday_holidays and day.weekday() >= 5)
        return self.holiday_pool if is_holiday else self.pool_by_weekday[day.weekday()]

    def event_pool_of(self, day: date, holidays: frozenset[date]) -> str:
        """The pool that an event of that date is compared with: where holidays have none, that of the weekday."""
        return self.pool_of(day, holidays) or self.pool_by_weekday[day.weekday()]


DAY_TYPES: Mapping[str, DayTypes] = {
    "business_nonbusiness": DayTypes(("business",) * 5 + ("nonbusiness",) * 2, "nonbusiness"),
    "business_saturday_sunday": DayTypes(("business",) * 5 + ("saturday", "sunday"), "sunday"),
    "business_saturday_sunday_no_holidays": DayTypes(("business",) * 5 + ("saturday", "sunday"), None, True),
    "business_saturday_sunday_holiday": DayTypes(("business",) * 5 + ("saturday", "sunday"), "holiday"),
    "same_weekday": DayTypes(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"), "sunday"),
    "all": DayTypes(("all",) * 7, "all"),
}


def squashed(name: str) -> str:
    """A name without the marks that people write differently."""
    return "".join(mark for mark in name.lower() if mark.isalnum() or mark == "+")


# Other names, squashed. A list of pools is looked up as its sorted names in one.
DAY_TYPE_ALIASES: Mapping[str, str] = {
    **{squashed(name): name for name in DAY_TYPES},
    "1": "all",
    "one": "all",
    "any": "all",
    "alldays": "all",
    "none": "all",
    "2": "business_nonbusiness",
    "two": "business_nonbusiness",
    "2daytype": "business_nonbusiness",
    "weekdayweekend": "business_nonbusiness",
    "weekdaynonweekday": "business_nonbusiness",
    "businessday": "business_nonbusiness",
    "3": "business_saturday_sunday",
    "three": "business_saturday_sunday",
    "3daytype": "business_saturday_sunday",
    "weekdaysaturdaysunday": "business_saturday_sunday",
    "weekdaysaturdaysundayholiday": "business_saturday_sunday",
    "4": "business_saturday_sunday_holiday",
    "businessholidaysaturdaysunday": "business_saturday_sunday_holiday",
    "7": "same_weekday",
    "dayofweek": "same_weekday",
}
POOL_ALIASES: Mapping[str, str] = {
    "weekday": "business",
    "weekdays": "business",
    "workday": "business",
    "working": "business",
    "businessday": "business",
    "nonbusinessday": "nonbusiness",
    "nonbusiness": "nonbusiness",
    "weekend": "nonbusiness",
    "weekends": "nonbusiness",
    "nonworking": "nonbusiness",
    "sat": "saturday",
    "sun": "sunday",
    "sundayholiday": "sunday",
    "sundayandholiday": "sunday",
}


def observed_holidays(days: Iterable[date], sunday_moves_to_monday: bool = True) -> frozenset[date]:
    """Holidays as observed: with the NERC rule a Sunday holiday is kept on the Monday after it."""
    shift = {6: timedelta(days=1)} if sunday_moves_to_monday else {}
    return frozenset(day + shift.get(day.weekday(), timedelta(0)) for day in days)


def wall_clock(start: np.datetime64, zone: ZoneInfo) -> datetime:
    """The naive local wall-clock time of a UTC instant."""
    moment = start.astype("datetime64[s]").item()
    return moment.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)


def local_date(moment: datetime, zone: ZoneInfo) -> date:
    """The local date of an aware moment."""
    return moment.astimezone(zone).date()


@lru_cache(maxsize=20_000)
def steady_offset_s(day: date, zone: ZoneInfo) -> int | None:
    """The day's UTC offset in seconds, or None on a day on which the clock changes."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    first, last = midnight.utcoffset(), (midnight + timedelta(days=1)).utcoffset()
    assert first is not None and last is not None
    return int(first.total_seconds()) if first == last else None


def changes_clock(day: date, zone: ZoneInfo) -> bool:
    """Whether the local day has 23 or 25 hours."""
    return steady_offset_s(day, zone) is None


def utc_of_wall_clock(local: datetime, zone: ZoneInfo) -> tuple[np.datetime64, np.datetime64]:
    """The UTC instants at which a naive local time occurs: (first, second), NaT where it does not."""
    instants = []
    for fold in (0, 1):
        utc = local.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        if utc.astimezone(zone).replace(tzinfo=None) == local:
            instants.append(np.datetime64(utc.replace(tzinfo=None), "s"))
    if not instants:
        return MISSING, MISSING
    return instants[0], instants[1] if instants[-1] != instants[0] else MISSING


def day_slots_utc(
    day: date, offset_days: NDArray[np.int64], minutes: NDArray[np.int64], zone: ZoneInfo
) -> tuple[NDArray[np.datetime64], NDArray[np.datetime64]]:
    """UTC instants of wall-clock slots around a reference day.

    offset_days : (S,) local day of the slot relative to `day`.
    minutes     : (S,) minutes after local midnight on the wall clock.
    returns     : two (S,) arrays: the first instant (NaT where the slot does not exist) and the second one
                  (NaT except in the repeated hour).
    """
    first = np.full(minutes.size, MISSING)
    second = np.full(minutes.size, MISSING)
    for offset in np.unique(offset_days):
        of_day = offset_days == offset
        date_there = day + timedelta(days=int(offset))
        steady = steady_offset_s(date_there, zone)
        if steady is not None:
            seconds = minutes[of_day] * 60 - steady
            first[of_day] = np.datetime64(date_there, "s") + seconds.astype("timedelta64[s]")
            continue
        midnight = datetime.combine(date_there, time(0))  # naive: the wall clock
        for slot in np.flatnonzero(of_day):
            first[slot], second[slot] = utc_of_wall_clock(midnight + timedelta(minutes=int(minutes[slot])), zone)
    return first, second
