"""CIM documents out, with a row for every revision, and the acknowledgements that come back."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db import transaction

from bidding.errors import NothingToSend, ReceiptDiffers, UnknownDocument
from bidding.models import Bid, Market, MarketDocument
from bidding.operations.bids import end_bid, move
from bidding.operations.exchange import bids_to_send, order_rows
from vpp.accounts.operations import audit

if TYPE_CHECKING:
    from bidding.kernels.cim import Acknowledgement

STATES = {
    "A01": MarketDocument.State.ACCEPTED,
    "A02": MarketDocument.State.REJECTED,
    "A03": MarketDocument.State.PARTLY,
}


@transaction.atomic
def send_document(
    *, market: Market, delivery_date: date, sender: str, receiver: str, at: datetime, actor: object
) -> tuple[MarketDocument, str]:
    """The market's bids of a day as a ReserveBid document: the next revision where they changed, else the same again.

    Raises NothingToSend.
    """
    from bidding.kernels.cim import reserve_bid_document, series_mrid

    Market.objects.select_for_update(no_key=True).get(pk=market.pk)  # one revision after the other
    rows = [row for bid in bids_to_send(market, delivery_date) for row in order_rows(bid)]
    if not rows:
        raise NothingToSend(f"{market} has no bid of {delivery_date} to send", market=market.code)
    mrid = f"{market.code[:40]}-{delivery_date.isoformat()}"
    content = "\n".join(",".join(row.as_text()) for row in rows)
    checksum = hashlib.sha256(content.encode()).hexdigest()
    last = MarketDocument.objects.filter(mrid=mrid).order_by("-revision").first()
    if last is None or last.checksum != checksum:
        series = {series_mrid(mrid, number): row.bid for number, row in enumerate(rows, start=1)}
        last = MarketDocument.objects.create(
            market=market, delivery_date=delivery_date, mrid=mrid, revision=last.revision + 1 if last else 1,
            series=series, checksum=checksum, sent_at=at,
        )  # fmt: skip
        audit(at=at, actor=actor, action="document.sent", subject=last, after={"series": len(series)})
    text = reserve_bid_document(
        rows, document=mrid, revision=last.revision, sender=sender, receiver=receiver, domain=market.zone_code,
        created=last.sent_at,
    )  # fmt: skip
    return last, text


@transaction.atomic
def take_acknowledgement(*, market: Market, ack: Acknowledgement, at: datetime, actor: object) -> MarketDocument:
    """Acknowledge or reject the bids of the revision that was sent last. A repeat changes nothing.

    A bid of which any time series was rejected is rejected whole, and its kilowatts are free.
    Raises UnknownDocument, ReceiptDiffers (another revision, an unknown series, another answer before).
    """
    document = MarketDocument.objects.filter(market=market, mrid=ack.received_mrid).order_by("-revision").first()
    if document is None:
        raise UnknownDocument(f"{market} was sent no document {ack.received_mrid!r}", document=ack.received_mrid)
    document = MarketDocument.objects.select_for_update(no_key=True).get(pk=document.pk)
    if ack.received_revision != document.revision:
        raise ReceiptDiffers(
            f"the acknowledgement is of revision {ack.received_revision}, sent was {document.revision}",
            document=document.mrid,
        )
    if document.answered_at is not None:
        if document.acknowledgement_mrid != ack.mrid or document.state != STATES[ack.code]:
            raise ReceiptDiffers(f"{document} was answered before, by {document.acknowledgement_mrid}")
        return document
    rejected = ack.rejected_series
    if unknown := sorted(set(rejected) - set(document.series)):
        raise ReceiptDiffers(f"{document} has no time series {unknown[0]!r}", document=document.mrid)
    _answer_bids(document, ack.code, rejected, at=at, actor=actor)
    document.state, document.answered_at, document.acknowledgement_mrid = STATES[ack.code], at, ack.mrid
    document.reasons = [vars(reason) for reason in ack.reasons]
    document.save(update_fields=["state", "answered_at", "acknowledgement_mrid", "reasons"])
    audit(at=at, actor=actor, action="document.answered", subject=document, after={"state": document.state})
    return document


def _answer_bids(document: MarketDocument, code: str, rejected: dict[str, str], *, at: datetime, actor: object) -> None:
    why: dict[str, str] = {}
    for series, key in document.series.items():
        if code == "A02" or series in rejected:
            why.setdefault(key, rejected.get(series, "the document was rejected"))
    bids = Bid.objects.filter(product__market=document.market, natural_key__in=set(document.series.values()))
    open_bids = bids.filter(state__in=[Bid.State.SUBMITTED, Bid.State.ACKNOWLEDGED])
    for bid in open_bids.select_related("product__market", "portfolio").order_by("pk"):
        if bid.natural_key in why:
            end_bid(bid, Bid.State.REJECTED, at=at, actor=actor, reason=why[bid.natural_key])
        elif bid.state == Bid.State.SUBMITTED:
            move(bid, Bid.State.ACKNOWLEDGED, at=at, actor=actor, reason=f"{document}")
