"""A file of readings through the same door as every other reading, one day a transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from telemetry.ingest import resolve
from telemetry.protocols.file_times import ClockChanges
from telemetry.protocols.file_types import NarrowFile, UnreadableFile, WideFile


@dataclass
class ImportReport:
    """What became of a file. `refusals`: (row of the file, reason) of each refused reading, in order of the days."""

    rows: int = 0
    accepted: int = 0
    corrected: int = 0
    duplicates: int = 0
    clock: ClockChanges = field(default_factory=ClockChanges)
    refusals: list[tuple[int, str]] = field(default_factory=list)

    @property
    def refused(self) -> int:
        return len(self.refusals)

    @property
    def reasons(self) -> Counter[str]:
        return Counter(reason for _, reason in self.refusals)

    def as_dict(self) -> dict[str, Any]:
        """For a report file."""
        counts = {name: getattr(self, name) for name in ("rows", "accepted", "corrected", "duplicates", "refused")}
        return counts | {
            "reasons": dict(self.reasons),
            "refused_rows": [{"row": row, "reason": reason} for row, reason in self.refusals],
            "clock_changes": asdict(self.clock),
        }


Progress = Callable[[int], None]  # told how many readings were dealt with since the last time


def refuse_unknown_devices(file: WideFile | NarrowFile) -> None:
    """A code that names no device makes the whole file unreadable: it was made for another installation."""
    unknown = np.flatnonzero(resolve.ratings_of(file.codes, None).device_id < 0)
    if unknown.size:
        row, column = file.column_of(int(unknown[0]))
        raise UnreadableFile(
            file.path, f"there is no device {file.codes[unknown[0]]!r} ({unknown.size} unknown)", row=row, column=column
        )
