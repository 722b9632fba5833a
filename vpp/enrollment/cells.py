"""How the cells of an import file are read. Each raises ValueError with what is wrong, as words that follow it."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from vpp.lib.periods import FIRST_DAY, LAST_DAY

Parse = Callable[[str], Any]
LARGEST_WHOLE = 32_767  # what a small integer of the database holds


def text(most: int) -> Parse:
    def parse(cell: str) -> str:
        if len(cell) > most:
            raise ValueError(f"is longer than {most} characters")
        if not cell.isprintable():
            raise ValueError("holds a character that cannot be printed")
        return cell

    return parse


def number(cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        raise ValueError(_no_number(cell)) from None
    if not math.isfinite(value):
        raise ValueError("is not a finite number")
    return value


def not_negative(cell: str) -> float:
    value = number(cell)
    if value < 0:
        raise ValueError("is negative")
    return value


def whole(cell: str) -> int:
    try:
        value = int(cell)
    except ValueError:
        raise ValueError("is no whole number") from None
    if value < 0:
        raise ValueError("is negative")
    if value > LARGEST_WHOLE:
        raise ValueError(f"is more than {LARGEST_WHOLE}")
    return value


def amount(below: int) -> Parse:
    def parse(cell: str) -> Decimal:
        try:
            value = Decimal(cell)
        except InvalidOperation:
            raise ValueError(_no_number(cell)) from None
        if not value.is_finite():
            raise ValueError("is not a finite number")
        if abs(value) >= below:
            raise ValueError(f"is not below {below}")
        return value

    return parse


def _no_number(cell: str) -> str:
    return "is no number; decimals have a point, as 1.5" if "," in cell else "is no number"


def yes_no(cell: str) -> bool:
    lowered = cell.lower()
    if lowered in {"true", "yes", "1"}:
        return True
    if lowered in {"false", "no", "0"}:
        return False
    raise ValueError("is neither true nor false")


def one_of(*allowed: str) -> Parse:
    def parse(cell: str) -> str:
        if cell not in allowed:
            raise ValueError(f"is none of {', '.join(allowed)}")
        return cell

    return parse


def zone(cell: str) -> str:
    try:
        ZoneInfo(cell)
    except Exception:  # zoneinfo raises several kinds for names that are no zone
        raise ValueError("is not an IANA time zone such as Europe/Berlin") from None
    return cell


def start_moment(cell: str) -> datetime:
    """A date (midnight UTC) or an ISO moment with a zone."""
    try:
        moment = datetime.fromisoformat(cell)
    except ValueError:
        raise ValueError("is neither a date as 2016-07-14 nor a moment as 2016-07-14T10:00+02:00") from None
    if not FIRST_DAY <= moment.date() <= LAST_DAY:
        raise ValueError(f"is not between {FIRST_DAY} and {LAST_DAY}")
    if len(cell) == 10:
        return moment.replace(tzinfo=UTC)
    if moment.tzinfo is None:
        raise ValueError("has no time zone")
    return moment.astimezone(UTC)


def wall_time(cell: str) -> time:
    try:
        found = time.fromisoformat(cell)
    except ValueError:
        raise ValueError("is no time of day as 07:30") from None
    if found.tzinfo:
        raise ValueError("is local time; leave its zone out")
    return found
