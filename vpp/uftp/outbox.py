"""Messages go out: first a row and a job, then sealed and posted, repeated for an hour while nobody takes them."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction

from vpp.jobs import operations as jobs
from vpp.lib.errors import DomainError
from vpp.uftp import codec
from vpp.uftp.keys import open_secret, own_key
from vpp.uftp.models import Counterparty, InMessage, OutMessage

SEND = "uftp.send"
GIVE_UP_AFTER = timedelta(hours=1)
TIMEOUT_S = 20
RETRIED = (404, 408, 425, 429)  # besides 5xx; every other answer is final


class NotTaken(Exception):
    """Nobody took it this time."""


class FinallyRefused(DomainError):
    code = "uftp_refused"


def answer(
    counterparty: Counterparty,
    message: Any,
    *,
    at: datetime,
    natural_key: str,
    reason: str = "",
    extra: dict[str, Any] | None = None,
    answers: InMessage | None = None,
) -> OutMessage | None:
    """Accepted, or Rejected with the reason, in the conversation and version of the message; None if it wants none."""
    from shapeshifter_uftp.uftp import AcceptedRejected

    kind = codec.kind_of(message)
    made_by = codec.answer_class(kind)
    if made_by is None:
        return None
    content: dict[str, Any] = dict(extra or {})
    names = {field.name for field in fields(made_by)}
    if (reference := codec.reference_field(kind)) in names:
        content[reference] = message.message_id
    if "result" in names:
        content["result"] = AcceptedRejected.REJECTED if reason else AcceptedRejected.ACCEPTED
        content["rejection_reason"] = reason[:1000] or None
    if kind == "FlexSettlement" and "flex_order_settlement_statuses" not in content:
        from vpp.uftp.settlements import all_disputed

        content["flex_order_settlement_statuses"] = all_disputed(message, reason)
    built = made_by(**content)
    built.version = message.version
    return queue(
        counterparty, built, at=at, natural_key=natural_key, conversation_id=message.conversation_id, answers=answers
    )


def queue(
    counterparty: Counterparty,
    message: Any,
    *,
    at: datetime,
    natural_key: str,
    conversation_id: str = "",
    answers: InMessage | None = None,
) -> OutMessage:
    """Write a message and the job that sends it, in the caller's transaction; a repeat finds the first one."""
    message.version = message.version if answers or conversation_id else counterparty.version
    message.sender_domain, message.recipient_domain = settings.UFTP_DOMAIN, counterparty.domain
    message.time_stamp = datetime.now(UTC).isoformat(timespec="seconds")
    message.message_id = str(uuid4())
    message.conversation_id = conversation_id or str(uuid4())
    row, made = OutMessage.objects.get_or_create(
        natural_key=natural_key,
        defaults={
            "counterparty": counterparty,
            "message_id": message.message_id,
            "conversation_id": message.conversation_id,
            "kind": codec.kind_of(message),
            "xml": codec.write_message(message),
            "answers": answers,
            "created_at": at,
        },
    )
    if made:
        jobs.enqueue(kind=SEND, natural_key=f"uftp:out:{row.pk}", payload={"message": row.pk}, at=at)
    return row


def send(message_id: int) -> None:
    """One try. Raises NotTaken (again later) or FinallyRefused (a final answer, or an hour has passed)."""
    import requests

    row = OutMessage.objects.select_related("counterparty").get(pk=message_id)
    if row.state != OutMessage.State.PENDING:
        return
    now = datetime.now(UTC)
    row.attempts, row.first_tried_at = row.attempts + 1, row.first_tried_at or now
    key = own_key(at=now)
    data = codec.seal(row.xml, private_key=open_secret(key.private_key_sealed), sender_domain=settings.UFTP_DOMAIN)
    try:
        headers = {"Content-Type": "text/xml; charset=utf-8"} | _bearer(row.counterparty)
        reply = requests.post(
            row.counterparty.endpoint, data=data, headers=headers, timeout=TIMEOUT_S, allow_redirects=False
        )
    except requests.RequestException as error:
        _not_taken(row, type(error).__name__, now)
        raise NotTaken(f"{row}: {type(error).__name__}") from error
    if reply.status_code == 200:
        row.state, row.sent_at, row.error = OutMessage.State.SENT, now, ""
        row.save(update_fields=["state", "sent_at", "error", "attempts", "first_tried_at"])
    elif reply.status_code >= 500 or reply.status_code in RETRIED:
        _not_taken(row, f"{reply.status_code} {reply.text[:200]}", now)
        raise NotTaken(f"{row}: {reply.status_code}")
    else:
        _fail(row, f"{reply.status_code} {reply.text[:200]}")


def _not_taken(row: OutMessage, error: str, now: datetime) -> None:
    if row.first_tried_at is not None and now - row.first_tried_at >= GIVE_UP_AFTER:
        _fail(row, f"nobody took it for an hour: {error}")
    row.error = error[:300]
    row.save(update_fields=["error", "attempts", "first_tried_at"])


def _fail(row: OutMessage, error: str) -> None:
    row.state, row.error = OutMessage.State.FAILED, error[:300]
    row.save(update_fields=["state", "error", "attempts", "first_tried_at"])
    raise FinallyRefused(f"{row}: {error}")


def _bearer(counterparty: Counterparty) -> dict[str, str]:
    """A fresh client-credentials token where the endpoint wants one. Raises requests' errors, or NotTaken."""
    if not counterparty.oauth_url:
        return {}
    import requests

    reply = requests.post(
        counterparty.oauth_url,
        data={
            "grant_type": "client_credentials",
            "client_id": counterparty.oauth_client_id,
            "client_secret": open_secret(counterparty.oauth_secret_sealed),
        },
        timeout=TIMEOUT_S,
        allow_redirects=False,  # the secret is for this address alone
    )
    if reply.status_code != 200:
        raise requests.RequestException(f"no token: {reply.status_code}")
    try:
        return {"Authorization": f"Bearer {reply.json()['access_token']}"}
    except (ValueError, KeyError, TypeError) as error:
        raise requests.RequestException("no token in the answer") from error


@transaction.atomic
def note_result(counterparty: Counterparty, message_id: str, message: Any) -> OutMessage | None:
    """What the other side said to a message of ours; None if we never sent it."""
    row = OutMessage.objects.filter(counterparty=counterparty, message_id=message_id).first()
    if row is not None:
        row.result = str(message.result) if getattr(message, "result", None) else "Accepted"
        row.result_reason = getattr(message, "rejection_reason", None) or ""
        row.save(update_fields=["result", "result_reason"])
    return row
