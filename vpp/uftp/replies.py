"""What counterparties say to our own messages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bidding.distribution.ordering import reject_bid
from bidding.models import Ask, Bid
from bidding.operations import bids, book
from vpp.uftp.models import InMessage, Offer, Prognosis
from vpp.uftp.outbox import note_result


def offer_answered(row: InMessage, message: Any, at: datetime) -> None:
    """Accepted is no order, it only lets us revoke; Rejected frees the kilowatts."""
    sent = note_result(row.counterparty, message.flex_offer_message_id, message)
    offer = Offer.objects.select_related("bid__ask").filter(message=sent).first() if sent else None
    if offer is None or offer.bid.ask is None:
        return
    # An order may come in at the same moment: ask first, then book, as ordering does.
    Ask.objects.select_for_update(no_key=True).get(pk=offer.bid.ask.pk)
    book.lock_portfolio(offer.bid.portfolio_id)
    offer.bid.refresh_from_db(fields=["state"])
    offer.refresh_from_db(fields=["state"])
    if offer.state != Offer.State.SENT:
        return
    actor = str(row.counterparty)
    if sent is not None and sent.result == "Accepted":
        offer.state = Offer.State.ACCEPTED
        if offer.bid.state == Bid.State.SUBMITTED:
            bids.move(offer.bid, Bid.State.ACKNOWLEDGED, at=at, actor=actor)
    else:
        offer.state = Offer.State.REJECTED
        if offer.bid.state in (Bid.State.SUBMITTED, Bid.State.ACKNOWLEDGED):
            reject_bid(bid=offer.bid, at=at, actor=actor, reason=message.rejection_reason or "rejected")
    offer.save(update_fields=["state"])


def prognosis_answered(row: InMessage, message: Any, at: datetime) -> None:
    sent = note_result(row.counterparty, message.d_prognosis_message_id, message)
    statuses = {one.flex_order_message_id: one.is_validated for one in message.flex_order_statuses}
    if sent is not None:
        Prognosis.objects.filter(message=sent).update(order_statuses=statuses)
