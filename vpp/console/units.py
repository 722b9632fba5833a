"""How numbers and moments read on a page: always with their unit, moments always with their zone."""

from __future__ import annotations

from datetime import date as Date
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.utils.dateformat import format as date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

THIN_SPACE = "\u202f"
MISSING = "–"
Number = float | Decimal | int


def grouped(value: Number, decimals: int) -> str:
    """1234567.8 as `1 234 567.8` with thin spaces and a true minus sign; never `-0`."""
    text = f"{value:,.{decimals}f}"
    if not text.strip("-0.,"):
        text = text.lstrip("-")
    text = text.replace(",", THIN_SPACE).replace("-", "\u2212")
    return text.replace(".", ",") if (get_language() or "").startswith("de") else text


def known(value: Number | str | None) -> Number | None:
    """A number, also out of the decimal text of a trace; None for nothing, NaN and what a template could not find."""
    if value is None or value == "" or value != value:
        return None
    return Decimal(value) if isinstance(value, str) else value


def quantity(value: Number | str | None, unit: str) -> str:
    """A measured or planned quantity with as many decimals as carry meaning at its size."""
    number = known(value)
    return MISSING if number is None else f"{plain(number)}\u00a0{unit}"


def plain(value: Number | str | None) -> str:
    """The same without its unit, for columns that name it in their head."""
    number = known(value)
    if number is None:
        return MISSING
    size = abs(float(number))
    return grouped(number, 0 if size >= 1000 else 1 if size >= 10 or size == 0 else 2)


def money(value: Number | str | None, currency: str = "EUR") -> str:
    number = known(value)
    return MISSING if number is None else f"{grouped(number, 2)}\u00a0{currency}"


def price(value: Number | None, unit: str = "EUR/MWh") -> str:
    number = known(value)
    return MISSING if number is None else f"{grouped(number, 2)}\u00a0{unit}"


def percent(value: float | None) -> str:
    number = known(value)
    return MISSING if number is None else f"{grouped(float(number) * 100.0, 1)}\u00a0%"


def seconds(value: float | None) -> str:
    """A duration: `0.84 s`, `12 s`, `3 min 5 s`."""
    number = known(value)
    if number is None:
        return MISSING
    if number < 10:
        return f"{grouped(number, 2)}\u00a0s"
    return span(timedelta(seconds=float(number)))


def local(moment: datetime | None, zone: str, *, with_date: bool = True) -> str:
    """`14 Jul 2016 14:15 CEST`; the zone's abbreviation tells the two passes of a repeated hour apart."""
    if moment is None:
        return MISSING
    there = moment.astimezone(ZoneInfo(zone))
    clock = f"{there:%H:%M}\u00a0{there:%Z}"
    return f"{date_format(there, _('j M Y'))} {clock}".replace(" ", "\u00a0", 2) if with_date else clock


def day(date: Date) -> str:
    return date_format(date, _("j M Y")).replace(" ", "\u00a0")


def span(delta: timedelta) -> str:
    """A length of time in its two largest units: `2 d 4 h`, `3 h 20 min`, `45 s`."""
    total = int(abs(delta).total_seconds())
    for size, unit, lower, lower_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if total >= size:
            whole, rest = divmod(total, size)
            part = rest // lower
            return f"{whole}\u00a0{unit}" + (f" {part}\u00a0{lower_unit}" if part else "")
    return f"{total}\u00a0s"


def age(moment: datetime | None, at: datetime) -> str:
    """`12 min ago`, or `in 3 h 5 min` for what lies ahead."""
    if moment is None:
        return MISSING
    if moment > at:
        return _("in %(span)s") % {"span": span(moment - at)}
    return _("%(span)s ago") % {"span": span(at - moment)}
