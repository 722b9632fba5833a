"""Days as the unit of storage: their partitions, and who may write one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import numpy as np
from django.db import connection

from vpp.lib.periods import from_datetime64

LOCK_CLASS = 7301  # first key of the advisory locks on days
EPOCH_DATE = date(1970, 1, 1)


def as_date(day: int) -> date:
    """The date of a UTC day counted since 1970."""
    return EPOCH_DATE + timedelta(days=int(day))


def lock_days(*, shared: Iterable[int], exclusive: Iterable[int]) -> None:
    """Hold days until the transaction ends: row writers share a day, whoever packs it has it alone.

    Taken in order of the day, so that two writers never wait for each other.
    """
    alone = set(exclusive)
    with connection.cursor() as cursor:
        for day in sorted(alone | set(shared)):
            if day in alone:
                cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_CLASS, day])
            else:
                cursor.execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", [LOCK_CLASS, day])


def open_days_for_rows(days: Sequence[int], first_key: tuple[int, int]) -> tuple[bool, bool]:
    """Share days until the transaction ends and make their partitions.

    Tells whether any of them has packed days, and whether `first_key` (microseconds, device) is stored already, which
    makes the others likely to be. `days` rise. Both are asked in a statement of its own, as it must see what was packed
    while the first waited.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT pg_advisory_xact_lock_shared(%s, day), telemetry_ensure_day(date '1970-01-01' + day)
            FROM unnest(%s::int[]) day""",
            [LOCK_CLASS, list(days)],
        )
        cursor.execute(
            """SELECT EXISTS (SELECT FROM telemetry_readingday WHERE day = ANY(%s)),
            EXISTS (SELECT FROM telemetry_reading WHERE ts = %s AND device_id = %s)""",
            [[as_date(day) for day in days], from_datetime64(np.datetime64(first_key[0], "us")), first_key[1]],
        )
        some_packed, known = cursor.fetchone()
        return bool(some_packed), bool(known)


def ensure_days(days: Iterable[int]) -> None:
    """Make the partitions that are missing."""
    with connection.cursor() as cursor:
        for day in sorted(set(days)):
            cursor.execute("SELECT telemetry_ensure_day(%s)", [as_date(day)])


def drop_partitions(day: int) -> bool:
    """Drop a day's partitions if they are empty; whether they were. The caller holds the day alone."""
    suffix = f"p{as_date(day):%Y%m%d}"
    tables = [f"telemetry_reading_{suffix}", f"telemetry_rollup15_{suffix}"]
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT EXISTS (SELECT FROM {table})")  # noqa: S608 - a name of our own
            if cursor.fetchone()[0]:
                return False
        cursor.execute(f"DROP TABLE {', '.join(tables)}")
    return True


def open_days(*, before: date) -> list[int]:
    """Days before a date that have a partition, in order; most of them are empty once they are packed."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT to_date(right(relname, 8), 'YYYYMMDD') - date '1970-01-01' FROM pg_inherits
            JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'telemetry_reading'::regclass
            AND to_date(right(relname, 8), 'YYYYMMDD') < %s ORDER BY 1""",
            [before],
        )
        return [day for (day,) in cursor]
