"""When a day is due to be settled again: offsets in business days, days or months from the delivery day."""

import calendar
from datetime import date, timedelta

BUSINESS_DAYS, DAYS, MONTHS = "BUSINESS_DAYS", "DAYS", "MONTHS"


def due_date(delivery_date: date, offset: int, unit: str, holidays: frozenset[date]) -> date:
    """The due date; a month that is too short ends it, business days skip weekends and holidays."""
    if unit == DAYS:
        return delivery_date + timedelta(days=offset)
    if unit == MONTHS:
        months = delivery_date.month - 1 + offset
        year, month = delivery_date.year + months // 12, months % 12 + 1
        return date(year, month, min(delivery_date.day, calendar.monthrange(year, month)[1]))
    if unit != BUSINESS_DAYS:
        raise ValueError(f"unit {unit!r} is not one of {(BUSINESS_DAYS, DAYS, MONTHS)}")
    day = delivery_date
    while offset:
        day += timedelta(days=1)
        offset -= day.weekday() < 5 and day not in holidays
    return day
