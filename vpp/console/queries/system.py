"""The machine room: queues, jobs given up, schedule, health, and the audit trail."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Q

from vpp.accounts.models import AuditEvent
from vpp.jobs.checkup import Finding, check_data_folder, check_database
from vpp.jobs.handlers import SCHEDULES, Schedule
from vpp.jobs.models import Job
from vpp.jobs.queries import health
from vpp.lib.periods import delivery_day_of, local_moment

JOB_ROWS = 50
TRAIL_ROWS = 100


@dataclass(frozen=True)
class Planned:
    """A schedule with its next moment; `more` times a day it comes besides, as one line for one name."""

    name: str
    schedule: Schedule
    next_at: datetime
    more: int = 0


@dataclass(frozen=True)
class SystemPage:
    health: dict[str, Any]
    checks: list[Finding]
    queues: list[tuple[str, dict[str, int]]]
    troubled: list[Job]
    recent: list[Job]
    schedules: list[Planned]


def system_page(at: datetime, kind: str) -> SystemPage:
    """`kind` narrows the recent jobs."""
    queues: dict[str, dict[str, int]] = {}
    for queue, state, count in Job.objects.order_by().values_list("queue", "state").annotate(Count("pk")):
        queues.setdefault(queue, {})[state] = count
    slim = Job.objects.defer("payload", "result").order_by("-pk")
    troubled, recent = slim.filter(state__in=[Job.State.DEAD, Job.State.FAILED]), slim
    if kind:
        recent = recent.filter(Q(kind__icontains=kind) | Q(natural_key__icontains=kind))
    return SystemPage(
        health=health(at=at),
        checks=[check_database(), check_data_folder()],
        queues=sorted(queues.items()),
        troubled=list(troubled[:JOB_ROWS]),
        recent=list(recent[:JOB_ROWS]),
        schedules=schedules(at),
    )


def schedules(at: datetime) -> list[Planned]:
    """The next first. Names that differ in a number at their end alone (`telemetry.watch.05`) are one line."""
    groups: dict[str, list[tuple[datetime, Schedule]]] = {}
    for one in SCHEDULES.values():
        groups.setdefault(re.sub(r"\.\d+$", "", one.name), []).append((next_slot(one, at), one))
    found = []
    for name, slots in groups.items():
        next_at, first = min(slots, key=lambda slot: slot[0])
        found.append(Planned(name, first, next_at, len(slots) - 1))
    return sorted(found, key=lambda one: one.next_at)


def next_slot(schedule: Schedule, at: datetime) -> datetime:
    today = delivery_day_of(at, schedule.time_zone).date
    slots = (local_moment(today + timedelta(days=day), schedule.local_time, schedule.time_zone) for day in range(3))
    return next(slot for slot in slots if slot > at)


@dataclass(frozen=True)
class Trail:
    events: list[AuditEvent]
    next_before: int | None


def audit_trail(*, search: str, action: str, day: date | None, before: int | None) -> Trail:
    """The newest events first; `before` is the id of the last one already seen."""
    found = AuditEvent.objects.select_related("participant")
    if search:
        found = found.filter(
            Q(actor__icontains=search) | Q(subject_key__icontains=search) | Q(reason__icontains=search)
        )
    if action:
        found = found.filter(action__startswith=action)
    if day:
        begins, ends = (
            local_moment(day + timedelta(days=ahead), datetime.min.time(), settings.HOUSE_ZONE) for ahead in (0, 1)
        )
        found = found.filter(at__gte=begins, at__lt=ends)
    if before:
        found = found.filter(pk__lt=before)
    rows = list(found.order_by("-pk")[: TRAIL_ROWS + 1])
    return Trail(rows[:TRAIL_ROWS], rows[TRAIL_ROWS - 1].pk if len(rows) > TRAIL_ROWS else None)
