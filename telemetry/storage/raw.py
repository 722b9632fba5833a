"""Readings in their tables: rows of open days, packed closed days, corrections, and what the three say together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from telemetry.kernels.batch import IntColumn
from telemetry.kernels.copy_format import Field, nullable_float8
from telemetry.kernels.day_arrays import unpack_readings, unpack_regular
from telemetry.kernels.judge import DAY_US
from telemetry.kernels.quality import Quality
from telemetry.kernels.readings import Readings, join, no_readings, pair_keys, places_of
from telemetry.kernels.rollup import BUCKETS_PER_DAY
from telemetry.storage import arrivals
from telemetry.storage.copying import FOREVER_US, copy_out, device_condition, id_array, moment
from telemetry.storage.days import as_date

DAY_COLUMNS = ("offset_s", "power_kw", "energy_kwh", "soc_kwh", "voltage_pu", "quality", "available_us")
# A regular day of power alone, all known at once: nearly all packed days, and they have one width.
PLAIN = " AND ".join(f"{name} IS NULL" for name in DAY_COLUMNS if name != "power_kw")
ROW_KINDS = (
    ("time_us", "timestamptz"),
    ("device_id", "int8"),
    ("power_kw", "float8"),
    ("energy_kwh", "float8"),
    ("soc_kwh", "float8"),
    ("voltage_pu", "float8"),
    ("quality", "int2"),
    ("available_us", "timestamptz"),
)
ROW_SELECT = """{0}.ts, {0}.device_id, {0}.power_kw, coalesce({0}.energy_kwh, 'NaN'), coalesce({0}.soc_kwh, 'NaN'),
    coalesce({0}.voltage_pu, 'NaN'), {0}.quality, {0}.available_at"""


def value_fields(readings: Readings) -> dict[str, Field]:
    """The columns that every table of readings has."""
    return {
        "power_kw": Field("float8", readings.power_kw),
        "energy_kwh": nullable_float8(readings.energy_kwh),
        "soc_kwh": nullable_float8(readings.soc_kwh),
        "voltage_pu": nullable_float8(readings.voltage_pu),
        "quality": Field("int2", readings.quality),
    }


def row_fields(readings: Readings) -> dict[str, Field]:
    """Columns of `telemetry_reading` and `telemetry_readingcorrection`."""
    return {
        "ts": Field("timestamptz", readings.time_us),
        "device_id": Field("int8", readings.device_id),
        "available_at": Field("timestamptz", readings.available_us),
    } | value_fields(readings)


def rows(query: str, parameters: Sequence[Any]) -> Readings:
    """Readings of a query that selects ROW_SELECT."""
    found = copy_out(query, parameters, ROW_KINDS)
    return Readings(first_available_us=found["available_us"], **found)


def packed_pairs(days: Sequence[int], device_ids: IntColumn) -> IntColumn:
    """`pair_keys` of the (day, device) that are stored as packed days."""
    condition, parameters, distinct = device_condition(device_ids)
    found = copy_out(
        f"SELECT day, device_id FROM telemetry_readingday WHERE day = ANY(%s) AND {condition}",  # noqa: S608
        [[as_date(day) for day in days], *parameters],
        (("day", "date"), ("device_id", "int8")),
    )
    mine = np.isin(found["device_id"], distinct)
    return pair_keys(found["day"][mine], found["device_id"][mine])


def packed_readings(days: Sequence[int], device_ids: IntColumn) -> Readings:
    """All readings of the packed days of these devices, each device-day ordered by time."""
    asked: list[Any] = [[as_date(day) for day in days], id_array(np.unique(device_ids))]
    where = "FROM telemetry_readingday WHERE day = ANY(%s) AND device_id = ANY(%s::bigint[])"
    regular = copy_out(
        f"SELECT day, device_id, available_at, power_kw {where} AND ({PLAIN})",  # noqa: S608
        asked,
        (("day", "date"), ("device_id", "int8"), ("available_us", "timestamptz"), ("power_kw", "bytea")),
        widths={"power_kw": BUCKETS_PER_DAY * 8},
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT day - date '1970-01-01', device_id, count, extract(epoch FROM available_at) * 1000000,
            {", ".join(DAY_COLUMNS)} {where} AND NOT ({PLAIN})""",  # noqa: S608
            asked,
        )
        others = [
            unpack_readings(
                day=day,
                device_id=device_id,
                count=count,
                available_us=int(available_us),
                columns=dict(zip(DAY_COLUMNS, packed, strict=True)),
            )
            for day, device_id, count, available_us, *packed in cursor
        ]
    return join([unpack_regular(**regular), *others])


def row_readings(device_ids: IntColumn, start_us: int, end_us: int) -> Readings:
    """Rows of open days in [start, end), first versions."""
    return rows(
        f"""SELECT {ROW_SELECT.format("r")} FROM telemetry_reading r
        WHERE ts >= %s AND ts < %s AND device_id = ANY(%s::bigint[])""",  # noqa: S608
        [moment(start_us), moment(end_us), id_array(np.unique(device_ids))],
    )


def latest(device_ids: IntColumn) -> Readings:
    """The newest reading of each of these devices (distinct, rising) that has one, ordered by device."""
    waiting = arrivals.of_devices(device_ids, 0, FOREVER_US)  # asked first: what is digested meanwhile is in both
    known = _latest_rows(device_ids)
    if waiting.size:
        known = join([known, waiting])
    known = known.take(np.lexsort((known.available_us, known.time_us, known.device_id)))
    return known.take(np.append(known.device_runs()[1:], True)) if known.size else known


def _latest_rows(device_ids: IntColumn) -> Readings:
    """Of most devices between two ids all are read: a hundred thousand ids would cost more than their readings."""
    select = f"SELECT {ROW_SELECT.format('l')} FROM telemetry_latest l WHERE"  # noqa: S608
    if device_ids.size and int(device_ids[-1] - device_ids[0]) < 2 * device_ids.size:
        found = rows(f"{select} device_id BETWEEN %s AND %s", [int(device_ids[0]), int(device_ids[-1])])
        return found.take(np.isin(found.device_id, device_ids))
    return rows(f"{select} device_id = ANY(%s::bigint[])", [id_array(device_ids)])


def rows_at(device_id: IntColumn, time_us: IntColumn) -> Readings:
    """The rows of open days with these keys, in any order, and perhaps others of the same devices and instants."""
    devices, instants = np.unique(device_id), np.unique(time_us)
    if devices.size * instants.size <= 2 * time_us.size:
        return rows(
            f"""SELECT {ROW_SELECT.format("r")} FROM telemetry_reading r
            WHERE ts = ANY(%s::timestamptz[]) AND device_id = ANY(%s::bigint[])""",  # noqa: S608
            [[moment(instant) for instant in instants.tolist()], id_array(devices)],
        )
    return rows(
        f"""SELECT {ROW_SELECT.format("r")} FROM unnest(%s::bigint[], %s::bigint[]) AS asked (device_id, us)
        JOIN telemetry_reading r ON r.device_id = asked.device_id
        AND r.ts = timestamptz 'epoch' + us * interval '1 microsecond'
        WHERE r.ts BETWEEN %s AND %s""",  # noqa: S608
        [id_array(device_id), id_array(time_us), moment(int(time_us.min())), moment(int(time_us.max()))],
    )


def corrections(device_ids: IntColumn, start_us: int, end_us: int, as_of_us: int = FOREVER_US) -> Readings:
    """The correction in force at `as_of_us` of each reading in [start, end) that has one."""
    condition, parameters, distinct = device_condition(device_ids)
    found = rows(
        f"""SELECT DISTINCT ON (ts, device_id) {ROW_SELECT.format("c")} FROM telemetry_readingcorrection c
        WHERE ts >= %s AND ts < %s AND {condition} AND available_at <= %s
        ORDER BY ts, device_id, available_at DESC""",  # noqa: S608
        [moment(start_us), moment(end_us), *parameters, moment(as_of_us)],
    )
    return found.take(np.isin(found.device_id, distinct))


def first_versions(device_ids: IntColumn, start_us: int, end_us: int) -> Readings:
    """Readings in [start, end) as first received, wherever their day lies, ordered by (device, time)."""
    if start_us >= end_us or device_ids.size == 0:
        return no_readings()
    days = range(start_us // DAY_US, (end_us - 1) // DAY_US + 1)
    packed = packed_readings(days, device_ids)
    packed = packed.take((packed.time_us >= start_us) & (packed.time_us < end_us))
    return join([packed, row_readings(device_ids, start_us, end_us)]).by_device()


def known_readings(device_ids: IntColumn, start_us: int, end_us: int, as_of_us: int = FOREVER_US) -> Readings:
    """Readings in [start, end) as known at `as_of_us`, each in the version of then, ordered by (device, time)."""
    readings = first_versions(device_ids, start_us, end_us)
    readings = readings.take(readings.first_available_us <= as_of_us)
    if readings.size == 0:
        return readings
    return with_corrections(readings, corrections(device_ids, start_us, end_us, as_of_us))


def with_corrections(readings: Readings, later: Readings) -> Readings:
    """`readings`, which are ordered by (device, time), each replaced by its correction if it has one."""
    if later.size == 0:
        return readings
    places = places_of(later.device_id, later.time_us, readings)
    later, places = later.take(places >= 0), places[places >= 0]
    replaced: dict[str, NDArray[Any]] = {}
    for name in ("power_kw", "energy_kwh", "soc_kwh", "voltage_pu", "quality", "available_us"):
        replaced[name] = getattr(readings, name).copy()
        replaced[name][places] = getattr(later, name)
    replaced["quality"][places] |= Quality.CORRECTED
    unchanged = {name: getattr(readings, name) for name in ("device_id", "time_us", "first_available_us")}
    return Readings(**unchanged, **replaced)
