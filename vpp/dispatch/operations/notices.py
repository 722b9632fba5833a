"""New alarms leave the house: webhooks of the aggregator, and e-mail to those on duty. Each is first a job."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.mail import send_mail

from vpp.accounts.models import Participant
from vpp.dispatch.models import Alarm
from vpp.jobs import operations as jobs
from vpp.jobs import webhooks

RAISED, ACKNOWLEDGED = "alarm.raised", "alarm.acknowledged"
EMAIL = "dispatch.alarm_email"


def tell_raised(alarm_ids: Sequence[int], at: datetime) -> None:
    """In the transaction that raised them; an alarm that only grows is not told again."""
    for alarm in Alarm.objects.filter(pk__in=alarm_ids).select_related("portfolio", "award__bid__ask"):
        _publish(RAISED, alarm, at)
        if settings.ALARM_EMAILS:
            jobs.enqueue(
                kind=EMAIL, natural_key=f"alarm-email:{alarm.pk}", payload={"alarm": alarm.pk}, queue="dispatch", at=at
            )


def tell_acknowledged(alarm: Alarm, at: datetime) -> None:
    _publish(ACKNOWLEDGED, alarm, at)


def send_email(alarm_id: int) -> None:
    """One message to all on duty. Raises what the mail server raises; the job tries again."""
    alarm = Alarm.objects.select_related("portfolio", "award__bid__ask").get(pk=alarm_id)
    send_mail(f"[VPP] {_subject(alarm)}", _text(alarm), settings.DEFAULT_FROM_EMAIL, settings.ALARM_EMAILS)


def _publish(event: str, alarm: Alarm, at: datetime) -> None:
    for aggregator in Participant.objects.filter(kind=Participant.Kind.AGGREGATOR).order_by("pk"):
        webhooks.publish(participant=aggregator, event=event, subject=str(alarm.pk), data=_data(alarm), at=at)


def _data(alarm: Alarm) -> dict[str, Any]:
    seen = alarm.acknowledged_at
    return {
        "id": alarm.pk,
        "kind": alarm.kind,
        "portfolio": alarm.portfolio.code,
        "award": alarm.award_id,
        "ask": alarm.award.bid.ask.reference if alarm.award.bid.ask else None,
        "interval_start": alarm.interval_start.isoformat(),
        "committed_up_kw": alarm.committed_up_kw,
        "short_kw": alarm.short_kw,
        "acknowledged_at": seen.isoformat() if seen else None,
        "acknowledged_by": alarm.acknowledged_by,
        "note": alarm.note,
    }


def _subject(alarm: Alarm) -> str:
    return f"{alarm.portfolio.code} {alarm.interval_start:%Y-%m-%d %H:%M}Z: {alarm.short_kw:.0f} kW short"


def _text(alarm: Alarm) -> str:
    what = alarm.award.bid.ask.reference if alarm.award.bid.ask else f"award {alarm.award_id}"
    return (
        f"{alarm.get_kind_display().capitalize()}.\n\n"
        f"Portfolio  {alarm.portfolio.code}\nInterval   {alarm.interval_start:%Y-%m-%d %H:%M}Z\nCommitment {what},"
        f" {alarm.committed_up_kw:+.1f} kW\nMissing    {alarm.short_kw:.1f} kW\n\n"
        f"Acknowledge it in the console or with POST /api/v1/alarms/{alarm.pk}/acknowledge.\n"
    )
