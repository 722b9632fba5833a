"""Readings as CSV text, one reading a line."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from telemetry.kernels.batch import batch_of
from telemetry.kernels.quality import Refusal
from telemetry.kernels.registers import Showings, batch_of_registers
from telemetry.protocols.csv_cells import BYTES_A_REPORT, moment_of, number_of
from telemetry.protocols.file_times import TimeReader
from telemetry.protocols.file_types import FileFormat, NarrowFile, Report, UnreadableFile

COLUMNS = ("power_kw", "energy_kwh", "soc_kwh", "voltage_pu", "register_kwh")
MARKS = {"": 0, "0": 0, "false": 0, "1": 1, "true": 1}


@dataclass
class _Lines:
    """What was read so far; the arrays have one entry a reading, `places` and `first_row` one a device."""

    columns: dict[str, array[float]]
    device: array[int] = field(default_factory=lambda: array("q"))
    time_us: array[int] = field(default_factory=lambda: array("q"))
    rows: array[int] = field(default_factory=lambda: array("q"))
    corrections: array[int] = field(default_factory=lambda: array("b"))
    places: dict[str, int] = field(default_factory=dict)
    first_row: list[int] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)


def read_narrow(path: Path, lines: Iterable[str], names: list[str], form: FileFormat, report: Report) -> NarrowFile:
    """Raises UnreadableFile with row and column."""
    _check_names(path, names)
    times, read = TimeReader(form.zone, form.time_format), 0
    found = _Lines({name: array("d") for name in names[2:] if name != "correction"})
    for row, cells in enumerate(csv.reader(lines), start=2):
        if not cells:
            continue
        _take(path, row, cells, names, times, found)
        read += sum(map(len, cells))
        if read > BYTES_A_REPORT:
            report(read)
            read = 0
    report(read)
    floats = {name: np.array(values) * form.factor_of(name) for name, values in found.columns.items()}
    of_device, at_us, of_row = (np.array(one, dtype=np.int64) for one in (found.device, found.time_us, found.rows))
    if "register_kwh" in floats:
        showings = Showings(list(found.places), of_device, at_us, floats["register_kwh"], of_row, found.refused)
        return NarrowFile(path, batch_of_registers(showings), found.first_row, times.changes())
    batch = batch_of(
        codes=list(found.places),
        device=of_device,
        time_us=at_us,
        correction=np.array(found.corrections, dtype=np.bool_),
        row=of_row,
        power_kw=floats["power_kw"],
        energy_kwh=floats.get("energy_kwh"),
        soc_kwh=floats.get("soc_kwh"),
        voltage_pu=floats.get("voltage_pu"),
        refused=found.refused,
    )
    return NarrowFile(path, batch, found.first_row, times.changes())


def _check_names(path: Path, names: list[str]) -> None:
    unknown = [name for name in names[2:] if name not in (*COLUMNS, "correction")]
    if unknown:
        raise UnreadableFile(path, f"unknown column; want some of {', '.join(COLUMNS)}", row=1, column=unknown[0])
    if "register_kwh" in names and not {"power_kw", "energy_kwh"}.isdisjoint(names):
        raise UnreadableFile(path, "a register makes power and energy itself", row=1, column="register_kwh")
    if "power_kw" not in names and "register_kwh" not in names:
        raise UnreadableFile(path, "the column is missing", row=1, column="power_kw")


def _take(path: Path, row: int, cells: list[str], names: list[str], times: TimeReader, found: _Lines) -> None:
    """One line; a local time that no clock has shown is refused alone."""
    if len(cells) != len(names):
        raise UnreadableFile(path, f"{len(cells)} values for {len(names)} columns", row=row)
    code = cells[1].strip()
    if not code:
        raise UnreadableFile(path, "no device code", row=row, column="device")
    if (time_us := moment_of(path, row, times, cells[0], code)) is None:
        found.refused.append((row, Refusal.SKIPPED_HOUR))
        return
    if code not in found.places:
        found.places[code] = len(found.places)
        found.first_row.append(row)
    found.device.append(found.places[code])
    found.time_us.append(time_us)
    found.rows.append(row)
    found.corrections.append(0)
    for name, cell in zip(names[2:], cells[2:], strict=True):
        if name == "correction":
            found.corrections[-1] = _mark(path, row, cell)
        else:
            found.columns[name].append(number_of(path, row, name, cell))


def _mark(path: Path, row: int, text: str) -> int:
    if (mark := MARKS.get(text.strip().lower())) is None:
        raise UnreadableFile(path, f"{text!r} is neither true nor false", row=row, column="correction")
    return mark
