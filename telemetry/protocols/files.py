"""Files of readings: CSV or Parquet with one reading a line or one column a device, numpy archive, Green Button XML.

docs/files.md describes them. A file that cannot be read says in which row and column and why.
"""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from telemetry.protocols.csv_narrow import read_narrow
from telemetry.protocols.csv_wide import read_wide
from telemetry.protocols.file_columns import plain
from telemetry.protocols.file_types import (
    FileFormat,
    NarrowFile,
    Report,
    UnreadableFile,
    WideFile,
    refuse_infinite,
    refuse_repeated_times,
)


def read_file(path: Path, form: FileFormat, report: Report) -> WideFile | NarrowFile:
    """Read a whole file; UnreadableFile if any of it cannot be read."""
    try:
        if path.suffix == ".npz":
            return _read_archive(path, form)
        if path.suffix == ".parquet":
            from telemetry.protocols.parquet_files import read_parquet

            return read_parquet(path, form)
        if path.suffix == ".xml":
            from telemetry.protocols.green_button import read_green_button

            return read_green_button(path, form)
        return _read_csv(path, form, report)
    except UnicodeDecodeError as error:
        raise UnreadableFile(path, "is not UTF-8 text; save it as “CSV UTF-8”") from error
    except OSError as error:
        raise UnreadableFile(path, error.strerror or str(error)) from error
    except csv.Error as error:
        raise UnreadableFile(path, str(error)) from error


def _read_csv(path: Path, form: FileFormat, report: Report) -> WideFile | NarrowFile:
    with path.open(encoding="utf-8-sig", newline="") as text:
        lines: Iterable[str] = text
        header = next(csv.reader([text.readline()], delimiter=form.delimiter), [])
        names = [name.strip() for name in header]
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise UnreadableFile(path, "the column appears twice", row=1, column=twice)
        if not form.is_plain:
            names, lines = plain(path, names, text, form)
        if len(names) == 1 and ";" in names[0] and form.delimiter != ";":
            raise UnreadableFile(path, "cells are parted by semicolons; say so: --delimiter ';' --decimal ,", row=1)
        if names[:1] != ["time"]:
            raise UnreadableFile(path, f"want a first column 'time', found {names[:1]}", row=1)
        if names[1:2] == ["device"]:
            return read_narrow(path, lines, names, form, report)
        return read_wide(path, lines, names, form, report)


def _read_archive(path: Path, form: FileFormat) -> WideFile:
    """A numpy archive: times datetime64 or whole seconds (T,), codes text (N,), power_kw (T, N); nothing pickled."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            times, codes, power = (archive[name] for name in ("times", "codes", "power_kw"))
    except (KeyError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise UnreadableFile(path, f"want the arrays times, codes and power_kw: {error}") from error
    if times.dtype.kind not in "Mi" or codes.dtype.kind != "U" or power.dtype.kind not in "fi":
        raise UnreadableFile(path, f"arrays of types {times.dtype}, {codes.dtype}, {power.dtype}")
    if times.ndim != 1 or codes.ndim != 1 or power.shape != (times.size, codes.size):
        raise UnreadableFile(path, f"power_kw is {power.shape} for {times.size} times and {codes.size} codes")
    if np.unique(codes).size != codes.size:
        raise UnreadableFile(path, "a device code appears twice")
    seconds: NDArray[np.int64] = times.astype("datetime64[s]").astype(np.int64)
    refuse_repeated_times(path, seconds)
    names = codes.tolist()
    power_kw = power.astype(np.float64) * form.factor
    refuse_infinite(path, names, power_kw)
    return WideFile(path, names, seconds * 1_000_000, power_kw)
