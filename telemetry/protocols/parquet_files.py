"""Readings as Parquet: one a row (time, device, power_kw, ...) or one column a device (time, <device code>, ...)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from telemetry.kernels.batch import VALUE_COLUMNS, FloatColumn, IntColumn, batch_of, index_codes
from telemetry.kernels.quality import Refusal
from telemetry.protocols.file_columns import chosen
from telemetry.protocols.file_times import BadTime, SkippedHour, TimeReader
from telemetry.protocols.file_types import (
    FileFormat,
    NarrowFile,
    UnreadableFile,
    WideFile,
    refuse_infinite,
    refuse_repeated_times,
)

if TYPE_CHECKING:
    import pyarrow as pa

Columns: TypeAlias = "dict[str, pa.ChunkedArray]"
NOT_SHOWN = np.iinfo(np.int64).min  # a local time that no clock has shown


def read_parquet(path: Path, form: FileFormat) -> WideFile | NarrowFile:
    """Rows count from 2, as in a CSV file of the same table. Raises UnreadableFile."""
    import pyarrow as pa
    import pyarrow.parquet

    try:
        table = pa.parquet.read_table(path)
    except pa.ArrowException as error:
        raise UnreadableFile(path, str(error)) from error
    names = chosen(path, list(table.column_names), form)
    columns = {name: table.column(theirs) for name, theirs in names.items()}
    codes = columns.pop("device").to_pylist() if "device" in columns else None
    if form.device:
        codes = [form.device] * table.num_rows
    times = TimeReader(form.zone, form.time_format)
    time_us = _moments(path, columns.pop("time"), codes, times)
    if codes is None:
        return _wide(path, columns, time_us, form, times)
    return _narrow(path, columns, time_us, [_code(path, place, code) for place, code in enumerate(codes)], form, times)


def _wide(path: Path, columns: Columns, time_us: IntColumn, form: FileFormat, times: TimeReader) -> WideFile:
    shown, rows, refused = _shown(time_us)
    codes = list(columns)
    if not codes:
        raise UnreadableFile(path, "no column of a device", row=1)
    refuse_repeated_times(path, time_us[shown], rows)
    values = [_numbers(path, name, column)[shown] for name, column in columns.items()]
    power_kw = np.stack(values, axis=1) * form.factor
    refuse_infinite(path, codes, power_kw)
    return WideFile(path, codes, time_us[shown], power_kw, times.changes(), rows, tuple(refused))


def _narrow(
    path: Path, columns: Columns, time_us: IntColumn, codes: list[str], form: FileFormat, times: TimeReader
) -> NarrowFile:
    shown, rows, refused = _shown(time_us)
    marks = columns.pop("correction").to_pylist() if "correction" in columns else [False] * shown.size
    if "power_kw" not in columns:
        raise UnreadableFile(path, "the column is missing", row=1, column="power_kw")
    if unknown := set(columns) - set(VALUE_COLUMNS):
        raise UnreadableFile(path, "this column is not read from Parquet", row=1, column=min(unknown))
    values = {name: (_numbers(path, name, column) * form.factor_of(name))[shown] for name, column in columns.items()}
    devices, device = index_codes(codes)
    batch = batch_of(
        codes=devices,
        device=device[shown],
        time_us=time_us[shown],
        correction=np.array([bool(mark) for mark in marks], dtype=np.bool_)[shown],
        row=rows,
        refused=refused,
        power_kw=values["power_kw"],
        energy_kwh=values.get("energy_kwh"),
        soc_kwh=values.get("soc_kwh"),
        voltage_pu=values.get("voltage_pu"),
    )
    first_row = [int(place) + 2 for place in np.unique(device, return_index=True)[1]]
    return NarrowFile(path, batch, first_row, times.changes())


def _shown(time_us: IntColumn) -> tuple[NDArray[np.bool_], IntColumn, list[tuple[int, str]]]:
    """(n,) True for times that a clock has shown, the rows of those, and the others as refused."""
    shown, rows = time_us != NOT_SHOWN, np.arange(2, time_us.size + 2)
    return shown, rows[shown], [(int(row), Refusal.SKIPPED_HOUR) for row in rows[~shown]]


def _code(path: Path, place: int, code: Any) -> str:
    if not isinstance(code, str) or not code:
        raise UnreadableFile(path, "no device code", row=place + 2, column="device")
    return code


def _numbers(path: Path, name: str, column: pa.ChunkedArray) -> FloatColumn:
    """NULL is NaN."""
    import pyarrow as pa

    try:
        return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
    except pa.ArrowException as error:
        raise UnreadableFile(path, f"not numbers: {error}", column=name) from error


def _moments(path: Path, column: pa.ChunkedArray, codes: list[Any] | None, times: TimeReader) -> IntColumn:
    """(n,) microseconds since 1970, NOT_SHOWN for a local time that no clock has shown.

    Timestamps with a zone are instants; without one they are read like text; whole numbers are seconds since 1970.
    """
    import pyarrow as pa

    if column.null_count:
        raise UnreadableFile(path, f"{column.null_count} rows have no time", column="time")
    if pa.types.is_integer(column.type):
        return np.asarray(column.cast(pa.int64()).to_numpy(), dtype=np.int64) * 1_000_000
    if pa.types.is_timestamp(column.type) and column.type.tz is not None:
        return np.asarray(column.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy(), dtype=np.int64)
    found = np.empty(len(column), dtype=np.int64)
    for place, value in enumerate(column.to_pylist()):
        text = value if isinstance(value, str) else str(value)
        try:
            found[place] = times.microseconds(text, "" if codes is None else str(codes[place]))
        except SkippedHour:
            found[place] = NOT_SHOWN
        except BadTime as error:
            raise UnreadableFile(path, str(error), row=place + 2, column="time") from None
    return found
