"""Messages come in: sealed by somebody known, well formed, stored once with the job that works on them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from vpp.accounts.models import Participant
from vpp.jobs import operations as jobs
from vpp.lib.errors import DomainError
from vpp.uftp import codec, handlers, outbox, refusals
from vpp.uftp.address_book import find_counterparty
from vpp.uftp.models import Counterparty, InMessage
from vpp.uftp.refusals import Rejected, reason_of
from vpp.uftp.schema import BadForm

PROCESS = "uftp.process"


class Refused(Exception):
    """Not received; `status` is the HTTP status of the transport rules."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Opened:
    """A message whose seal and form are good."""

    counterparty: Counterparty
    message: Any
    xml: bytes
    sender_domain: str


def receive(data: bytes, *, at: datetime) -> InMessage:
    """Store a message; the same again is the first one and nothing happens. Raises Refused.

    The same id with other content is answered with Duplicate Identifier and not stored.
    """
    opened = _open(data, at)
    digest = hashlib.sha256(codec.canonical(opened.xml)).hexdigest()
    message = opened.message
    with transaction.atomic():
        row, made = InMessage.objects.get_or_create(
            counterparty=opened.counterparty,
            message_id=message.message_id,
            defaults={
                "conversation_id": message.conversation_id,
                "kind": codec.kind_of(message),
                "version": message.version,
                "xml": opened.xml.decode(),
                "digest": digest,
                "received_at": at,
            },
        )
        if made:
            jobs.enqueue(kind=PROCESS, natural_key=f"uftp:in:{row.pk}", payload={"message": row.pk}, at=at)
        elif row.digest != digest:
            key = f"duplicate:{opened.counterparty.pk}:{message.message_id}:{digest[:16]}"
            outbox.answer(opened.counterparty, message, at=at, natural_key=key, reason=refusals.DUPLICATE)
    return row


def _open(data: bytes, at: datetime) -> Opened:
    try:
        envelope = codec.read_envelope(data)
    except BadForm as error:
        raise Refused(400, str(error)) from error
    counterparty = find_counterparty(envelope.sender_domain, envelope.sender_role)
    keys = list(counterparty.keys.valid_at(at).values_list("public_key", flat=True)) if counterparty else []
    if counterparty is None or not keys:
        what = "no key is good at this moment" if counterparty and counterparty.keys.exists() else "no key is known"
        raise Refused(419, f"{what} of {envelope.sender_domain} in the role {envelope.sender_role}")
    inner = codec.open_seal(envelope.body, keys)
    if inner is None:
        raise Refused(401, "the seal was made with another key")
    recent = InMessage.objects.filter(counterparty=counterparty, received_at__gt=at - timedelta(minutes=1))
    if recent.count() >= settings.UFTP_MESSAGES_A_MINUTE:
        raise Refused(429, f"more than {settings.UFTP_MESSAGES_A_MINUTE} messages a minute")
    try:
        message = codec.read_message(inner)
    except BadForm as error:
        raise Refused(400, str(error)) from error
    return Opened(counterparty, message, inner, envelope.sender_domain)


@transaction.atomic
def process(message_id: int, *, at: datetime) -> InMessage:
    """Act on a stored message and answer it, in one transaction; a repeat changes nothing."""
    row = (
        InMessage.objects.select_for_update(no_key=True, of=("self",)).select_related("counterparty").get(pk=message_id)
    )
    if row.state != InMessage.State.RECEIVED:
        return row
    message = codec.read_message(row.xml.encode())
    wants_answer = codec.answer_class(row.kind) is not None
    reason, extra = "", {}
    try:
        with transaction.atomic():
            _check_parties(row, message)
            extra = handlers.handle(row, message, at)
    except Rejected as rejected:
        reason = str(rejected)
    except DomainError as error:
        reason = reason_of(error)
    row.state = InMessage.State.REJECTED if reason else InMessage.State.ACCEPTED
    if not wants_answer and not reason:
        row.state = InMessage.State.NOTED
    row.reason, row.processed_at = reason, at
    row.save(update_fields=["state", "reason", "processed_at"])
    if wants_answer:
        key = f"answer:{row.pk}"
        outbox.answer(row.counterparty, message, at=at, natural_key=key, reason=reason, extra=extra, answers=row)
    handlers.afterwards(row, at)
    return row


def _check_parties(row: InMessage, message: Any) -> None:
    """Rule 1: who says it is who sealed it, it is meant for us, and we listen."""
    if message.sender_domain != row.counterparty.domain:
        raise Rejected(refusals.INVALID_SENDER)
    if message.recipient_domain != settings.UFTP_DOMAIN:
        raise Rejected(refusals.UNKNOWN_RECIPIENT)
    if row.counterparty.barred or row.counterparty.participant.kind != Participant.Kind.UTILITY:
        raise Rejected(refusals.BARRED)
    if row.kind not in handlers.HANDLED:
        raise Rejected(f"{refusals.INVALID}: '{row.kind}' is not for an aggregator")
