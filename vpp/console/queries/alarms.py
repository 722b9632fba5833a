"""Alarms of delivery and of readings in one list, with who has seen them.

Delivery's alarms carry their acknowledgement. Those of readings begin and end by themselves; that somebody has seen
one is a line of the audit trail.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Count, Q, Value
from django.urls import reverse
from django.utils.translation import gettext as _

from telemetry.models import Alarm as ReadingAlarm
from vpp.accounts.models import AuditEvent, Principal
from vpp.accounts.operations import audit
from vpp.console import units
from vpp.dispatch.models import Alarm as DeliveryAlarm
from vpp.dispatch.operations import acknowledge_alarm

ROWS = 200
SEEN = "alarm.acknowledged"


@dataclass(frozen=True)
class AlarmLine:
    """key: what a form sends back; `ended_at` only for what ends by itself."""

    key: str
    at: datetime
    kind: str
    subject: str
    url: str
    detail: str
    zone: str
    seen_at: datetime | None
    seen_by: str
    note: str
    ended_at: datetime | None = None


def alarm_lines(principal: Principal, *, only_open: bool) -> list[AlarmLine]:
    """The newest first; open means seen by nobody, and not ended."""
    lines = [*_delivery(principal, only_open), *_readings(principal, only_open)]
    return sorted(lines, key=lambda line: line.at, reverse=True)[:ROWS]


def _delivery(principal: Principal, only_open: bool) -> list[AlarmLine]:
    found = DeliveryAlarm.objects.visible_to(principal).select_related("portfolio", "award__bid__product")
    if only_open:
        found = found.open()
    return [
        AlarmLine(
            key=f"delivery-{one.pk}", at=one.raised_at, kind=one.get_kind_display(), subject=one.portfolio.code,
            url=reverse("console:day", args=[one.portfolio.code, one.award.bid.delivery_date.isoformat()]),
            detail=_("%(short)s of %(committed)s missing from %(start)s") % {
                "short": units.quantity(one.short_kw, "kW"), "committed": units.quantity(one.committed_up_kw, "kW"),
                "start": units.local(one.interval_start, one.portfolio.time_zone),
            },
            zone=one.portfolio.time_zone, seen_at=one.acknowledged_at, seen_by=one.acknowledged_by, note=one.note,
        )
        for one in found.order_by("-raised_at", "-pk")[:ROWS]
    ]  # fmt: skip


def _readings(principal: Principal, only_open: bool) -> list[AlarmLine]:
    found = ReadingAlarm.objects.visible_to(principal).select_related("device__site", "site", "sender")
    if only_open:
        found = found.open()
    rows = list(found.order_by("-begin_at", "-pk")[:ROWS])
    seen = {
        event.subject_key: event
        for event in AuditEvent.objects.filter(
            action=SEEN, subject_type=ReadingAlarm._meta.label_lower, subject_key__in=[str(one.pk) for one in rows]
        ).order_by("-pk")
    }
    lines = []
    for one in rows:
        event = seen.get(str(one.pk))
        if only_open and event is not None:
            continue
        site = one.device.site if one.device else one.site
        lines.append(
            AlarmLine(
                key=f"reading-{one.pk}", at=one.begin_at, kind=one.get_kind_display(),
                subject=str(one.device or one.site or one.sender), detail="",
                url=reverse("console:device", args=[one.device.code]) if one.device else "",
                zone=site.time_zone if site else settings.HOUSE_ZONE, ended_at=one.end_at,
                seen_at=event.at if event else None, seen_by=event.actor if event else "",
                note=event.reason if event else "",
            )
        )  # fmt: skip
    return lines


def open_counts(principal: Principal) -> dict[str, int]:
    """How many alarms nobody has seen, by kind; those of readings as long as they last. One question for both."""
    delivery = DeliveryAlarm.objects.visible_to(principal).open().order_by()
    readings = ReadingAlarm.objects.visible_to(principal).open().order_by()
    asked = delivery.values_list("kind", Value(0)).annotate(Count("pk"))
    labels = [dict(DeliveryAlarm.Kind.choices), dict(ReadingAlarm.Kind.choices)]
    counts = asked.union(readings.values_list("kind", Value(1)).annotate(Count("pk")), all=True)
    return {str(labels[place][kind]): count for kind, place, count in counts}


def acknowledge(keys: list[str], *, at: datetime, actor: object, note: str) -> int:
    """Somebody has seen these; how many of them nobody had seen before."""
    ids: dict[str, list[int]] = {"delivery": [], "reading": []}
    for key in keys[:ROWS]:
        where, _dash, number = key.partition("-")
        if where in ids and number.isdecimal():
            ids[where].append(int(number))
    delivery = DeliveryAlarm.objects.filter(pk__in=ids["delivery"])
    done = sum(acknowledge_alarm(one, at=at, actor=actor, note=note) for one in delivery)
    known = AuditEvent.objects.filter(action=SEEN, subject_type=ReadingAlarm._meta.label_lower)
    for one in ReadingAlarm.objects.filter(Q(pk__in=ids["reading"])):
        if not known.filter(subject_key=str(one.pk)).exists():
            audit(at=at, actor=actor, action=SEEN, subject=one, reason=note)
            done += 1
    return done
