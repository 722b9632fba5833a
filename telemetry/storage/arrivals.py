"""Messages that are stored and not yet digested: packed columns in and out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
from django.db import connection
from numpy.typing import NDArray

from telemetry.kernels.batch import IntColumn
from telemetry.kernels.copy_format import Field
from telemetry.kernels.judge import DAY_US
from telemetry.kernels.readings import Readings, join, no_readings
from telemetry.storage.copying import copy_in, moment

DIGEST_LOCK = 7302  # advisory: one digest at a time; taken before any day
COLUMNS = """id, (extract(epoch FROM available_at) * 1000000)::bigint, (extract(epoch FROM first_at) * 1000000)::bigint,
    count, device_id, time_us, power_kw, energy_kwh, soc_kwh, voltage_pu, quality"""


@dataclass(frozen=True)
class Pending:
    """Arrivals by id, and their readings one after the other."""

    ids: list[int]
    readings: Readings


def add(readings: Readings) -> None:
    """Remember fresh readings, all available at one moment, for the next digest."""
    time_us = readings.time_us
    first_us, last_us = int(time_us.min()), int(time_us.max())
    one = np.array([first_us])
    fields = {
        "available_at": Field("timestamptz", readings.available_us[:1]),
        "first_at": Field("timestamptz", one),
        "last_at": Field("timestamptz", np.array([last_us])),
        "least_device": Field("int8", readings.device_id.min(keepdims=True)),
        "largest_device": Field("int8", readings.device_id.max(keepdims=True)),
        "count": Field("int4", np.array([readings.size])),
        "device_id": _bytes(readings.device_id, "<i8", absent=False),
        "time_us": _bytes(time_us, "<i8", absent=first_us == last_us),
        "power_kw": _bytes(readings.power_kw, "<f8", absent=False),
    }
    for name in ("energy_kwh", "soc_kwh", "voltage_pu"):
        values = getattr(readings, name)
        fields[name] = _bytes(values, "<f8", absent=bool(np.isnan(values).all()))
    fields["quality"] = _bytes(readings.quality, "<i2", absent=not readings.quality.any())
    copy_in("telemetry_arrival", fields)


def _bytes(values: NDArray[Any], dtype: str, *, absent: bool) -> Field:
    if absent:
        return Field("bytea", np.empty((1, 0), dtype=np.uint8), np.array([True]))
    return Field("bytea", values.astype(dtype, copy=False).view(np.uint8).reshape(1, -1))


def of_devices(device_ids: IntColumn, start_us: int, end_us: int) -> Readings:
    """Readings of these devices (distinct, rising) in [start, end) that wait for their digest."""
    if device_ids.size == 0:
        return no_readings()
    found = _read(
        "WHERE first_at < %s AND last_at >= %s AND least_device <= %s AND largest_device >= %s",
        [moment(end_us), moment(start_us), int(device_ids[-1]), int(device_ids[0])],
    ).readings
    inside = (found.time_us >= start_us) & (found.time_us < end_us)
    place = np.searchsorted(device_ids, found.device_id)
    place[place == device_ids.size] = 0
    return found.take(inside & (device_ids[place] == found.device_id))


def known_between(since_us: int, until_us: int) -> Readings:
    """Readings that became known in (since, until] and wait for their digest."""
    return _read("WHERE available_at > %s AND available_at <= %s", [moment(since_us), moment(until_us)]).readings


def take(most_readings: int) -> Pending:
    """The oldest arrivals, up to about so many readings. The caller is the only one that digests."""
    return _read(
        """WHERE id IN (SELECT id FROM (
            SELECT id, sum(count) OVER (ORDER BY id) - count AS before FROM telemetry_arrival
        ) each WHERE before < %s)""",
        [most_readings],
    )


def of_day(day: int) -> Pending:
    """All arrivals with a reading of a UTC day. The caller holds that day alone, so no more can come."""
    return _read("WHERE first_at < %s AND last_at >= %s", [moment((day + 1) * DAY_US), moment(day * DAY_US)])


def forget(ids: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM telemetry_arrival WHERE id = ANY(%s)", [ids])


def lock_digest() -> None:
    """Be the only one that digests until the transaction ends. Taken before any day is locked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [DIGEST_LOCK])


def _read(where: str, parameters: list[Any]) -> Pending:
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection) as cursor:  # bytes as bytes; Django's cursor gets them as text
        cursor.execute(f"SELECT {COLUMNS} FROM telemetry_arrival {where} ORDER BY id", parameters, binary=True)  # noqa: S608
        found = cursor.fetchall()
    parts = [_unpack(*columns) for _, *columns in found]
    return Pending([row[0] for row in found], join(parts) if parts else no_readings())


def _unpack(
    available_us: int, first_us: int, count: int, device_id: bytes, time_us: bytes | None, *rest: Any
) -> Readings:
    power_kw, energy_kwh, soc_kwh, voltage_pu, quality = rest

    def floats(packed: bytes | None) -> NDArray[np.float64]:
        return np.full(count, np.nan) if packed is None else np.frombuffer(packed, dtype="<f8")

    known_us = np.full(count, available_us, dtype=np.int64)
    return Readings(
        device_id=np.frombuffer(device_id, dtype="<i8"),
        time_us=np.full(count, first_us) if time_us is None else np.frombuffer(time_us, dtype="<i8"),
        power_kw=floats(power_kw),
        energy_kwh=floats(energy_kwh),
        soc_kwh=floats(soc_kwh),
        voltage_pu=floats(voltage_pu),
        quality=np.zeros(count, dtype=np.int16) if quality is None else np.frombuffer(quality, dtype="<i2"),
        first_available_us=known_us,
        available_us=known_us,
    )
