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

from telemetry.kernels import compact
from telemetry.kernels.batch import IntColumn
from telemetry.kernels.judge import DAY_US, SECOND_US
from telemetry.kernels.readings import Readings
from telemetry.kernels.rollup import BUCKET_US, BUCKETS_PER_DAY

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


def pack_bytes(values: NDArray, dtype: str) -> Packed:
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
        if each > BUCKETS_PER_DAY:
            yield from (_pack_dense(readings, int(day[start]), slice(start, start + each)) for start in starts)
        else:
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
    columns = {"offset_s": PackedColumn(pack_bytes(offset_s, "<i4"), regular)}
    for name in ("power_kw", "energy_kwh", "soc_kwh", "voltage_pu"):
        values = getattr(readings, name)[rows]
        columns[name] = PackedColumn(pack_bytes(values, "<f8"), np.isnan(values).all(axis=1))
    columns["quality"] = PackedColumn(pack_bytes(quality, "<i2"), (quality == 0).all(axis=1))
    uniform = (available_us == available_us[:, :1]).all(axis=1)
    columns["available_us"] = PackedColumn(pack_bytes(available_us, "<i8"), uniform)
    return PackedDays(
        day=day,
        device_id=readings.device_id[rows[:, 0]],
        count=np.full(day.size, rows.shape[1], dtype=np.int64),
        first_available_us=readings.first_available_us[rows].min(axis=1),
        available_us=available_us.max(axis=1),
        columns=columns,
    )


def _pack_dense(readings: Readings, day: int, rows: slice) -> PackedDays:
    """One device-day with more readings than quarter hours, each column in its most compact form."""
    count = rows.stop - rows.start
    packed: dict[str, bytes | None] = {
        "offset_s": compact.pack_integers((readings.time_us[rows] - day * DAY_US) // SECOND_US)
    }
    for name in ("power_kw", "energy_kwh", "soc_kwh", "voltage_pu"):
        values = getattr(readings, name)[rows]
        packed[name] = None if np.isnan(values).all() else compact.pack_floats(values)
    quality, available_us = readings.quality[rows], readings.available_us[rows]
    packed["quality"] = compact.pack_integers(quality) if quality.any() else None
    packed["available_us"] = None if (available_us == available_us[0]).all() else compact.pack_integers(available_us)
    columns = {
        name: PackedColumn(np.frombuffer(content or b"", dtype=np.uint8)[None, :], np.array([content is None]))
        for name, content in packed.items()
    }
    return PackedDays(
        day=np.array([day]),
        device_id=readings.device_id[rows][:1],
        count=np.array([count]),
        first_available_us=readings.first_available_us[rows].min(keepdims=True),
        available_us=available_us.max(keepdims=True),
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

    def column(name: str, dtype: str, absent: NDArray) -> NDArray:
        packed = columns.get(name)
        if packed is None:
            return absent
        if count > BUCKETS_PER_DAY:
            return compact.unpack(bytes(packed), count).astype(dtype, copy=False)
        return np.frombuffer(packed, dtype=dtype)

    def floats(name: str) -> NDArray[np.float64]:
        return column(name, "<f8", np.full(count, np.nan))

    offset_s = column("offset_s", "<i4", REGULAR_OFFSET_S)
    known_us = column("available_us", "<i8", np.full(count, available_us))
    return Readings(
        device_id=np.full(count, device_id, dtype=np.int64),
        time_us=day * DAY_US + offset_s.astype(np.int64) * SECOND_US,
        power_kw=floats("power_kw"),
        energy_kwh=floats("energy_kwh"),
        soc_kwh=floats("soc_kwh"),
        voltage_pu=floats("voltage_pu"),
        quality=column("quality", "<i2", np.zeros(count, dtype=np.int16)),
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
