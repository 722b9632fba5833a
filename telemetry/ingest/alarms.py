"""Alarms: who fell silent, whose clock is wrong, whose readings are doubtful."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, QuerySet

from telemetry.ingest.upkeep import digest
from telemetry.kernels.quality import Quality, Refusal
from telemetry.models import Alarm, Latest, Sender
from vpp.enrollment.models import Consent

SILENT_AFTER = timedelta(minutes=45)  # three quarter hours without a reading
FORGOTTEN_AFTER = timedelta(days=30)  # who has been silent for so long is gone and no longer alarming
REFUSAL_HOLDS = timedelta(hours=1)
QUALITY_WINDOW = timedelta(hours=24)
FEWEST_CELLS, WORST_SHARE_PU = 8, 0.1
DOUBTFUL = int(Quality.ABOVE_RATING | Quality.ENERGY_MISMATCH | Quality.SOC_OUT_OF_RANGE | Quality.IMPOSSIBLE_STEP)

_heard: dict[str, datetime] = {}  # when this process last wrote a sender down


def heard(name: str, *, at: datetime, refused: Sequence[tuple[int, str]]) -> None:
    """A sender has sent something; written down once a minute, and whenever its clock is ahead or it measures what its
    owner does not agree to any more."""
    reasons = {reason for _, reason in refused}
    skewed, unagreed = Refusal.AHEAD_OF_CLOCK in reasons, Refusal.CONSENT_WITHDRAWN in reasons
    last = _heard.get(name)
    if not skewed and not unagreed and last is not None and timedelta(0) <= at - last < timedelta(minutes=1):
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO telemetry_sender AS s (name, heard_at, skewed_at, unagreed_at) VALUES (%s, %s, %s, %s)
            ON CONFLICT (name) DO UPDATE SET heard_at = greatest(s.heard_at, EXCLUDED.heard_at),
            skewed_at = coalesce(EXCLUDED.skewed_at, s.skewed_at),
            unagreed_at = coalesce(EXCLUDED.unagreed_at, s.unagreed_at)""",
            [name, at, at if skewed else None, at if unagreed else None],
        )
    transaction.on_commit(lambda: _heard.__setitem__(name, at))


def watch(*, at: datetime) -> int:
    """Open the alarms that hold now and end those that do not; how many are open. Safe to repeat."""
    digest(at=at)
    gone, silent = at - FORGOTTEN_AFTER, at - SILENT_AFTER
    newest = Latest.objects.filter(ts__gt=gone).exclude(device__site__in=_not_agreed())
    sites = newest.values("device__site").annotate(last=Max("ts")).filter(last__lt=silent)
    senders = Sender.objects.filter(heard_at__gt=gone)
    with transaction.atomic():
        _set(Alarm.Kind.DEVICE_SILENT, "device_id", newest.filter(ts__lt=silent).values_list("device_id", "ts"), at)
        _set(Alarm.Kind.SITE_SILENT, "site_id", sites.values_list("device__site", "last"), at)
        _set(
            Alarm.Kind.GATEWAY_SILENT,
            "sender_id",
            senders.filter(heard_at__lt=silent).values_list("id", "heard_at"),
            at,
        )
        skewed = senders.filter(skewed_at__gt=at - REFUSAL_HOLDS)
        _set(Alarm.Kind.CLOCK_SKEW, "sender_id", skewed.values_list("id", "skewed_at"), at)
        unagreed = senders.filter(unagreed_at__gt=at - REFUSAL_HOLDS)
        _set(Alarm.Kind.NO_CONSENT, "sender_id", unagreed.values_list("id", "unagreed_at"), at)
        _set(Alarm.Kind.QUALITY, "device_id", _doubtful_devices(at), at)
    return Alarm.objects.open().count()


def _not_agreed() -> QuerySet[Consent, Any]:
    """Sites that have to be silent: a consent was withdrawn and none is in force."""
    in_force = Consent.objects.filter(withdrawn_at=None)
    return Consent.objects.exclude(withdrawn_at=None).exclude(site__in=in_force.values("site")).values("site")


def _set(kind: str, field: str, holding: Iterable[tuple[int, Any]], at: datetime) -> None:
    begins = dict(holding)
    for alarm in Alarm.objects.open().filter(kind=kind):
        if begins.pop(getattr(alarm, field), None) is None:
            Alarm.objects.filter(pk=alarm.pk, end_at=None).update(end_at=max(at, alarm.begin_at))
    new = [Alarm(kind=kind, begin_at=begin_at, **{field: subject}) for subject, begin_at in begins.items()]
    Alarm.objects.bulk_create(new, batch_size=5000, ignore_conflicts=True)


def _doubtful_devices(at: datetime) -> list[tuple[int, datetime]]:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT device_id, min(bucket) FILTER (WHERE quality & %s <> 0) FROM telemetry_rollup15
            WHERE bucket >= %s AND bucket < %s GROUP BY 1
            HAVING count(*) >= %s AND count(*) FILTER (WHERE quality & %s <> 0) > %s * count(*)""",
            [DOUBTFUL, at - QUALITY_WINDOW, at, FEWEST_CELLS, DOUBTFUL, WORST_SHARE_PU],
        )
        return cursor.fetchall()
