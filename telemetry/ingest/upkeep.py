"""What is done with readings after they were stored: buckets that came in parts are rolled up, closed days packed."""

from __future__ import annotations

from datetime import UTC, date, datetime

from django.db import transaction

from telemetry.ingest import packed, rollups
from telemetry.storage.days import as_date, lock_days, open_days


def refresh_rollup(*, before: datetime) -> int:
    """Roll up anew the buckets before a moment that got readings since; how many. Safe to repeat.

    Queries are right without it, as they ask the readings of such a bucket; it makes them quick again.
    """
    before_us, count = round(before.timestamp() * 1e6), 0
    for day in rollups.touched_days(before_us=before_us):
        with transaction.atomic():
            lock_days(shared=[], exclusive=[day])
            count += rollups.refresh_touched(day, before_us=before_us)
    return count


def close_days(*, before: date, at: datetime) -> dict[date, int]:
    """Pack every UTC day before `before` that still has rows; readings packed per day. Safe to repeat.

    Late readings of a packed day are rows again and are packed with it the next time.
    """
    packed_days: dict[date, int] = {}
    for day in open_days(before=min(before, at.astimezone(UTC).date())):
        with transaction.atomic():
            lock_days(shared=[], exclusive=[day])
            if count := packed.pack_day(day):
                packed_days[as_date(day)] = count
    return packed_days
