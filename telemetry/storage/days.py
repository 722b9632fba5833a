"""Days as the unit of storage: their partitions, and who may write one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from django.db import connection

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


def ensure_days(days: Iterable[int]) -> None:
    """Make the partitions that are missing."""
    with connection.cursor() as cursor:
        for day in sorted(set(days)):
            cursor.execute("SELECT telemetry_ensure_day(%s)", [as_date(day)])
