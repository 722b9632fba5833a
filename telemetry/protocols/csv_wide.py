"""Readings as CSV text, one column a device."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from telemetry.kernels.quality import Refusal
from telemetry.protocols.csv_cells import BYTES_A_REPORT, moment_of, number_of
from telemetry.protocols.file_times import TimeReader
from telemetry.protocols.file_types import (
    FileFormat,
    Report,
    UnreadableFile,
    WideFile,
    refuse_infinite,
    refuse_repeated_times,
)


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
        if (moment_us := moment_of(path, row, times, text)) is None:
            refused.append((row, Refusal.SKIPPED_HOUR))
            continue
        time_us.append(moment_us)
        rows.append(row)
        try:
            values.extend(map(float, cells))
        except ValueError:
            del values[(len(time_us) - 1) * len(codes) :]
            values.extend(number_of(path, row, code, cell) for code, cell in zip(codes, cells, strict=True))
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
