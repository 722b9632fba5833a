"""Gate closures and market blocks in the market's own time zone, over clock changes."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np

from bidding.kernels.problem import IntArray
from vpp.lib.periods import DeliveryDay, local_moment


def gate_closure(
    delivery_date: date, days_before: int, local_time: time, zone: str, *, working_days: str | None = None
) -> datetime:
    """The UTC moment of a market's gate for a delivery date: a wall-clock time, `days_before` days ahead, in
    its zone.

    working_days : a calendar ("DE", "US-CA"; "" for weekends alone) on whose working days the gate lies: where the day
        is none, the last one before it.
    """
    gate_date = delivery_date - timedelta(days=days_before)
    if working_days is not None:
        while gate_date.weekday() >= 5 or gate_date in holiday_dates(working_days, gate_date.year):
            gate_date -= timedelta(days=1)
    return local_moment(gate_date, local_time, zone)


@cache
def holiday_dates(calendar: str, year: int) -> frozenset[date]:
    """Public holidays of a country, or of a part of it ("US-CA"); none for "". Raises ValueError for an unknown one."""
    import holidays

    if not calendar:
        return frozenset()
    country, _, part = calendar.partition("-")
    try:
        return frozenset(holidays.country_holidays(country, subdiv=part or None, years=year))
    except NotImplementedError as error:
        raise ValueError(f"no holidays are known for {calendar!r}") from error


def block_of_interval(day: DeliveryDay, block_minutes: int) -> IntArray:
    """(T,) number of the market block that holds each interval, counted from 0.

    Blocks of up to an hour are cut from elapsed time (a 25-hour day has 25 hourly units). Longer ones follow the wall
    clock: the 00-04 block of a spring day has three hours, that of an autumn day five.
    """
    starts = day.starts()
    if block_minutes <= 60:
        if block_minutes % day.step_minutes:
            raise ValueError(f"a block of {block_minutes} min does not fit intervals of {day.step_minutes} min")
        return np.arange(len(starts), dtype=np.int64) // (block_minutes // day.step_minutes)
    zone = ZoneInfo(day.zone)
    local = [start.astimezone(zone) for start in starts]
    wall = np.array([(moment.hour * 60 + moment.minute) // block_minutes for moment in local], dtype=np.int64)
    return np.unique(wall, return_inverse=True)[1].astype(np.int64)
