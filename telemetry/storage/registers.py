"""Register showings in and out."""

from __future__ import annotations

import numpy as np
from django.db import connection

from telemetry.kernels.batch import FloatColumn, IntColumn
from telemetry.kernels.copy_format import Field
from telemetry.storage.copying import copy_in, copy_out, id_array, moment

LOCK_CLASS = 7303  # first key of the advisory locks on devices' registers
LOCKS = 64
KINDS = (("device_id", "int8"), ("time_us", "timestamptz"), ("register_kwh", "float8"))


def lock(device_ids: IntColumn) -> None:
    """Have the registers of these devices alone until the transaction ends; taken in order."""
    with connection.cursor() as cursor:
        for key in np.unique(device_ids % LOCKS).tolist():
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_CLASS, key])


def known(device_ids: IntColumn, start_us: int) -> dict[str, IntColumn | FloatColumn]:
    """Showings of these devices from a moment on and each one's last before it, by (device, time)."""
    ids, start = id_array(np.unique(device_ids)), moment(start_us)
    return copy_out(
        """SELECT device_id, ts, register_kwh FROM telemetry_registershowing
        WHERE device_id = ANY(%s::bigint[]) AND ts >= %s
        UNION ALL
        SELECT found.* FROM unnest(%s::bigint[]) asked CROSS JOIN LATERAL (
            SELECT device_id, ts, register_kwh FROM telemetry_registershowing
            WHERE device_id = asked AND ts < %s ORDER BY ts DESC LIMIT 1
        ) found ORDER BY 1, 2""",
        [ids, start, ids, start],
        KINDS,
    )


def add(device_id: IntColumn, time_us: IntColumn, register_kwh: FloatColumn, at_us: int) -> None:
    copy_in(
        "telemetry_registershowing",
        {
            "device_id": Field("int8", device_id),
            "ts": Field("timestamptz", time_us),
            "register_kwh": Field("float8", register_kwh),
            "available_at": Field("timestamptz", np.full(time_us.size, at_us)),
        },
    )
