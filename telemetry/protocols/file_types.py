"""What a file of readings is once it is read, and how an unreadable one names its place (the header is row 1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from telemetry.kernels.batch import FloatColumn, IntColumn, ReadingBatch, batch_of
from telemetry.kernels.judge import DAY_US
from vpp.lib.errors import DomainError

UNITS_PER_KW = {"kW": 1.0, "W": 1000.0, "MW": 0.001}


class UnreadableFile(DomainError):
    """Nothing of the file was imported. Names the place: row and column, where there is one."""

    code = "unreadable_file"

    def __init__(self, path: Path, reason: str, *, row: int | None = None, column: str | None = None) -> None:
        place = "".join([f", row {row}" if row else "", f", column {column}" if column else ""])
        super().__init__(f"{path.name}{place}: {reason}", row=row, column=column)


Report = Callable[[int], None]  # told how many bytes were read since the last time


@dataclass(frozen=True)
class FileFormat:
    """How the file counts. Values are turned into kW, consumption positive."""

    zone: str | None = None
    unit: str = "kW"
    generation_positive: bool = False

    @property
    def factor(self) -> float:
        return (-1.0 if self.generation_positive else 1.0) / UNITS_PER_KW[self.unit]


@dataclass(frozen=True)
class WideFile:
    """Power of N devices at T instants: `time_us` (T,) microseconds, `power_kw` (T, N) with NaN where there is none."""

    path: Path
    codes: list[str]
    time_us: IntColumn
    power_kw: FloatColumn
    repeated_hours: int = 0

    @property
    def size(self) -> int:
        return int(np.isfinite(self.power_kw).sum())

    def column_of(self, place: int) -> tuple[int, str]:
        return 1, self.codes[place]

    def batches(self) -> Iterator[ReadingBatch]:
        """One batch a UTC day, ordered by (device, time), so that a day is stored in one piece."""
        day = self.time_us // DAY_US
        for each in np.unique(day):
            rows = np.flatnonzero(day == each)
            rows = rows[np.argsort(self.time_us[rows], kind="stable")]
            power_kw = np.ascontiguousarray(self.power_kw[rows].T).ravel()
            device = np.repeat(np.arange(len(self.codes)), rows.size)
            time_us, row = np.tile(self.time_us[rows], len(self.codes)), np.tile(rows + 2, len(self.codes))
            given = ~np.isnan(power_kw)
            if not given.all():
                power_kw, device, time_us, row = power_kw[given], device[given], time_us[given], row[given]
            yield batch_of(codes=self.codes, device=device, time_us=time_us, power_kw=power_kw, row=row)


@dataclass(frozen=True)
class NarrowFile:
    """One reading a line; `first_row` (D,) is where each device appears first."""

    path: Path
    batch: ReadingBatch
    first_row: list[int]
    repeated_hours: int = 0

    @property
    def codes(self) -> list[str]:
        return list(self.batch.codes)

    @property
    def size(self) -> int:
        return self.batch.size

    def column_of(self, place: int) -> tuple[int, str]:
        return self.first_row[place], "device"

    def batches(self) -> Iterator[ReadingBatch]:
        """One batch a UTC day."""
        whole = self.batch
        day = whole.time_us // DAY_US
        for place, each in enumerate(np.unique(day)):
            rows = np.flatnonzero(day == each)
            yield batch_of(
                codes=whole.codes,
                device=whole.device[rows],
                time_us=whole.time_us[rows],
                power_kw=whole.power_kw[rows],
                energy_kwh=whole.energy_kwh[rows],
                soc_kwh=whole.soc_kwh[rows],
                voltage_pu=whole.voltage_pu[rows],
                correction=whole.correction[rows],
                row=whole.row[rows],
                quality=whole.quality[rows],
                refused=whole.refused if place == 0 else None,
            )


def refuse_repeated_times(path: Path, time_us: IntColumn) -> None:
    order = np.argsort(time_us, kind="stable")
    again = np.flatnonzero(np.diff(time_us[order]) == 0)
    if again.size:
        row = int(order[again[0] + 1]) + 2
        raise UnreadableFile(path, "the same instant as an earlier row", row=row, column="time")


def refuse_infinite(path: Path, codes: list[str], power_kw: FloatColumn) -> None:
    infinite = np.argwhere(np.isinf(power_kw))
    if infinite.size:
        row, column = infinite[0]
        raise UnreadableFile(path, "an infinite value", row=int(row) + 2, column=codes[column])
