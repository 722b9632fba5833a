"""What each kind of message does; a handler returns what its answer says beside Accepted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from vpp.jobs import operations as jobs
from vpp.uftp import flex_orders, flex_requests, outbox, replies, reservations, settlements
from vpp.uftp.models import InMessage

PROGNOSIS = "uftp.prognosis"
Handler = Callable[[InMessage, Any, datetime], "dict[str, Any] | None"]


def _test(row: InMessage, message: Any, at: datetime) -> None:
    """Answered, and that is all."""


def _note(field: str) -> Handler:
    def note(row: InMessage, message: Any, at: datetime) -> None:
        outbox.note_result(row.counterparty, getattr(message, field), message)

    return note


HANDLED: dict[str, Handler] = {
    "TestMessage": _test,
    "TestMessageResponse": _test,
    "FlexRequest": flex_requests.take,
    "FlexOrder": flex_orders.take,
    "FlexReservationUpdate": reservations.take,
    "FlexSettlement": settlements.take,
    "FlexOfferResponse": replies.offer_answered,
    "FlexOfferRevocationResponse": _note("flex_offer_revocation_message_id"),
    "D-PrognosisResponse": replies.prognosis_answered,
    "MeteringResponse": _note("metering_message_id"),
}


def handle(row: InMessage, message: Any, at: datetime) -> dict[str, Any]:
    """Act on a message whose parties are checked. Raises Rejected, or a refusal of the common model."""
    return HANDLED[row.kind](row, message, at) or {}


def afterwards(row: InMessage, at: datetime) -> None:
    """What follows an accepted message: after an order the plan is told anew."""
    if row.kind == "FlexOrder" and row.state == InMessage.State.ACCEPTED:
        jobs.enqueue(kind=PROGNOSIS, natural_key=f"uftp:prognosis:{row.pk}", payload={"message": row.pk}, at=at)
