"""Buckets that got readings in parts, rolled up anew in one pass over all their parts."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from django.db import connection

from telemetry.ingest.rollups import rollup_fields
from telemetry.kernels.judge import DAY_US
from telemetry.kernels.rollup import BUCKET_US, roll_up
from telemetry.storage.cell_readings import TOUCHED, readings_of_cells
from telemetry.storage.copying import copy_in, copy_out, moment
from telemetry.storage.days import ensure_days

CELLS_AT_ONCE = 100_000  # bounds the memory of a pass, and how long it keeps the day from its writers


def touched_days(*, before_us: int) -> list[int]:
    """Days with touched buckets before a moment."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT DISTINCT (bucket AT TIME ZONE 'UTC')::date - date '1970-01-01'
            FROM telemetry_touchedbucket WHERE bucket < %s ORDER BY 1""",
            [moment(before_us)],
        )
        return [day for (day,) in cursor]


@dataclass(frozen=True)
class Range:
    """Buckets in [start, end) of devices in [first, last]."""

    start_us: int
    end_us: int
    first_device: int
    last_device: int

    def where(self) -> tuple[str, list[Any]]:
        """SQL condition on the columns bucket and device_id of a table c, and its parameters."""
        ends = [moment(self.start_us), moment(self.end_us), self.first_device, self.last_device]
        return "c.bucket >= %s AND c.bucket < %s AND c.device_id BETWEEN %s AND %s", ends


def touched_ranges(day: int, *, before_us: int) -> list[Range]:
    """Ranges that together hold the touched cells of a day: one if they are few, else of about so many each."""
    start_us, end_us = day * DAY_US, min((day + 1) * DAY_US, before_us)
    found = copy_out(
        """SELECT bucket, count(*), min(device_id), max(device_id) FROM telemetry_touchedbucket
        WHERE bucket >= %s AND bucket < %s GROUP BY 1""",
        [moment(start_us), moment(end_us)],
        (("bucket_us", "timestamptz"), ("count", "int8"), ("first", "int8"), ("last", "int8")),
    )
    if not found["count"].size:
        return []
    if found["count"].sum() <= CELLS_AT_ONCE:
        return [Range(start_us, end_us, int(found["first"].min()), int(found["last"].max()))]
    ranges = []
    for bucket, count, first, last in zip(*(found[name].tolist() for name in found), strict=True):
        edges = np.linspace(first, last + 1, count // CELLS_AT_ONCE + 2).astype(np.int64).tolist()
        ranges += [Range(bucket, bucket + BUCKET_US, *each) for each in _closed(edges)]
    return ranges


def _closed(edges: list[int]) -> list[tuple[int, int]]:
    """[first, last] between edges."""
    return [(first, following - 1) for first, following in pairwise(edges) if following > first]


def refresh_touched(day: int, part: Range) -> int:
    """Roll up the touched buckets of a range of one day anew; how many. The caller holds the day alone, so none is
    missed.

    Nobody else writes the day, so the cells need no lock of their own and are replaced as a whole.
    """
    condition, parameters = part.where()
    cells = copy_out(
        f"SELECT bucket, device_id FROM {TOUCHED} c WHERE {condition}",  # noqa: S608
        parameters,
        (("bucket_us", "timestamptz"), ("device_id", "int8")),
    )
    bucket_us, device_id = cells["bucket_us"], cells["device_id"]
    if bucket_us.size:
        ensure_days([day])
        rollup = roll_up(readings_of_cells(day, bucket_us, device_id, TOUCHED)).by_bucket()
        with connection.cursor() as cursor:
            cursor.execute(
                f"""DELETE FROM telemetry_rollup15 r USING {TOUCHED} c
                WHERE r.bucket = c.bucket AND r.device_id = c.device_id AND {condition}
                AND r.bucket >= %s AND r.bucket < %s""",  # noqa: S608
                [*parameters, *parameters[:2]],
            )
            copy_in("telemetry_rollup15", rollup_fields(rollup))
            cursor.execute(f"DELETE FROM {TOUCHED} c WHERE {condition}", parameters)  # noqa: S608
    return int(bucket_us.size)
