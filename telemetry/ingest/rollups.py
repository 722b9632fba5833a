"""Keeps the 15-minute rollup in step with the readings, in the transaction that stores them."""

from __future__ import annotations

import numpy as np
import psycopg
from django.db import connection, transaction

from telemetry.kernels.batch import IntColumn
from telemetry.kernels.copy_format import Field
from telemetry.kernels.judge import DAY_US
from telemetry.kernels.readings import Readings, join
from telemetry.kernels.rollup import BUCKET_US, Rollup, bucket_of, roll_up
from telemetry.storage.cell_readings import CELLS, readings_of_cells
from telemetry.storage.copying import copy_in, empty_stage, moment
from telemetry.storage.days import ensure_days

CELL_COLUMNS = "bucket timestamptz, device_id bigint"
ROLLUP_STAGE = "telemetry_stage_rollup"
ROLLUP_STAGE_COLUMNS = """bucket timestamptz, first_available_at timestamptz, available_at timestamptz,
    device_id bigint, energy_kwh double precision, min_kw double precision, max_kw double precision,
    count integer, quality smallint"""


def rollup_fields(rollup: Rollup) -> dict[str, Field]:
    return {
        "bucket": Field("timestamptz", rollup.bucket_us),
        "first_available_at": Field("timestamptz", rollup.first_available_us),
        "available_at": Field("timestamptz", rollup.available_us),
        "device_id": Field("int8", rollup.device_id),
        "energy_kwh": Field("float8", rollup.energy_kwh),
        "min_kw": Field("float8", rollup.min_kw),
        "max_kw": Field("float8", rollup.max_kw),
        "count": Field("int4", rollup.count),
        "quality": Field("int2", rollup.quality),
    }


def add(fresh: Readings, *, present_us: int | None) -> IntColumn:
    """Roll up fresh rows of days that are not packed. Gives the buckets, if any, that have to be rolled up anew.

    New buckets are copied in. Where one of them is known already, the readings of a bucket come in parts (devices that
    report every minute, late data): those are marked as touched, and one later pass takes all parts. So are
    buckets that have not ended by `present_us`: more is bound to come.
    """
    rollup = roll_up(fresh).by_bucket()
    if present_us is None:
        return _add_cells(rollup)
    ended = rollup.bucket_us + BUCKET_US <= present_us
    running = rollup.take(~ended)
    again = _add_cells(rollup.take(ended)) if ended.any() else rollup.bucket_us[:0]
    if running.size:
        _touch(running.bucket_us, running.device_id)
    return np.union1d(again, running.bucket_us)


def _add_cells(rollup: Rollup) -> IntColumn:
    try:
        with transaction.atomic():
            copy_in("telemetry_rollup15", rollup_fields(rollup))
    except psycopg.errors.UniqueViolation:
        _touch(rollup.bucket_us, rollup.device_id)
        return np.unique(rollup.bucket_us)
    return rollup.bucket_us[:0]


def _touch(bucket_us: IntColumn, device_id: IntColumn) -> None:
    _stage_cells(bucket_us, device_id)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO telemetry_touchedbucket (bucket, device_id)
            SELECT bucket, device_id FROM {CELLS} ORDER BY bucket, device_id ON CONFLICT DO NOTHING"""  # noqa: S608
        )


def forget_touched(start_us: int, end_us: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM telemetry_touchedbucket WHERE bucket >= %s AND bucket < %s", [moment(start_us), moment(end_us)]
        )


def touched(readings: Readings) -> tuple[IntColumn, IntColumn]:
    """(bucket, device) of readings, each once, in order."""
    cells = np.unique(np.stack([bucket_of(readings.time_us), readings.device_id], axis=1), axis=0)
    return cells[:, 0], cells[:, 1]


def refresh(bucket_us: IntColumn, device_id: IntColumn) -> None:
    """Make these cells anew from all their readings.

    The rows are locked before the readings are read: of two writers to one bucket the second waits and then sees both.
    """
    ensure_days(np.unique(bucket_us // DAY_US).tolist())  # a corrected packed day may have no partition
    _lock_cells(bucket_us, device_id)
    parts = [readings_of_cells(day, bucket_us, device_id) for day in np.unique(bucket_us // DAY_US)]
    rollup = roll_up(join(parts)).by_bucket()
    empty_stage(ROLLUP_STAGE, ROLLUP_STAGE_COLUMNS)
    copy_in(ROLLUP_STAGE, rollup_fields(rollup))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE telemetry_rollup15 r SET
                first_available_at = s.first_available_at, available_at = s.available_at,
                energy_kwh = s.energy_kwh, min_kw = s.min_kw, max_kw = s.max_kw, count = s.count, quality = s.quality
            FROM {ROLLUP_STAGE} s
            WHERE r.bucket = s.bucket AND r.device_id = s.device_id AND r.bucket BETWEEN %s AND %s""",  # noqa: S608
            [moment(int(bucket_us.min())), moment(int(bucket_us.max()))],
        )


def _stage_cells(bucket_us: IntColumn, device_id: IntColumn) -> None:
    empty_stage(CELLS, CELL_COLUMNS)
    copy_in(CELLS, {"bucket": Field("timestamptz", bucket_us), "device_id": Field("int8", device_id)})


def _lock_cells(bucket_us: IntColumn, device_id: IntColumn) -> None:
    _stage_cells(bucket_us, device_id)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO telemetry_rollup15
                (bucket, first_available_at, available_at, device_id, energy_kwh, min_kw, max_kw, count)
            SELECT bucket, 'infinity', 'infinity', device_id, 0, 0, 0, 0 FROM {CELLS} ORDER BY bucket, device_id
            ON CONFLICT (bucket, device_id) DO NOTHING"""  # noqa: S608
        )
        cursor.execute(
            f"""SELECT count(*) FROM (
                SELECT 1 FROM telemetry_rollup15 r JOIN {CELLS} c USING (bucket, device_id)
                WHERE r.bucket BETWEEN %s AND %s ORDER BY bucket, device_id FOR UPDATE OF r
            ) locked""",  # noqa: S608
            [moment(int(bucket_us.min())), moment(int(bucket_us.max()))],
        )
