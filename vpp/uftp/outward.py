"""From the common model to messages: a bid becomes a FlexOffer, its end a FlexOfferRevocation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from bidding.distribution.notices import Notice
from bidding.models import Ask, Bid
from vpp.jobs import operations as jobs
from vpp.lib.errors import DomainError
from vpp.uftp.models import Counterparty, Offer, OutMessage, RequestLink

OFFER, REVOKE = "uftp.offer", "uftp.revoke"
CHANNEL = "UFTP"
OFFERED = (Bid.State.SUBMITTED, Bid.State.ACKNOWLEDGED)


class NotAcknowledged(Exception):
    """An offer can be revoked once the other side has said that it has it."""


class NoRoute(DomainError):
    """Nobody in the address book can be offered this."""

    code = "no_route"


def on_notice(notice: Notice) -> None:
    """Called in the transaction of each step of an ask or bid: writes the job that tells the counterparty."""
    bid = notice.bid
    if bid is None or notice.ask.channel != CHANNEL:
        return
    if notice.event == "bid.submitted" and _wants_offer(notice.ask):
        jobs.enqueue(kind=OFFER, natural_key=f"uftp:offer:{bid.pk}", payload={"bid_id": bid.pk}, at=notice.at)
    if notice.event == "bid.withdrawn" and Offer.objects.filter(bid=bid).exists():
        Offer.objects.filter(bid=bid).exclude(state=Offer.State.REJECTED).update(state=Offer.State.REVOKED)
        jobs.enqueue(kind=REVOKE, natural_key=f"uftp:revoke:{bid.pk}", payload={"bid_id": bid.pk}, at=notice.at)


def _wants_offer(ask: Ask) -> bool:
    """Every answer is offered but that to a direct order, which was ordered before it was made."""
    return ask.contract is None or RequestLink.objects.filter(ask=ask).exists()


def send_offer(bid_id: int, *, at: datetime) -> OutMessage | None:
    """Queue the FlexOffer of a bid; a repeat finds the first one. Below the least power asked the bid is taken back."""
    from bidding.distribution.ordering import revoke_bid

    bid = Bid.objects.select_related("ask__congestion_point", "product__market").get(pk=bid_id)
    ask = bid.ask
    if ask is None or bid.state not in OFFERED:
        return None
    link = RequestLink.objects.select_related("message__counterparty").filter(ask=ask).first()
    if link is not None and _below_least(bid, link):
        revoke_bid(bid=bid, at=at, actor="uftp", reason="less than the least power asked")
        return None
    counterparty = link.message.counterparty if link else counterparty_of(ask)
    return _queue_offer(bid, _offer(bid, ask, link), link, counterparty, at)


@transaction.atomic
def _queue_offer(
    bid: Bid, message: Any, link: RequestLink | None, counterparty: Counterparty, at: datetime
) -> OutMessage | None:
    """The message and its offer, both or none; None where the bid has ended meanwhile.

    Who ends the bid from now on waits for this lock, and then finds the offer that `on_notice` has to revoke.
    """
    from vpp.uftp import outbox

    if not Bid.objects.select_for_update(no_key=True).filter(pk=bid.pk, state__in=OFFERED):
        return None
    row = outbox.queue(
        counterparty,
        message,
        at=at,
        natural_key=f"offer:{bid.pk}",
        conversation_id=str(link.message.conversation_id) if link else "",
    )
    Offer.objects.get_or_create(bid=bid, defaults={"message": row, "unsolicited": link is None})
    return row


def counterparty_of(ask: Ask) -> Counterparty:
    """Where the asking utility is reached. Raises NoRoute."""
    found = Counterparty.objects.filter(participant=ask.utility, role=Counterparty.Role.DSO, barred=False).first()
    if found is None:
        raise NoRoute(f"{ask.utility} is not in the address book")
    return found


def _below_least(bid: Bid, link: RequestLink) -> bool:
    offered = [up + down for up, down in zip(bid.up_kw, bid.down_kw, strict=True)]
    return any(0 < kw < least - 1e-3 for kw, least in zip(offered, link.least_kw, strict=True))


def _offer(bid: Bid, ask: Ask, link: RequestLink | None) -> Any:
    from shapeshifter_uftp.uftp import FlexOffer, FlexOfferOption, FlexOfferOptionISP
    from xsdata.models.datatype import XmlDate, XmlDuration

    from vpp.uftp.isps import watts

    options = []
    for option in bid.options.order_by("pk"):
        isps = [
            FlexOfferOptionISP(power=power, start=number, duration=1)
            for number, power in watts(option.up_kw, option.down_kw).items()
        ]
        options.append(
            FlexOfferOption(
                isps=isps,
                option_reference=option.reference,
                price=option.price,
                min_activation_factor=option.min_activation_pu,
            )
        )
    offer = FlexOffer(
        isp_duration=XmlDuration("PT15M"),
        time_zone=ask.time_zone,
        period=XmlDate.from_date(bid.delivery_date),
        congestion_point=ask.congestion_point.code,
        offer_options=options,
        expiration_date_time=ask.expires_at.astimezone(UTC).isoformat(timespec="seconds"),
        currency=bid.product.market.currency,
        unsolicited=None if link else True,
        flex_request_message_id=str(link.message.message_id) if link else None,
        contract_id=ask.contract.contract_id if ask.contract else None,
    )
    if link is not None:
        offer.version = link.message.version
    return offer


def send_revocation(bid_id: int, *, at: datetime) -> OutMessage | None:
    """Queue the FlexOfferRevocation. Raises NotAcknowledged while the offer was not answered."""
    from shapeshifter_uftp.uftp import FlexOfferRevocation

    from vpp.uftp import outbox

    offer = Offer.objects.select_related("message__counterparty").get(bid_id=bid_id)
    if offer.state != Offer.State.REVOKED:
        return None
    if offer.message.result != "Accepted":
        if offer.message.result == "Rejected" or offer.message.state == OutMessage.State.FAILED:
            return None
        raise NotAcknowledged(f"{offer.message} is not answered yet")
    return outbox.queue(
        offer.message.counterparty,
        FlexOfferRevocation(flex_offer_message_id=str(offer.message.message_id)),
        at=at,
        natural_key=f"revocation:{bid_id}",
        conversation_id=str(offer.message.conversation_id),
    )
