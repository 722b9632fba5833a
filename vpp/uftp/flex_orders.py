"""FlexOrder: a commit. It must repeat the offer exactly; without an offer it needs a standing contract."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from bidding.distribution.contracts import contract_of, order_directly
from bidding.distribution.ordering import accept_bid
from bidding.distribution.venues import distribution_market
from bidding.models import Award, Bid, Direction
from vpp.lib.names import within
from vpp.lib.periods import DeliveryDay
from vpp.uftp import codec, refusals
from vpp.uftp.flex_requests import own_point
from vpp.uftp.isps import WATTS_PER_KW, check_not_past, day_of_message, expand
from vpp.uftp.models import InMessage, Offer, Order
from vpp.uftp.refusals import Rejected

PRICE_STEP = Decimal("0.0001")
LONGEST_REFERENCE = 200


def take(row: InMessage, message: Any, at: datetime) -> None:
    """Order what was offered, or directly under a contract."""
    market = distribution_market(own_point(row, message.congestion_point, at).feeder.code)
    day = day_of_message(message, market)
    check_not_past(day, at)
    isps = expand(message.isps, day)
    if message.currency != market.currency:
        raise Rejected(refusals.PRICE_MISMATCH)
    if len(message.order_reference) > LONGEST_REFERENCE:
        raise Rejected(f"{refusals.INVALID}: OrderReference is longer than {LONGEST_REFERENCE}")
    if Order.objects.filter(counterparty=row.counterparty, order_reference=message.order_reference).exists():
        raise Rejected(f"{refusals.ALREADY}: OrderReference {message.order_reference}")
    award = _direct(row, message, day, isps, at) if message.unsolicited else _of_offer(row, message, day, at)
    Order.objects.create(
        message=row,
        counterparty=row.counterparty,
        order_reference=message.order_reference,
        award=award,
        price=message.price,
    )


def _of_offer(row: InMessage, message: Any, day: DeliveryDay, at: datetime) -> Award:
    offer = _offer(row, message, at)
    sent = codec.read_message(offer.message.xml.encode())
    if sent.period.to_date() != day.date:
        raise Rejected(refusals.PERIOD_MISMATCH)
    if sent.congestion_point != message.congestion_point:
        raise Rejected(refusals.CONGESTION_POINT)
    option = _option(sent, message.option_reference)
    check_repeats(option, message)
    return accept_bid(
        bid=offer.bid,
        at=at,
        actor=str(row.counterparty),
        reference=within(f"uftp:{row.counterparty_id}:{message.order_reference}", 160),
        option=option.option_reference,
        activation_pu=message.activation_factor,
    )


def _offer(row: InMessage, message: Any, at: datetime) -> Offer:
    """The offer, if it stands. A revocation of ours wins over an order that crosses it."""
    offers = Offer.objects.filter(message__counterparty=row.counterparty).select_related("message", "bid__ask")
    offer = offers.filter(message__message_id=message.flex_offer_message_id).first()
    if offer is None or offer.bid.ask is None:
        raise Rejected(refusals.UNKNOWN_OFFER)
    if offer.state == Offer.State.REVOKED or offer.bid.state == Bid.State.WITHDRAWN:
        raise Rejected(refusals.REVOKED)
    if offer.state == Offer.State.REJECTED or offer.bid.state == Bid.State.REJECTED:
        raise Rejected(refusals.REJECTED_BEFORE)
    if Award.objects.filter(bid=offer.bid).exists():
        raise Rejected(f"{refusals.ALREADY}: the offer is ordered")
    if offer.bid.state == Bid.State.EXPIRED or at >= offer.bid.ask.expires_at:
        raise Rejected(refusals.EXPIRED)
    return offer


def _option(sent: Any, reference: str | None) -> Any:
    options = {option.option_reference: option for option in sent.offer_options}
    if reference is None and len(options) == 1:
        return next(iter(options.values()))
    if reference not in options:
        raise Rejected(refusals.UNKNOWN_OPTION)
    return options[reference]


def check_repeats(option: Any, message: Any) -> None:
    """The ISP list element by element, every power and the price, all scaled by the activation. Raises Rejected."""
    factor = message.activation_factor
    if factor < option.min_activation_factor or factor > 1:
        raise Rejected(f"{refusals.INVALID}: ActivationFactor is not from {option.min_activation_factor} to 1.00")
    slack_w = 0 if factor == 1 else 1  # rounding of scaled values
    offered = sorted((isp.start, isp.duration, isp.power) for isp in option.isps)
    ordered = sorted((isp.start, isp.duration, isp.power) for isp in message.isps)
    reasons = []
    if [isp[:2] for isp in offered] != [isp[:2] for isp in ordered]:
        reasons.append(refusals.ISP_MISMATCH)
    elif any(abs(want[2] * factor - got[2]) > slack_w for want, got in zip(offered, ordered, strict=True)):
        reasons.append(refusals.POWER_MISMATCH)
    if abs(option.price * factor - message.price) > (0 if factor == 1 else PRICE_STEP):
        reasons.append(refusals.PRICE_MISMATCH)
    if reasons:
        raise Rejected(*reasons)


def _direct(row: InMessage, message: Any, day: DeliveryDay, isps: dict[int, Any], at: datetime) -> Award:
    """An order without an offer, under a contract."""
    if not message.contract_id:
        raise Rejected(refusals.UNKNOWN_CONTRACT)
    contract = contract_of(row.counterparty.participant, message.contract_id, day.date)
    if contract.congestion_point.code != message.congestion_point:
        raise Rejected(refusals.CONGESTION_POINT)
    sign = -1 if contract.direction == Direction.UP else 1
    quantity_kw = [0.0] * day.n_intervals
    for index, isp in isps.items():
        quantity_kw[index] = sign * isp.power / WATTS_PER_KW
    if min(quantity_kw) < 0 or not any(quantity_kw):
        raise Rejected(refusals.POWER_MISMATCH)
    if day.starts()[min(index for index, value in enumerate(quantity_kw) if value)] <= at:
        raise Rejected(refusals.PERIOD)
    return order_directly(
        contract=contract,
        day=day,
        quantity_kw=quantity_kw,
        price=float(message.price),
        reference=within(message.order_reference, 120),
        at=at,
        actor=str(row.counterparty),
        channel="UFTP",
    )
