"""What a file of readings is once it is read, and how an unreadable one names its place (the header is row 1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from telemetry.kernels.batch import FloatColumn, IntColumn, ReadingBatch, batch_of, rows_of
from telemetry.kernels.judge import DAY_US
from telemetry.protocols.file_times import ClockChanges
from vpp.lib.errors import DomainError

UNITS_PER_KW = {"kW": 1.0, "W": 1000.0, "MW": 0.001}
ENERGY_UNITS = {f"{unit}h": per_kw for unit, per_kw in UNITS_PER_KW.items()}
UNITS = {  # of each column: how many make one of ours
    "power_kw": UNITS_PER_KW,
    "energy_kwh": ENERGY_UNITS,
    "register_kwh": ENERGY_UNITS,
    "soc_kwh": ENERGY_UNITS,
    "voltage_pu": {"pu": 1.0, "percent": 100.0},
}
DIRECTED = ("power_kw", "energy_kwh", "register_kwh")  # have a sign


class UnreadableFile(DomainError):
    """Nothing of the file was imported. Names the place: row and column, where there is one."""

    code = "unreadable_file"

    def __init__(self, path: Path, reason: str, *, row: int | None = None, column: str | None = None) -> None:
        place = "".join([f", row {row}" if row else "", f", column {column}" if column else ""])
        super().__init__(f"{path.name}{place}: {reason}", row=row, column=column)


Report = Callable[[int], None]  # told how many bytes were read since the last time


@dataclass(frozen=True)
class FileFormat:
    """How the file counts and names. Values are turned into kW, consumption positive.

    unit        : of power, and of energy as that times an hour. `units` : of single columns, a key of UNITS each.
    columns     : our name (a device code in a wide file) to the file's; with any, only named columns are read.
    device      : whose readings these are, in a file that does not say. `usage_points` : Green Button's to our device.
    time_format : of `datetime.strptime`; empty for RFC 3339.
    """

    zone: str | None = None
    unit: str = "kW"
    generation_positive: bool = False
    units: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    delimiter: str = ","
    decimal: str = "."
    time_format: str = ""
    device: str = ""
    usage_points: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_plain(self) -> bool:
        """Whether a CSV file can be read as it is."""
        return not (self.columns or self.device) and (self.delimiter, self.decimal) == (",", ".")

    @property
    def factor(self) -> float:
        return self.factor_of("power_kw")

    def factor_of(self, column: str) -> float:
        """What a value of the column is multiplied by."""
        default = {"power_kw": self.unit, "energy_kwh": f"{self.unit}h", "register_kwh": f"{self.unit}h"}
        unit = self.units.get(column, default.get(column))
        sign = -1.0 if self.generation_positive and column in DIRECTED else 1.0
        return sign if unit is None else sign / UNITS[column][unit]


@dataclass(frozen=True)
class WideFile:
    """Power of N devices at T instants: `time_us` (T,) microseconds, `power_kw` (T, N) with NaN where there is none."""

    path: Path
    codes: list[str]
    time_us: IntColumn
    power_kw: FloatColumn
    clock: ClockChanges = ClockChanges()
    rows: IntColumn | None = None  # (T,) row of the file of each instant; None: from 2 on
    refused: tuple[tuple[int, str], ...] = ()

    @property
    def size(self) -> int:
        return int(np.isfinite(self.power_kw).sum())

    def column_of(self, place: int) -> tuple[int, str]:
        return 1, self.codes[place]

    def batches(self) -> Iterator[ReadingBatch]:
        """One batch a UTC day, ordered by (device, time), so that a day is stored in one piece."""
        day, refused = self.time_us // DAY_US, list(self.refused)
        of_file = np.arange(2, self.time_us.size + 2) if self.rows is None else self.rows
        if refused and not day.size:
            yield nothing_but(refused)
        for each in np.unique(day):
            rows = np.flatnonzero(day == each)
            rows = rows[np.argsort(self.time_us[rows], kind="stable")]
            power_kw = np.ascontiguousarray(self.power_kw[rows].T).ravel()
            device = np.repeat(np.arange(len(self.codes)), rows.size)
            time_us, row = np.tile(self.time_us[rows], len(self.codes)), np.tile(of_file[rows], len(self.codes))
            given = ~np.isnan(power_kw)
            if not given.all():
                power_kw, device, time_us, row = power_kw[given], device[given], time_us[given], row[given]
            yield batch_of(
                codes=self.codes, device=device, time_us=time_us, power_kw=power_kw, row=row, refused=refused
            )
            refused = []


@dataclass(frozen=True)
class NarrowFile:
    """One reading a line; `first_row` (D,) is where each device appears first."""

    path: Path
    batch: ReadingBatch
    first_row: list[int]
    clock: ClockChanges = ClockChanges()

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
        if whole.refused and not day.size:
            yield nothing_but(whole.refused)
        for place, each in enumerate(np.unique(day)):
            yield rows_of(whole, np.flatnonzero(day == each), refused=place == 0)


def nothing_but(refused: list[tuple[int, str]]) -> ReadingBatch:
    none = np.empty(0, dtype=np.int64)
    return batch_of(codes=[], device=none, time_us=none, power_kw=none.astype(np.float64), refused=refused)


def refuse_repeated_times(path: Path, time_us: IntColumn, rows: IntColumn | None = None) -> None:
    """`rows` : (n,) row of the file of each time; None: from 2 on."""
    order = np.argsort(time_us, kind="stable")
    again = np.flatnonzero(np.diff(time_us[order]) == 0)
    if again.size:
        place = int(order[again[0] + 1])
        row = place + 2 if rows is None else int(rows[place])
        raise UnreadableFile(path, "the same instant as an earlier row", row=row, column="time")


def refuse_infinite(path: Path, codes: list[str], power_kw: FloatColumn) -> None:
    infinite = np.argwhere(np.isinf(power_kw))
    if infinite.size:
        row, column = infinite[0]
        raise UnreadableFile(path, "an infinite value", row=int(row) + 2, column=codes[column])
