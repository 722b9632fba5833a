"""What stands in an address."""

from __future__ import annotations

from datetime import date

from vpp.lib.periods import FIRST_DAY, LAST_DAY


def parse_date(text: str) -> date | None:
    """The day in ISO form; None for anything else, and for years in which nobody has traded or will."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if FIRST_DAY <= found <= LAST_DAY else None


def page_number(text: str) -> int:
    """A page from 1 on; anything that is no such number is the first page."""
    return max(int(text), 1) if text.isdecimal() and len(text) < 7 else 1
