"""What stands in an address."""

from __future__ import annotations

from datetime import date


def parse_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def page_number(text: str) -> int:
    """A page from 1 on; anything that is no such number is the first page."""
    return max(int(text), 1) if text.isdecimal() and len(text) < 7 else 1
