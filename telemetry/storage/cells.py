"""Rollup cells of many devices as dense arrays, wherever their day lies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from telemetry.kernels.batch import FloatColumn, IntColumn
from telemetry.kernels.judge import DAY_US
from telemetry.kernels.rollup import BUCKET_US, BUCKETS_PER_DAY, bucket_of, roll_up
from telemetry.storage import arrivals, raw
from telemetry.storage.copying import copy_out, id_array, moment
from telemetry.storage.days import as_date

ENERGY_BYTES = BUCKETS_PER_DAY * 8
FEW_BUCKETS = 12
DEVICE_DAYS_A_PIECE = 20_000  # bounds the memory of one query to about 20 MB
PACKED_KINDS = (
    ("day", "date"),
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

    def pieces(self) -> Iterator[tuple[int, int]]:
        """[first, last) in microseconds: as many whole UTC days at a time as keep a piece small."""
        days = max(1, DEVICE_DAYS_A_PIECE // self.device_ids.size)
        first = self.start_us
        while first < self.end_us:
            last = min(self.end_us, (first // DAY_US + days) * DAY_US)
            yield first, last
            first = last

    def column(self, time_us: IntColumn) -> IntColumn:
        return (time_us - self.start_us) // BUCKET_US


def read_energy(device_ids: IntColumn, start_us: int, end_us: int, as_of_us: int) -> CellGrid:
    """Energy per quarter hour in kWh as known at `as_of_us`. `device_ids` are distinct and rising."""
    grid = CellGrid.empty(device_ids, start_us, end_us)
    if device_ids.size == 0:
        return grid
    for first, last in grid.pieces():
        stale = _stale(grid, first, last)
        unsure = _fill_from_packed(grid, first, last, as_of_us) + _fill_from_rows(grid, first, last, as_of_us)
        for day in sorted({day for day, _ in unsure}):
            devices = np.array(sorted({device for each, device in unsure if each == day}))
            _fill_from_readings(grid, max(first, day * DAY_US), min(last, (day + 1) * DAY_US), as_of_us, devices)
        for start, end, devices in stale:
            _fill_from_readings(grid, start, end, as_of_us, devices)
    return grid


def _fill_from_packed(grid: CellGrid, first: int, last: int, as_of_us: int) -> list[tuple[int, int]]:
    """Fill from packed days; gives (day, device) of those that became known bit by bit, across `as_of_us`."""
    found = copy_out(
        """SELECT day, device_id, first_available_at, available_at, energy_kwh FROM telemetry_rollupday
        WHERE day BETWEEN %s AND %s AND device_id = ANY(%s::bigint[]) AND first_available_at <= %s""",
        [as_date(first // DAY_US), as_date((last - 1) // DAY_US), id_array(grid.device_ids), moment(as_of_us)],
        PACKED_KINDS,
        widths={"cells": ENERGY_BYTES},
    )
    sure, cells = found["available_us"] <= as_of_us, found["cells"].view("<f8")
    for day in np.unique(found["day"]):
        rows = np.flatnonzero((found["day"] == day) & sure)
        begin, end = max(first, day * DAY_US), min(last, (day + 1) * DAY_US)
        inside = slice((begin - day * DAY_US) // BUCKET_US, (end - day * DAY_US) // BUCKET_US)
        into = slice((begin - grid.start_us) // BUCKET_US, (end - grid.start_us) // BUCKET_US)
        grid.values[grid.place(found["device_id"][rows]), into] = cells[rows, inside]
    return list(zip(found["day"][~sure].tolist(), found["device_id"][~sure].tolist(), strict=True))


def _fill_from_rows(grid: CellGrid, first: int, last: int, as_of_us: int) -> list[tuple[int, int]]:
    """Fill from rows of open days, which win over packed ones; gives (day, device) of cells with a later version."""
    found = copy_out(
        """SELECT bucket, device_id, first_available_at, available_at, energy_kwh FROM telemetry_rollup15
        WHERE bucket >= %s AND bucket < %s AND device_id = ANY(%s::bigint[])""",
        [moment(first), moment(last), id_array(grid.device_ids)],
        ROW_KINDS,
    )
    sure = found["available_us"] <= as_of_us
    grid.values[grid.place(found["device_id"][sure]), grid.column(found["bucket_us"][sure])] = found["value"][sure]
    unsure = ~sure & (found["first_available_us"] <= as_of_us)
    days = found["bucket_us"][unsure] // DAY_US
    return list(zip(days.tolist(), found["device_id"][unsure].tolist(), strict=True))


def _stale(grid: CellGrid, first: int, last: int) -> list[tuple[int, int, IntColumn]]:
    """[start, end) and devices of buckets with readings that the rollup may not know yet, bucket by bucket, or day by
    day where there are many.

    Asked before the rollup, and arrivals before touched buckets: what is digested meanwhile is read twice, not missed.
    """
    waiting = arrivals.of_devices(grid.device_ids, first, last)
    touched = copy_out(
        """SELECT bucket, device_id FROM telemetry_touchedbucket
        WHERE bucket >= %s AND bucket < %s AND device_id = ANY(%s::bigint[])""",
        [moment(first), moment(last), id_array(grid.device_ids)],
        (("bucket_us", "timestamptz"), ("device_id", "int8")),
    )
    bucket_us = np.append(touched["bucket_us"], bucket_of(waiting.time_us))
    device_id = np.append(touched["device_id"], waiting.device_id)
    width_us = BUCKET_US if np.unique(bucket_us).size <= FEW_BUCKETS else DAY_US
    start_us = bucket_us // width_us * width_us
    return [
        (max(first, start), min(last, start + width_us), np.unique(device_id[start_us == start]))
        for start in np.unique(start_us).tolist()
    ]


def _fill_from_readings(grid: CellGrid, first: int, last: int, as_of_us: int, device_ids: IntColumn) -> None:
    """Roll up anew what these devices' readings in [first, last) said at `as_of_us`."""
    into = slice((first - grid.start_us) // BUCKET_US, (last - grid.start_us) // BUCKET_US)
    grid.values[grid.place(device_ids), into] = np.nan
    readings = raw.known_readings(device_ids, first, last, as_of_us)
    if readings.size:
        rollup = roll_up(readings)
        grid.values[grid.place(rollup.device_id), grid.column(rollup.bucket_us)] = rollup.energy_kwh


def read_quality(device_ids: IntColumn, start_us: int, end_us: int) -> NDArray[np.int16]:
    """(N, T) quality flags as they stand now; 0 where there is nothing to flag, data or not."""
    grid = CellGrid.empty(device_ids, start_us, end_us)
    n_cells = (end_us - start_us) // BUCKET_US
    flags = np.zeros((device_ids.size, n_cells), dtype=np.int16)
    stale = _stale(grid, start_us, end_us) if device_ids.size else []
    parameters = [id_array(device_ids), moment(start_us), moment(end_us)]
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT day - date '1970-01-01', device_id, quality FROM telemetry_rollupday
            WHERE device_id = ANY(%s::bigint[]) AND quality IS NOT NULL
            AND day BETWEEN (%s AT TIME ZONE 'UTC')::date AND (%s AT TIME ZONE 'UTC')::date""",
            parameters,
        )
        for day, device_id, packed in cursor:
            column = (day * DAY_US - start_us) // BUCKET_US + np.arange(BUCKETS_PER_DAY)
            inside = (column >= 0) & (column < n_cells)
            flags[grid.place(np.array([device_id]))[0], column[inside]] = np.frombuffer(packed, dtype="<i2")[inside]
    found = copy_out(
        """SELECT bucket, device_id, quality FROM telemetry_rollup15
        WHERE device_id = ANY(%s::bigint[]) AND bucket >= %s AND bucket < %s""",
        parameters,
        (("bucket_us", "timestamptz"), ("device_id", "int8"), ("quality", "int2")),
    )
    flags[grid.place(found["device_id"]), grid.column(found["bucket_us"])] = found["quality"]
    for start, end, devices in stale:
        rollup = roll_up(raw.known_readings(devices, start, end))
        flags[grid.place(rollup.device_id), grid.column(rollup.bucket_us)] = rollup.quality
    return flags
