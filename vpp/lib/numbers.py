"""Numbers from the texts of other systems' files."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal, InvalidOperation


def finite(text: str) -> Decimal:
    """The number in a text; ValueError for anything else, also for "nan" and "inf", which no comparison would catch."""
    with suppress(InvalidOperation):
        if (number := Decimal(text)).is_finite():
            return number
    raise ValueError(f"{text!r} is no number")
