"""Rollup cells of many devices as dense arrays, wherever their day lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from telemetry.kernels.batch import FloatColumn, IntColumn
from telemetry.kernels.judge import DAY_US
from telemetry.kernels.rollup import BUCKET_US, BUCKETS_PER_DAY, roll_up
from telemetry.storage import raw
from telemetry.storage.copying import copy_out, moment
from telemetry.storage.days import as_date

ENERGY_BYTES = BUCKETS_PER_DAY * 8
QUALITY_BYTES = BUCKETS_PER_DAY * 2
PACKED_KINDS = (
    ("device_id", "int8"),
    ("first_available_us", "timestamptz"),
    ("available_us", "timestamptz"),
    ("cells", "bytea"),
)
ROW_KINDS = (
    ("bucket_us", "timestamptz"),
    ("device_id", "int8"),
    ("first_available_us", "timestamptz"),
    ("available_us", "timestamptz"),
    ("value", "float8"),
)


@dataclass(frozen=True)
class CellGrid:
    """Quarter hours of N distinct devices in [start, end); `values` (N, T) float64 with NaN where nothing is known."""

    device_ids: IntColumn  # (N,) rising
    start_us: int
    end_us: int
    values: FloatColumn

    @staticmethod
    def empty(device_ids: IntColumn, start_us: int, end_us: int) -> CellGrid:
        shape = (device_ids.size, (end_us - start_us) // BUCKET_US)
        return CellGrid(device_ids, start_us, end_us, np.full(shape, np.nan))

    def place(self, device_id: IntColumn) -> NDArray[np.intp]:
        return np.searchsorted(self.device_ids, device_id)

    def days(self) -> range:
        return range(self.start_us // DAY_US, (self.end_us - 1) // DAY_US + 1)


def read_energy(device_ids: IntColumn, start_us: int, end_us: int, as_of_us: int) -> CellGrid:
    """Energy per quarter hour in kWh as known at `as_of_us`. `device_ids` are distinct and rising."""
    grid = CellGrid.empty(device_ids, start_us, end_us)
    if device_ids.size == 0 or end_us <= start_us:
        return grid
    for day in grid.days():
        unsure = [*_fill_from_packed(grid, day, as_of_us), *_fill_from_rows(grid, day, as_of_us)]
        if unsure:
            _fill_from_readings(grid, day, as_of_us, np.unique(np.concatenate(unsure)))
    return grid


def _fill_from_packed(grid: CellGrid, day: int, as_of_us: int) -> list[IntColumn]:
    """Fill one packed day; gives the devices whose day became known bit by bit, across `as_of_us`."""
    found = copy_out(
        """SELECT device_id, first_available_at, available_at, energy_kwh FROM telemetry_rollupday
        WHERE day = %s AND device_id = ANY(%s) AND first_available_at <= %s""",
        [as_date(day), grid.device_ids.tolist(), moment(as_of_us)],
        PACKED_KINDS,
        widths={"cells": ENERGY_BYTES},
    )
    if found["device_id"].size == 0:
        return []
    first, last = max(grid.start_us, day * DAY_US), min(grid.end_us, (day + 1) * DAY_US)
    cells = found["cells"].view("<f8")[:, (first - day * DAY_US) // BUCKET_US : (last - day * DAY_US) // BUCKET_US]
    into = slice((first - grid.start_us) // BUCKET_US, (last - grid.start_us) // BUCKET_US)
    places, sure = grid.place(found["device_id"]), found["available_us"] <= as_of_us
    if sure.all() and places.size == grid.device_ids.size and (np.diff(places) > 0).all():
        grid.values[:, into] = cells
    else:
        grid.values[places[sure], into] = cells[sure]
    return [] if sure.all() else [found["device_id"][~sure]]


def _fill_from_rows(grid: CellGrid, day: int, as_of_us: int) -> list[IntColumn]:
    """Fill from the rows of an open day, which win over a packed one; gives the devices with a later version."""
    first, last = max(grid.start_us, day * DAY_US), min(grid.end_us, (day + 1) * DAY_US)
    found = copy_out(
        """SELECT bucket, device_id, first_available_at, available_at, energy_kwh FROM telemetry_rollup15
        WHERE bucket >= %s AND bucket < %s AND device_id = ANY(%s)""",
        [moment(first), moment(last), grid.device_ids.tolist()],
        ROW_KINDS,
    )
    sure = found["available_us"] <= as_of_us
    column = (found["bucket_us"] - grid.start_us) // BUCKET_US
    grid.values[grid.place(found["device_id"][sure]), column[sure]] = found["value"][sure]
    unsure = ~sure & (found["first_available_us"] <= as_of_us)
    return [found["device_id"][unsure]] if unsure.any() else []


def _fill_from_readings(grid: CellGrid, day: int, as_of_us: int, device_ids: IntColumn) -> None:
    """Roll up anew what these devices' readings of the day said at `as_of_us`."""
    first, last = max(grid.start_us, day * DAY_US), min(grid.end_us, (day + 1) * DAY_US)
    into = slice((first - grid.start_us) // BUCKET_US, (last - grid.start_us) // BUCKET_US)
    grid.values[grid.place(device_ids), into] = np.nan
    readings = raw.known_readings(device_ids, first, last, as_of_us)
    if readings.size:
        rollup = roll_up(readings)
        column = (rollup.bucket_us - grid.start_us) // BUCKET_US
        grid.values[grid.place(rollup.device_id), column] = rollup.energy_kwh


def read_quality(device_ids: IntColumn, start_us: int, end_us: int) -> NDArray[np.int16]:
    """(N, T) quality flags as they stand now; 0 where there is nothing to flag, data or not."""
    grid = CellGrid.empty(device_ids, start_us, end_us)
    n_cells = (end_us - start_us) // BUCKET_US
    flags = np.zeros((device_ids.size, n_cells), dtype=np.int16)
    parameters = [device_ids.tolist(), moment(start_us), moment(end_us)]
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT day - date '1970-01-01', device_id, quality FROM telemetry_rollupday
            WHERE device_id = ANY(%s) AND quality IS NOT NULL
            AND day BETWEEN (%s AT TIME ZONE 'UTC')::date AND (%s AT TIME ZONE 'UTC')::date""",
            parameters,
        )
        for day, device_id, packed in cursor:
            column = (day * DAY_US - start_us) // BUCKET_US + np.arange(BUCKETS_PER_DAY)
            inside = (column >= 0) & (column < n_cells)
            flags[grid.place(np.array([device_id]))[0], column[inside]] = np.frombuffer(packed, dtype="<i2")[inside]
    found = copy_out(
        """SELECT bucket, device_id, quality FROM telemetry_rollup15
        WHERE device_id = ANY(%s) AND bucket >= %s AND bucket < %s""",
        parameters,
        (("bucket_us", "timestamptz"), ("device_id", "int8"), ("quality", "int2")),
    )
    flags[grid.place(found["device_id"]), (found["bucket_us"] - start_us) // BUCKET_US] = found["quality"]
    return flags
