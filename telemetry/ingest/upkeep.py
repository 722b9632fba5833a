"""What is done with readings after they were stored: buckets that came in parts are rolled up, closed days packed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from django.db import transaction

from telemetry.ingest import latest, packed, touched
from telemetry.ingest.store import bring_up_rollup
from telemetry.kernels.rollup import BUCKET_US
from telemetry.storage import arrivals
from telemetry.storage.days import as_date, drop_partitions, lock_days, open_days

READINGS_A_DIGEST = 500_000  # bounds the memory and the length of one transaction


def digest(*, at: datetime, patience: int = 1_000) -> int:
    """Bring up latest values and rollup with what has arrived; how many readings. Safe to repeat and to interrupt.

    At most `patience` transactions, so that a flood does not hold a worker for ever.
    """
    at_us, total = round(at.timestamp() * 1e6), 0
    for _ in range(patience):
        with transaction.atomic():
            arrivals.lock_digest()
            pending = arrivals.take(READINGS_A_DIGEST)
            lock_days(shared=pending.readings.days(), exclusive=[])
            _digest(pending, at_us)
        total += pending.readings.size
        if pending.readings.size < READINGS_A_DIGEST // 2:
            break
    return total


def _digest(pending: arrivals.Pending, at_us: int) -> None:
    if pending.ids:
        readings = pending.readings.by_device()
        bring_up_rollup(readings, present_us=at_us - at_us % BUCKET_US)
        latest.advance(readings)
        arrivals.forget(pending.ids)


def refresh_rollup(*, before: datetime) -> int:
    """Roll up anew the buckets before a moment that got readings since; how many. Safe to repeat.

    Queries are right without it, as they ask the readings of such a bucket; it makes them quick again. A flood is taken
    in parts, so that those who write the day wait for one part at most.
    """
    before_us, count = round(before.timestamp() * 1e6), 0
    for day in touched.touched_days(before_us=before_us):
        for part in touched.touched_ranges(day, before_us=before_us):
            with transaction.atomic():
                lock_days(shared=[], exclusive=[day])
                count += touched.refresh_touched(day, part)
    return count


RETENTION_DAYS = 60  # of a packed day's empty partitions; longer than a gateway may be late


def drop_old_partitions(*, at: datetime) -> list[date]:
    """Drop the raw partitions of days older than the retention that hold nothing any more. Safe to repeat.

    A day is emptied when it is packed, with its counts and checksums; a day that still has rows is left alone.
    """
    dropped = []
    for day in open_days(before=at.astimezone(UTC).date() - timedelta(days=RETENTION_DAYS)):
        with transaction.atomic():
            lock_days(shared=[], exclusive=[day])
            if drop_partitions(day):
                dropped.append(as_date(day))
    return dropped


def close_days(*, before: date, at: datetime) -> dict[date, int]:
    """Pack every UTC day before `before` that still has rows; readings packed per day. Safe to repeat.

    Late readings of a packed day are rows again and are packed with it the next time.
    """
    packed_days: dict[date, int] = {}
    digest(at=at)
    for day in open_days(before=min(before, at.astimezone(UTC).date())):
        with transaction.atomic():
            arrivals.lock_digest()
            lock_days(shared=[], exclusive=[day])
            pending = arrivals.of_day(day)
            lock_days(shared=set(pending.readings.days()) - {day}, exclusive=[])
            _digest(pending, round(at.timestamp() * 1e6))
            if count := packed.pack_day(day):
                packed_days[as_date(day)] = count
    return packed_days
