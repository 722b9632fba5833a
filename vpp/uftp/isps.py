"""ISPs of a message, numbered from 1, and the quarter hours of a day. Powers in W here, consumption positive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bidding.models import Market
from vpp.lib.periods import DeliveryDay
from vpp.uftp import refusals
from vpp.uftp.refusals import Rejected

ISP_MINUTES = 15
WATTS_PER_KW = 1000
FIRST_YEAR, LAST_YEAR = 2000, 2199


def day_of_message(message: Any, market: Market) -> DeliveryDay:
    """The delivery day that a message speaks of. Raises Rejected for another ISP length or another clock."""
    duration = message.isp_duration
    if not _is_quarter(duration):
        raise Rejected(refusals.ISP_DURATION)
    period = date_of(message.period)
    try:
        theirs = DeliveryDay(period, str(ZoneInfo(message.time_zone)), ISP_MINUTES)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Rejected(refusals.TIME_ZONE) from None
    day = DeliveryDay(period, market.time_zone, ISP_MINUTES)
    if (theirs.start, theirs.end) != (day.start, day.end):
        raise Rejected(refusals.TIME_ZONE)
    return day


def date_of(period: Any) -> date:
    """A period as a date. Raises Rejected for one that no calendar of ours holds."""
    try:
        found: date = period.to_date()
    except (ValueError, OverflowError):
        raise Rejected(refusals.PERIOD) from None
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise Rejected(refusals.PERIOD)
    return found


def _is_quarter(duration: Any) -> bool:
    values = (duration.years, duration.months, duration.days, duration.hours, duration.minutes, duration.seconds)
    years, months, days, hours, minutes, seconds = (float(value or 0) for value in values)
    if duration.negative or years or months:
        return False
    return (days * 24 + hours) * 3600 + minutes * 60 + seconds == ISP_MINUTES * 60


def check_not_past(day: DeliveryDay, at: datetime) -> None:
    if day.end <= at:
        raise Rejected(refusals.PERIOD)


def expand(isps: Iterable[Any], day: DeliveryDay) -> dict[int, Any]:
    """Interval index from 0: the ISP element that covers it. Raises Rejected for a number beyond the day or twice."""
    covered: dict[int, Any] = {}
    for isp in isps:
        if isp.start < 1 or isp.duration < 1 or isp.start + isp.duration - 1 > day.n_intervals:
            raise Rejected(refusals.OUT_OF_BOUNDS)
        for index in range(isp.start - 1, isp.start - 1 + isp.duration):
            if index in covered:
                raise Rejected(refusals.CONFLICT)
            covered[index] = isp
    return covered


def watts(up_kw: Sequence[float], down_kw: Sequence[float]) -> dict[int, int]:
    """ISP number from 1: deviation in W, consumption positive; where there is none, nothing."""
    powers = {
        index + 1: round((down - up) * WATTS_PER_KW)
        for index, (up, down) in enumerate(zip(up_kw, down_kw, strict=True))
    }
    return {number: power for number, power in powers.items() if power}
