"""Readings as CSV text: one column a device (wide), or one reading a line (narrow)."""

from __future__ import annotations

import csv
import math
from array import array
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from telemetry.kernels.batch import batch_of
from telemetry.kernels.quality import Refusal
from telemetry.kernels.registers import Showings, batch_of_registers
from telemetry.protocols.file_times import BadTime, SkippedHour, TimeReader
from telemetry.protocols.file_types import (
    FileFormat,
    NarrowFile,
    Report,
    UnreadableFile,
    WideFile,
    refuse_infinite,
    refuse_repeated_times,
)

NARROW_COLUMNS = ("power_kw", "energy_kwh", "soc_kwh", "voltage_pu", "register_kwh")
BYTES_A_REPORT = 1 << 20


def read_wide(path: Path, lines: Iterable[str], names: list[str], form: FileFormat, report: Report) -> WideFile:
    codes = names[1:]
    if not codes or "" in codes:
        raise UnreadableFile(path, "a column has no device code", row=1)
    times, read = TimeReader(form.zone, form.time_format), 0
    last_row = 0
    time_us, values, rows = array("q"), array("d"), array("q")
    refused: list[tuple[int, str]] = []
    for row, line in enumerate(lines, start=2):
        read += len(line)
        if not line.strip():
            last_row = last_row or row
            continue
        if last_row:
            raise UnreadableFile(path, "an empty row before the end", row=last_row)
        text, *cells = line.rstrip("\r\n").split(",")
        if len(cells) != len(codes):
            raise UnreadableFile(path, f"{len(cells)} values for {len(codes)} devices", row=row)
        if (moment_us := _time(path, row, times, text)) is None:
            refused.append((row, Refusal.SKIPPED_HOUR))
            continue
        time_us.append(moment_us)
        rows.append(row)
        try:
            values.extend(map(float, cells))
        except ValueError:
            del values[(len(time_us) - 1) * len(codes) :]
            values.extend(_cell(path, row, code, cell) for code, cell in zip(codes, cells, strict=True))
        if read > BYTES_A_REPORT:
            report(read)
            read = 0
    report(read)
    moments = np.array(time_us, dtype=np.int64)
    refuse_repeated_times(path, moments, np.array(rows, dtype=np.int64))
    power_kw = np.array(values).reshape(moments.size, len(codes)) * form.factor
    refuse_infinite(path, codes, power_kw)
    of_file = np.array(rows, dtype=np.int64)
    return WideFile(path, codes, moments, power_kw, times.changes(), of_file, tuple(refused))


def _time(path: Path, row: int, times: TimeReader, text: str, series: str = "") -> int | None:
    """None for a local time that no clock has shown."""
    try:
        return times.microseconds(text, series)
    except SkippedHour:
        return None
    except (BadTime, OverflowError) as error:
        raise UnreadableFile(path, str(error), row=row, column="time") from None


def _cell(path: Path, row: int, column: str, text: str) -> float:
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


def read_narrow(path: Path, lines: Iterable[str], names: list[str], form: FileFormat, report: Report) -> NarrowFile:
    unknown = [name for name in names[2:] if name not in (*NARROW_COLUMNS, "correction")]
    if unknown:
        raise UnreadableFile(
            path, f"unknown column; want some of {', '.join(NARROW_COLUMNS)}", row=1, column=unknown[0]
        )
    if "register_kwh" in names and not {"power_kw", "energy_kwh"}.isdisjoint(names):
        raise UnreadableFile(path, "a register makes power and energy itself", row=1, column="register_kwh")
    if "power_kw" not in names and "register_kwh" not in names:
        raise UnreadableFile(path, "the column is missing", row=1, column="power_kw")
    times, read = TimeReader(form.zone, form.time_format), 0
    refused: list[tuple[int, str]] = []
    places: dict[str, int] = {}
    first_row: list[int] = []
    device, time_us, rows, marks = array("q"), array("q"), array("q"), array("b")
    columns = {name: array("d") for name in names[2:] if name != "correction"}
    for row, cells in enumerate(csv.reader(lines), start=2):
        if not cells:
            continue
        if len(cells) != len(names):
            raise UnreadableFile(path, f"{len(cells)} values for {len(names)} columns", row=row)
        code = cells[1].strip()
        if not code:
            raise UnreadableFile(path, "no device code", row=row, column="device")
        if (moment_us := _time(path, row, times, cells[0], code)) is None:
            refused.append((row, Refusal.SKIPPED_HOUR))
            continue
        if code not in places:
            places[code] = len(places)
            first_row.append(row)
        device.append(places[code])
        time_us.append(moment_us)
        rows.append(row)
        marks.append(0)
        for name, cell in zip(names[2:], cells[2:], strict=True):
            if name == "correction":
                marks[-1] = _mark(path, row, cell)
            else:
                columns[name].append(_cell(path, row, name, cell))
        read += sum(map(len, cells))
        if read > BYTES_A_REPORT:
            report(read)
            read = 0
    report(read)
    floats = {name: np.array(values) * form.factor_of(name) for name, values in columns.items()}
    if "register_kwh" in floats:
        of_device, at_us, of_row = (np.array(values, dtype=np.int64) for values in (device, time_us, rows))
        showings = Showings(list(places), of_device, at_us, floats["register_kwh"], of_row, refused)
        return NarrowFile(path, batch_of_registers(showings), first_row, times.changes())
    batch = batch_of(
        codes=list(places),
        device=np.array(device, dtype=np.int64),
        time_us=np.array(time_us, dtype=np.int64),
        correction=np.array(marks, dtype=np.bool_),
        row=np.array(rows, dtype=np.int64),
        power_kw=floats["power_kw"],
        energy_kwh=floats.get("energy_kwh"),
        soc_kwh=floats.get("soc_kwh"),
        voltage_pu=floats.get("voltage_pu"),
        refused=refused,
    )
    return NarrowFile(path, batch, first_row, times.changes())


def _mark(path: Path, row: int, text: str) -> int:
    marks = {"": 0, "0": 0, "false": 0, "1": 1, "true": 1}
    if (mark := marks.get(text.strip().lower())) is None:
        raise UnreadableFile(path, f"{text!r} is neither true nor false", row=row, column="correction")
    return mark
