"""Cells of CSV files: moments and numbers, or a refusal that names their place."""

from __future__ import annotations

import math
from pathlib import Path

from telemetry.protocols.file_times import BadTime, SkippedHour, TimeReader
from telemetry.protocols.file_types import UnreadableFile

BYTES_A_REPORT = 1 << 20


def moment_of(path: Path, row: int, times: TimeReader, text: str, series: str = "") -> int | None:
    """None for a local time that no clock has shown."""
    try:
        return times.microseconds(text, series)
    except SkippedHour:
        return None
    except (BadTime, OverflowError) as error:
        raise UnreadableFile(path, str(error), row=row, column="time") from None


def number_of(path: Path, row: int, column: str, text: str) -> float:
    """A number; an empty cell is NaN."""
    if not text.strip():
        return math.nan
    try:
        value = float(text)
    except ValueError:
        raise UnreadableFile(path, f"{text.strip()!r} is not a number", row=row, column=column) from None
    if math.isinf(value):
        raise UnreadableFile(path, "an infinite value", row=row, column=column)
    return value
