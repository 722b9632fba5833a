"""Whole closed days of readings go straight into packed days: one row a device and day instead of one a reading."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from telemetry.ingest import plausibility, rollups
from telemetry.kernels.batch import IntColumn
from telemetry.kernels.copy_format import SIGNATURE, TRAILER, Field, encode_rows
from telemetry.kernels.day_arrays import PackedDays, pack_readings
from telemetry.kernels.judge import DAY_US
from telemetry.kernels.readings import Readings, pair_keys
from telemetry.kernels.rollup import roll_up
from telemetry.kernels.rollup_days import pack_rollup
from telemetry.storage import raw
from telemetry.storage.copying import copy_stream, id_array, moment
from telemetry.storage.days import as_date

READINGS_AT_ONCE = 2_000_000  # bounds the memory of packing a dense day
FEWEST_READINGS = 24  # of a device on a day; below that rows are as small


def candidates(readings: Readings, at_us: int) -> NDArray[np.bool_]:
    """(n,) True for readings of a device-day that has ended by `at_us` and has enough readings here to be packed.

    Readings are ordered by (device, time), so each device-day is one run.
    """
    day = readings.day
    closed = (day + 1) * DAY_US <= at_us
    if not closed.any():
        return closed
    new = np.ones(day.size, dtype=bool)
    new[1:] = (day[1:] != day[:-1]) | (readings.device_id[1:] != readings.device_id[:-1])
    count = np.diff(np.append(np.flatnonzero(new), day.size))
    return closed & np.repeat(count >= FEWEST_READINGS, count)


def untouched(readings: Readings) -> NDArray[np.bool_]:
    """(n,) True where nothing is stored yet of that device and day. The caller holds these days alone."""
    days, devices = readings.days(), np.unique(readings.device_id[readings.device_runs()])
    taken = raw.packed_pairs(days, devices)
    with connection.cursor() as cursor:
        for day in days:
            cursor.execute(
                """SELECT DISTINCT device_id FROM telemetry_reading
                WHERE ts >= %s AND ts < %s AND device_id = ANY(%s::bigint[])""",
                [moment(day * DAY_US), moment((day + 1) * DAY_US), id_array(devices)],
            )
            open_devices = np.array([device_id for (device_id,) in cursor], dtype=np.int64)
            taken = np.append(taken, pair_keys(np.full(open_devices.size, day), open_devices))
    return ~readings.in_pairs(taken)


def store(readings: Readings) -> None:
    """Pack whole device-days and their rollup. The caller knows that nothing of them is stored."""
    readings = plausibility.flagged(readings)
    _copy("telemetry_readingday", list(pack_readings(readings)), count=True)
    _copy("telemetry_rollupday", [pack_rollup(roll_up(readings))], count=False)


def _copy(table: str, groups: Sequence[PackedDays], *, count: bool) -> None:
    names: list[str] = []
    streams = []
    for days in groups:
        fields = {
            "day": Field("date", days.day),
            "device_id": Field("int8", days.device_id),
            "first_available_at": Field("timestamptz", days.first_available_us),
            "available_at": Field("timestamptz", days.available_us),
        }
        if count:
            fields |= {"count": Field("int4", days.count), "checksum": Field("int8", days.checksums())}
        fields |= {name: Field("bytea", column.packed, column.null) for name, column in days.columns.items()}
        names = list(fields)
        streams.append(encode_rows(list(fields.values())))
    if streams:
        copy_stream(table, names, SIGNATURE + b"".join(streams) + TRAILER)


def pack_day(day: int) -> int:
    """Move a closed day's rows into packed days, older packed readings of the same devices included; how many readings.

    The caller holds the day alone. Corrections stay where they are.
    """
    start_us, end_us = day * DAY_US, (day + 1) * DAY_US
    devices, readings = _devices_with_rows(start_us, end_us)
    packed = 0
    for some in np.array_split(devices, readings // READINGS_AT_ONCE + 1):
        if some.size:
            first = raw.first_versions(some, start_us, end_us)
            current = plausibility.flagged(raw.with_corrections(first, raw.corrections(some, start_us, end_us)))
            _forget_packed(day, some)
            _copy("telemetry_readingday", list(pack_readings(plausibility.flagged(first))), count=True)
            _copy("telemetry_rollupday", [pack_rollup(roll_up(current))], count=False)
            packed += first.size
    if devices.size:
        _forget_rows(day)
    return packed


def _devices_with_rows(start_us: int, end_us: int) -> tuple[IntColumn, int]:
    """Devices with open rows (readings, or a bucket that a correction made anew), and the number of readings."""
    bounds = [moment(start_us), moment(end_us)]
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT device_id, sum(readings)::bigint FROM (
                SELECT device_id, count(*) FROM telemetry_reading WHERE ts >= %s AND ts < %s GROUP BY 1
                UNION ALL
                SELECT DISTINCT device_id, 0 FROM telemetry_rollup15 WHERE bucket >= %s AND bucket < %s
            ) open_rows (device_id, readings) GROUP BY 1 ORDER BY 1""",
            bounds + bounds,
        )
        found = cursor.fetchall()
    return np.array([device_id for device_id, _ in found], dtype=np.int64), sum(count for _, count in found)


def _forget_packed(day: int, devices: IntColumn) -> None:
    with connection.cursor() as cursor:
        for table in ("telemetry_readingday", "telemetry_rollupday"):
            cursor.execute(
                f"DELETE FROM {table} WHERE day = %s AND device_id = ANY(%s::bigint[])",  # noqa: S608
                [as_date(day), id_array(devices)],
            )


def _forget_rows(day: int) -> None:
    """Empty the day's partitions: they hold rows of this day only, and all of them were packed."""
    suffix = f"p{as_date(day):%Y%m%d}"
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE telemetry_reading_{suffix}, telemetry_rollup15_{suffix}")
    rollups.forget_touched(day * DAY_US, (day + 1) * DAY_US)
