"""Numbers from the texts of other systems' files."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal, InvalidOperation

MOST = Decimal(10) ** 8  # kW, MW, EUR: far above any, and within every column


def finite(text: str) -> Decimal:
    """The number in a text; ValueError for anything else: "nan" and "inf", which no comparison would catch, and what is
    too large for a column to hold."""
    with suppress(InvalidOperation):
        if (number := Decimal(text)).is_finite() and abs(number) < MOST:
            return number
    raise ValueError(f"{text!r} is no number")
