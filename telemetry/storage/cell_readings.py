"""The readings that make up quarter hours, for rolling them up anew."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from telemetry.kernels.batch import IntColumn, absent
from telemetry.kernels.judge import DAY_US
from telemetry.kernels.readings import Readings, join
from telemetry.kernels.rollup import BUCKET_US, bucket_of
from telemetry.storage import raw
from telemetry.storage.copying import copy_out, moment

CELLS = "telemetry_stage_cell"  # temporary table of (bucket, device_id), filled by the caller
TOUCHED = "telemetry_touchedbucket"  # has the same columns
DENSE_CELLS = 1_000  # of one bucket; from there on reading the whole bucket is quicker than looking each device up
KINDS = (
    ("time_us", "timestamptz"),
    ("device_id", "int8"),
    ("power_kw", "float8"),
    ("quality", "int2"),
    ("available_us", "timestamptz"),
)
COLUMNS = "r.ts, r.device_id, r.power_kw, r.quality, r.available_at"


def readings_of_cells(day: int, bucket_us: IntColumn, device_id: IntColumn, table: str = CELLS) -> Readings:
    """All readings of these cells on one day, in the version that holds now; NaN in what a rollup does not use.

    `table` holds the cells as well, and between the first and the last device no others of these buckets.
    """
    here = bucket_us // DAY_US == day
    bucket_us, device_id = bucket_us[here], device_id[here]
    start_us, end_us = int(bucket_us.min()), int(bucket_us.max()) + BUCKET_US
    devices = np.unique(device_id)
    parts = _rows(bucket_us, device_id, table)
    if raw.packed_pairs([int(day)], devices).size:
        packed = raw.packed_readings([int(day)], devices)
        parts.append(packed.take(_inside(packed.time_us, packed.device_id, bucket_us, device_id)))
    readings = join(parts).by_device()
    return raw.with_corrections(readings, raw.corrections(devices, start_us, end_us))


def _rows(bucket_us: IntColumn, device_id: IntColumn, table: str) -> list[Readings]:
    """Bucket by bucket where many devices are asked for, else each cell by the key of its readings."""
    parts = []
    buckets, count = np.unique(bucket_us, return_counts=True)
    for bucket in buckets[count >= DENSE_CELLS]:
        devices = device_id[bucket_us == bucket]
        found = _narrow(
            f"""SELECT {COLUMNS} FROM telemetry_reading r
            WHERE r.ts >= %s AND r.ts < %s AND r.device_id BETWEEN %s AND %s""",  # noqa: S608
            [moment(bucket), moment(bucket + BUCKET_US), int(devices.min()), int(devices.max())],
        )
        parts.append(found.take(np.isin(found.device_id, devices)))
    sparse, ends = buckets[count < DENSE_CELLS], [int(device_id.min()), int(device_id.max())]
    if sparse.size:
        parts.append(
            _narrow(
                f"""SELECT {COLUMNS} FROM {table} c JOIN telemetry_reading r ON r.device_id = c.device_id
                AND r.ts >= c.bucket AND r.ts < c.bucket + interval '15 minutes'
                WHERE c.bucket = ANY(%s::timestamptz[]) AND r.ts >= %s AND r.ts < %s
                AND c.device_id BETWEEN %s AND %s""",  # noqa: S608
                [[moment(each) for each in sparse], moment(sparse[0]), moment(sparse[-1] + BUCKET_US), *ends],
            )
        )
    return parts


def _narrow(query: str, parameters: list) -> Readings:
    found = copy_out(query, parameters, KINDS)
    order = np.lexsort((found["time_us"], found["device_id"]))  # before the columns that hold nothing are there
    found = {name: values[order] for name, values in found.items()}
    nothing = absent(order.size)
    return Readings(
        **found, first_available_us=found["available_us"], energy_kwh=nothing, soc_kwh=nothing, voltage_pu=nothing
    )


def _inside(time_us: IntColumn, of_device: IntColumn, bucket_us: IntColumn, device_id: IntColumn) -> NDArray[np.bool_]:
    """(n,) whether a reading lies in one of the cells."""
    cells = set(zip(device_id.tolist(), bucket_us.tolist(), strict=True))
    own = zip(of_device.tolist(), bucket_of(time_us).tolist(), strict=True)
    return np.fromiter((cell in cells for cell in own), dtype=bool, count=time_us.size)
