"""Daily jobs: a slot is a row with a unique key, so it happens once; slots missed while nobody ran are caught up."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Min

from vpp.jobs import operations
from vpp.jobs.handlers import SCHEDULES, Schedule
from vpp.jobs.models import ScheduleSlot
from vpp.lib.periods import local_moment

ADVISORY_LOCK = 0x76707001
CATCH_UP_DAYS = 3


def tick(*, at: datetime) -> int:
    """Turn every slot that is due at `at` into a job. One process at a time; the others return 0 at once."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [ADVISORY_LOCK])
            (locked,) = cursor.fetchone()
        if not locked:
            return 0
        return sum(_fill(schedule, at) for schedule in SCHEDULES.values())


def due_slots(schedule: Schedule, at: datetime) -> list[datetime]:
    """UTC moments of the slots in the catch-up time up to `at`; a day has one, also where a clock change repeats it."""
    today = at.astimezone(ZoneInfo(schedule.time_zone)).date()
    days = [today - timedelta(days=back) for back in range(CATCH_UP_DAYS, -1, -1)]
    moments = [local_moment(day, schedule.local_time, schedule.time_zone) for day in days]
    return [moment for moment in moments if moment <= at]


def _fill(schedule: Schedule, at: datetime) -> int:
    slots = ScheduleSlot.objects.filter(schedule=schedule.name)
    began = slots.aggregate(first=Min("due_at"))["first"]
    due = due_slots(schedule, at)
    if began is None:
        due = due[-1:]  # a new installation owes nothing for the days before it
    known = set(slots.filter(due_at__in=due).values_list("due_at", flat=True))
    missing = [moment for moment in due if moment not in known and (began is None or moment > began)]
    for moment in missing:
        local_date = moment.astimezone(ZoneInfo(schedule.time_zone)).date().isoformat()
        job = operations.enqueue(
            kind=schedule.kind,
            natural_key=f"{schedule.name}:{local_date}",
            payload=schedule.payload(local_date),
            at=at,
        )
        ScheduleSlot.objects.create(schedule=schedule.name, due_at=moment, job=job)
    return len(missing)
