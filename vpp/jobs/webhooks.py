"""Webhooks: events as signed JSON posts, each first a row and a job, repeated until the receiver takes them.

A receiver checks `X-VPP-Signature: t=UNIX,v1=HEX`: HEX is the HMAC-SHA256, under its secret, of "UNIX." and the body.
The same delivery may come twice; `X-VPP-Delivery` names it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from django.conf import settings
from django.db import transaction

from vpp.accounts.models import Participant
from vpp.accounts.operations import audit
from vpp.jobs import operations as jobs
from vpp.jobs.models import Webhook, WebhookDelivery
from vpp.jobs.webhook_address import BadWebhook, check_address, post
from vpp.lib.errors import DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

DELIVER = "jobs.webhook"
EVENTS: set[str] = set()  # what the rooms tell; each names its own when it starts
SECRET_PREFIX = "whsec_"


class ReceiverDown(Exception):
    """Nothing was delivered; it is tried again."""


class ReceiverRefused(DomainError):
    """The receiver answered that it will not take it."""

    code = "receiver_refused"


def secret_of(webhook: Webhook) -> str:
    """What signs its deliveries; the participant sees it when it makes the webhook or changes the secret."""
    name = f"webhook:{webhook.pk}:{webhook.generation}"
    return SECRET_PREFIX + hmac.new(settings.SECRET_KEY.encode(), name.encode(), hashlib.sha256).hexdigest()


def signature(secret: str, body: bytes, unix_s: int) -> str:
    digest = hmac.new(secret.encode(), str(unix_s).encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={unix_s},v1={digest}"


@transaction.atomic
def subscribe(*, participant: Participant, url: str, events: Sequence[str], at: datetime, actor: object) -> Webhook:
    """Tell `url` of events from now on; the same address again changes its events. Raises BadWebhook."""
    check_address(url)
    webhook, _ = Webhook.objects.update_or_create(
        participant=participant,
        url=url,
        defaults={"events": sorted(set(events)), "active": True},
        create_defaults={"events": sorted(set(events)), "created_at": at},
    )
    audit(at=at, actor=actor, action="webhook.subscribed", subject=webhook, after={"url": url, "events": list(events)})
    return webhook


@transaction.atomic
def change_secret(webhook: Webhook, *, at: datetime, actor: object) -> Webhook:
    """From now on another secret signs, also what waits already."""
    webhook.generation += 1
    webhook.save(update_fields=["generation"])
    audit(at=at, actor=actor, action="webhook.secret_changed", subject=webhook)
    return webhook


def publish(*, participant: Participant, event: str, subject: str, data: dict[str, Any], at: datetime) -> int:
    """A delivery and a job per webhook that wants the event, in the caller's transaction; a repeat adds nothing."""
    count = 0
    for webhook in Webhook.objects.filter(participant=participant, active=True).order_by("pk"):
        if webhook.events and event not in webhook.events:
            continue
        key = f"{webhook.pk}:{event}:{subject}:{at.isoformat()}"
        delivery_id = uuid5(NAMESPACE_URL, key)
        delivery, made = WebhookDelivery.objects.get_or_create(
            delivery_id=delivery_id,
            defaults={
                "webhook": webhook,
                "event": event,
                "body": {"id": str(delivery_id), "event": event, "at": at.isoformat(), "data": data},
                "created_at": at,
            },
        )
        if made:
            jobs.enqueue(kind=DELIVER, natural_key=f"webhook:{delivery_id}", payload={"delivery": delivery.pk}, at=at)
            count += 1
    return count


def deliver(delivery: WebhookDelivery) -> None:
    """One try. Raises ReceiverDown (try again), ReceiverRefused (4xx) or BadWebhook (it may not be called any more); of
    the last two it will not be tried again."""
    import requests

    if delivery.state != WebhookDelivery.State.PENDING:
        return
    now = datetime.now(UTC)
    delivery.attempts += 1
    try:
        status = _post(delivery, now)
    except BadWebhook as error:
        delivery.state = WebhookDelivery.State.REFUSED
        _note(delivery, error.message[:200])
        raise
    except requests.RequestException as error:
        _note(delivery, f"{type(error).__name__}"[:200])
        raise ReceiverDown(f"{delivery.webhook.url}: {type(error).__name__}") from error
    if 200 <= status < 300:
        delivery.state, delivery.delivered_at = WebhookDelivery.State.DELIVERED, now
        _note(delivery, str(status))
    elif 300 <= status < 500 and status not in (404, 408, 425, 429):
        delivery.state = WebhookDelivery.State.REFUSED
        _note(delivery, str(status))
        raise ReceiverRefused(f"{delivery.webhook.url} answered {status}")
    else:
        _note(delivery, str(status))
        raise ReceiverDown(f"{delivery.webhook.url} answered {status}")


def _post(delivery: WebhookDelivery, now: datetime) -> int:
    """The status that the receiver answers with. Raises BadWebhook, requests.RequestException."""
    body = json.dumps(delivery.body, separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json",
        "X-VPP-Event": delivery.event,
        "X-VPP-Delivery": str(delivery.delivery_id),
        "X-VPP-Signature": signature(secret_of(delivery.webhook), body, int(now.timestamp())),
    }
    return post(delivery.webhook.url, body, headers, attempt=delivery.attempts)


def _note(delivery: WebhookDelivery, answer: str) -> None:
    delivery.answer = answer
    delivery.save(update_fields=["state", "attempts", "answer", "delivered_at"])
