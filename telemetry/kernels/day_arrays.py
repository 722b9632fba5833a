"""A closed day of a device as packed columns: little-endian bytes, one row of the table a device and day.

Readings and rollup cells are packed for many device-days at once; device-days with the same number of readings share
one array, so nothing here runs once a reading.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telemetry.kernels.batch import IntColumn
from telemetry.kernels.judge import DAY_US, SECOND_US
from telemetry.kernels.readings import Readings
from telemetry.kernels.rollup import BUCKET_US, BUCKETS_PER_DAY, Rollup

Packed = NDArray[np.uint8]
REGULAR_OFFSET_S = np.arange(BUCKETS_PER_DAY, dtype="<i4") * (BUCKET_US // SECOND_US)


@dataclass(frozen=True)
class PackedColumn:
    """packed : (g, width) uint8; null : (g,) True where the column of that device-day is left out."""

    packed: Packed
    null: NDArray[np.bool_]


@dataclass(frozen=True)
class PackedDays:
    """g device-days. `columns` by name, in the order of the table; times in microseconds since 1970."""

    day: IntColumn
    device_id: IntColumn
    count: IntColumn
    first_available_us: IntColumn
    available_us: IntColumn
    columns: dict[str, PackedColumn]

    def checksums(self) -> IntColumn:
        """(g,) CRC-32 over the columns that are there, in order."""
        sums = np.zeros(self.day.size, dtype=np.int64)
        for column in self.columns.values():
            for place in np.flatnonzero(~column.null):
                sums[place] = zlib.crc32(column.packed[place], int(sums[place]))
        return sums


def _pack(values: NDArray, dtype: str) -> Packed:
    """(g, n) numbers as (g, n * size) bytes."""
    little = np.ascontiguousarray(values.astype(dtype, copy=False))
    return little.view(np.uint8).reshape(values.shape[0], -1)


def pack_readings(readings: Readings) -> Iterator[PackedDays]:
    """Device-days of readings, those with equally many readings together."""
    day = readings.day
    if not _is_by_day_and_device(day, readings):
        readings = readings.take(np.lexsort((readings.time_us, readings.device_id, day)))
        day = readings.day
    new = np.ones(readings.size, dtype=bool)
    new[1:] = (day[1:] != day[:-1]) | (readings.device_id[1:] != readings.device_id[:-1])
    first = np.flatnonzero(new)
    count = np.diff(np.append(first, readings.size))
    for each in np.unique(count):
        starts = first[count == each]
        yield _pack_equal(readings, day[starts], starts[:, None] + np.arange(each))


def _is_by_day_and_device(day: IntColumn, readings: Readings) -> bool:
    return bool((day == day[:1]).all()) and readings.by_device() is readings


def _pack_equal(readings: Readings, day: IntColumn, rows: NDArray[np.intp]) -> PackedDays:
    """rows : (g, n) positions of the readings of g device-days."""
    offset_s = ((readings.time_us[rows] - day[:, None] * DAY_US) // SECOND_US).astype("<i4")
    regular = np.zeros(day.size, dtype=bool)
    if rows.shape[1] == BUCKETS_PER_DAY:
        regular = (offset_s == REGULAR_OFFSET_S).all(axis=1)
    quality, available_us = readings.quality[rows], readings.available_us[rows]
    columns = {"offset_s": PackedColumn(_pack(offset_s, "<i4"), regular)}
    for name in ("power_kw", "energy_kwh", "soc_kwh", "voltage_pu"):
        values = getattr(readings, name)[rows]
        columns[name] = PackedColumn(_pack(values, "<f8"), np.isnan(values).all(axis=1))
    columns["quality"] = PackedColumn(_pack(quality, "<i2"), (quality == 0).all(axis=1))
    uniform = (available_us == available_us[:, :1]).all(axis=1)
    columns["available_us"] = PackedColumn(_pack(available_us, "<i8"), uniform)
    return PackedDays(
        day=day,
        device_id=readings.device_id[rows[:, 0]],
        count=np.full(day.size, rows.shape[1], dtype=np.int64),
        first_available_us=readings.first_available_us[rows].min(axis=1),
        available_us=available_us.max(axis=1),
        columns=columns,
    )


def unpack_readings(
    *,
    day: int,
    device_id: int,
    count: int,
    available_us: int,
    columns: dict[str, bytes | None],
) -> Readings:
    """The readings of one device-day; undoes `pack_readings`."""

    def floats(name: str) -> NDArray[np.float64]:
        packed = columns.get(name)
        return np.full(count, np.nan) if packed is None else np.frombuffer(packed, dtype="<f8")

    offset, quality, available = columns.get("offset_s"), columns.get("quality"), columns.get("available_us")
    offset_s = REGULAR_OFFSET_S if offset is None else np.frombuffer(offset, dtype="<i4")
    known_us = np.full(count, available_us) if available is None else np.frombuffer(available, dtype="<i8")
    return Readings(
        device_id=np.full(count, device_id, dtype=np.int64),
        time_us=day * DAY_US + offset_s.astype(np.int64) * SECOND_US,
        power_kw=floats("power_kw"),
        energy_kwh=floats("energy_kwh"),
        soc_kwh=floats("soc_kwh"),
        voltage_pu=floats("voltage_pu"),
        quality=np.zeros(count, dtype=np.int16) if quality is None else np.frombuffer(quality, dtype="<i2"),
        first_available_us=known_us,
        available_us=known_us,
    )


def unpack_regular(*, day: IntColumn, device_id: IntColumn, available_us: IntColumn, power_kw: Packed) -> Readings:
    """The readings of g device-days of power alone, every quarter hour; power_kw (g, 768) bytes."""
    start_us = (day * DAY_US)[:, None] + REGULAR_OFFSET_S.astype(np.int64) * SECOND_US
    known_us = np.repeat(available_us, BUCKETS_PER_DAY)
    nothing = np.full(known_us.size, np.nan)
    return Readings(
        device_id=np.repeat(device_id, BUCKETS_PER_DAY),
        time_us=start_us.ravel(),
        power_kw=power_kw.view("<f8").ravel(),
        energy_kwh=nothing,
        soc_kwh=nothing,
        voltage_pu=nothing,
        quality=np.zeros(known_us.size, dtype=np.int16),
        first_available_us=known_us,
        available_us=known_us,
    )


def pack_rollup(rollup: Rollup) -> PackedDays:
    """Device-days of rollup cells, which must be ordered by (device, bucket) inside each day."""
    day, bucket = rollup.bucket_us // DAY_US, rollup.bucket_us % DAY_US // BUCKET_US
    new = np.ones(rollup.size, dtype=bool)
    new[1:] = (day[1:] != day[:-1]) | (rollup.device_id[1:] != rollup.device_id[:-1])
    first, row = np.flatnonzero(new), np.cumsum(new) - 1
    shape = (first.size, BUCKETS_PER_DAY)

    def spread(values: NDArray, fill: float, dtype: str) -> NDArray:
        cells = np.full(shape, fill, dtype=dtype)
        cells[row, bucket] = values
        return cells

    counts = spread(rollup.count, 0, "<i2")
    single = np.asarray((counts <= 1).all(axis=1))
    quality = spread(rollup.quality, 0, "<i2")
    known_us = np.maximum.reduceat(rollup.available_us, first)
    uniform = np.minimum.reduceat(rollup.available_us, first) == known_us
    columns = {
        "energy_kwh": PackedColumn(
            _pack(spread(rollup.energy_kwh, np.nan, "<f8"), "<f8"), np.zeros(first.size, dtype=bool)
        ),
        "min_kw": PackedColumn(_pack(spread(rollup.min_kw, np.nan, "<f8"), "<f8"), single),
        "max_kw": PackedColumn(_pack(spread(rollup.max_kw, np.nan, "<f8"), "<f8"), single),
        "count": PackedColumn(_pack(counts, "<i2"), single),
        "quality": PackedColumn(_pack(quality, "<i2"), (quality == 0).all(axis=1)),
        "available_us": PackedColumn(_pack(spread(rollup.available_us, 0, "<i8"), "<i8"), uniform),
    }
    return PackedDays(
        day=day[first],
        device_id=rollup.device_id[first],
        count=np.add.reduceat(rollup.count, first),
        first_available_us=np.minimum.reduceat(rollup.first_available_us, first),
        available_us=known_us,
        columns=columns,
    )
