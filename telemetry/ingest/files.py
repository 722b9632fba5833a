"""A file of readings through the same door as every other reading, one day a transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from telemetry.ingest import resolve
from telemetry.protocols.file_types import NarrowFile, UnreadableFile, WideFile

SHOWN_REFUSALS = 20


@dataclass
class ImportReport:
    """What became of a file. `shown`: the first refusals as (row of the file, reason)."""

    rows: int = 0
    accepted: int = 0
    corrected: int = 0
    duplicates: int = 0
    repeated_hours: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    shown: list[tuple[int, str]] = field(default_factory=list)

    @property
    def refused(self) -> int:
        return sum(self.reasons.values())


Progress = Callable[[int], None]  # told how many readings were dealt with since the last time


def refuse_unknown_devices(file: WideFile | NarrowFile) -> None:
    """A code that names no device makes the whole file unreadable: it was made for another installation."""
    unknown = np.flatnonzero(resolve.ratings_of(file.codes, None).device_id < 0)
    if unknown.size:
        row, column = file.column_of(int(unknown[0]))
        raise UnreadableFile(
            file.path, f"there is no device {file.codes[unknown[0]]!r} ({unknown.size} unknown)", row=row, column=column
        )
