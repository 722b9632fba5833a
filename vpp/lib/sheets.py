"""Texts for tables that are opened with a sheet program."""

from __future__ import annotations

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def plain(text: str) -> str:
    """What others wrote must not be taken for a formula: it gets the mark of a text before it."""
    return f"'{text}" if text.startswith(FORMULA) else text
