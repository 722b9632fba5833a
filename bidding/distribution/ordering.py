"""Bids are ordered, declined or revoked. A bid may have exclusive options; an order takes one, whole or in part."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from bidding.distribution.ask_states import move_ask, open_bids
from bidding.distribution.contract_use import check_order
from bidding.errors import (
    ActivationTooSmall,
    AwardDiffers,
    BidExpired,
    BidRevoked,
    UnknownOption,
    WrongState,
)
from bidding.models import Ask, Award, Bid, BidOption, OrderedOption
from bidding.operations import bids, book
from bidding.operations.awards import take_award
from bidding.operations.drafts import day_of

PRICE_STEP = Decimal("0.0001")
WHOLE = Decimal(1)


@transaction.atomic
def accept_bid(
    *,
    bid: Bid,
    at: datetime,
    actor: object,
    reference: str = "",
    option: str = "",
    activation_pu: Decimal = WHOLE,
) -> Award:
    """The utility orders a bid: the commit. Without `option` the first one; a repeat gets the first award.

    Raises BidExpired after the ask's expiry, BidRevoked, UnknownOption, ActivationTooSmall, AwardDiffers for another
    option than was ordered before, BadReservation where its contract's energy is used up meanwhile, and WrongState
    for a bid that is rejected or not sent.
    """
    if bid.ask is None:
        raise WrongState(f"{bid} answers no ask", bid=bid.natural_key)
    ask = Ask.objects.select_for_update(no_key=True).get(pk=bid.ask.pk)
    chosen = _option(bid, option, activation_pu)
    found = Award.objects.filter(bid=bid).select_related("ordered_option").first()
    if found is not None:
        return _repeat(found, chosen if option else None, activation_pu, reference)
    bid.refresh_from_db(fields=["state"])
    if bid.state == Bid.State.WITHDRAWN:
        raise BidRevoked(f"{bid} was revoked", bid=bid.natural_key)
    if at >= ask.expires_at:
        raise BidExpired(f"{bid} expired at {ask.expires_at.isoformat()}", expires_at=ask.expires_at.isoformat())
    if chosen is None or chosen.kvar is None:
        energy_kwh = (sum((chosen or bid).up_kw) + sum((chosen or bid).down_kw)) * float(activation_pu)
        day = day_of(bid.product, bid.delivery_date)
        check_order(ask, energy_kwh * day.hours_per_interval, day)
    award = _award(
        bid, chosen, activation_pu, reference or f"order:{ask.utility_id}:{ask.reference}:{bid.pk}", at, actor
    )
    if ask.state == Ask.State.ASKED:  # other portfolios were still to answer; the utility takes what it has
        move_ask(ask, Ask.State.BID, at=at)
    if ask.state != Ask.State.COMMITTED:
        move_ask(ask, Ask.State.COMMITTED, at=at, actor=actor)
    return award


def _option(bid: Bid, reference: str, activation_pu: Decimal) -> BidOption | None:
    """The chosen option; None for a bid without any, which is taken as it stands."""
    options = bid.options.order_by("pk")
    chosen = options.filter(reference=reference).first() if reference else options.first()
    if reference and chosen is None:
        raise UnknownOption(f"{bid} has no option {reference!r}", option=reference)
    least = chosen.min_activation_pu if chosen else WHOLE
    if not least <= activation_pu <= 1:
        raise ActivationTooSmall(
            f"the activation {activation_pu} is not from {least} to 1", activation_pu=str(activation_pu)
        )
    return chosen


def _repeat(award: Award, chosen: BidOption | None, activation_pu: Decimal, reference: str) -> Award:
    ordered = getattr(award, "ordered_option", None)
    differs = chosen is not None and (
        ordered is None or (ordered.option_id, ordered.activation_pu) != (chosen.pk, activation_pu)
    )
    if differs or (reference and not award.is_repeated_by(reference)):
        raise AwardDiffers(f"{award.bid} was ordered before, as {award.own_reference}", reference=award.own_reference)
    return award


def _award(
    bid: Bid, chosen: BidOption | None, activation_pu: Decimal, reference: str, at: datetime, actor: object
) -> Award:
    factor = float(activation_pu)
    if chosen is not None and chosen.kvar is not None:
        award = _reactive_award(bid, chosen, reference, at, actor)
    else:
        source = chosen or bid
        price = [chosen.price_per_mwh] * len(bid.up_kw) if chosen else bid.price_per_mwh
        taken = take_award(
            bid,
            up_kw=[round(value * factor, 3) for value in source.up_kw],
            down_kw=[round(value * factor, 3) for value in source.down_kw],
            price_per_mwh=price,
            reference=reference,
            at=at,
            actor=actor,
        )
        if taken is None:
            raise WrongState(f"{bid} is empty", bid=bid.natural_key)
        award = taken
    if chosen is not None:
        price_eur = (chosen.price * activation_pu).quantize(PRICE_STEP)
        OrderedOption.objects.create(award=award, option=chosen, activation_pu=activation_pu, price=price_eur)
    return award


def _reactive_award(bid: Bid, chosen: BidOption, reference: str, at: datetime, actor: object) -> Award:
    """Reactive power takes no kilowatts of the book."""
    book.lock_portfolio(bid.portfolio_id)
    bid.refresh_from_db()
    bids.move(bid, Bid.State.CLEARED, at=at, actor=actor, reason=reference)
    zero = [0.0] * len(bid.up_kw)
    return Award.objects.create(
        bid=bid,
        up_kw=zero,
        down_kw=zero,
        price_per_mwh=[chosen.price_per_mwh] * len(zero),
        source_reference=reference,
        awarded_at=at,
    )


@transaction.atomic
def reject_bid(*, bid: Bid, at: datetime, actor: object, reason: str = "") -> Bid:
    """The utility declines; the kilowatts are free again. A repeat changes nothing."""
    if bid.ask is None:
        raise WrongState(f"{bid} answers no ask", bid=bid.natural_key)
    ask = Ask.objects.select_for_update(no_key=True).get(pk=bid.ask.pk)
    bids.end_bid(bid, Bid.State.REJECTED, at=at, actor=actor, reason=reason)
    if ask.state == Ask.State.BID and not open_bids(ask):
        move_ask(ask, Ask.State.REJECTED, at=at, actor=actor, reason=reason)
    return bid


@transaction.atomic
def revoke_bid(*, bid: Bid, at: datetime, actor: object, reason: str = "") -> Bid:
    """We take a bid back that was not ordered; its kilowatts are free again. A repeat changes nothing.

    Of a revocation and an order that cross, the one that got the ask's lock first holds: an ordered bid binds
    (WrongState), an order of a revoked bid is refused (BidRevoked). The ask waits for another bid while its gate is
    ahead.
    """
    if bid.ask is None:
        raise WrongState(f"{bid} answers no ask", bid=bid.natural_key)
    ask = Ask.objects.select_for_update(no_key=True).get(pk=bid.ask.pk)
    bids.end_bid(bid, Bid.State.WITHDRAWN, at=at, actor=actor, reason=reason or "revoked")
    if ask.state == Ask.State.BID and not open_bids(ask):
        move_ask(
            ask, Ask.State.ASKED if ask.gate_at > at else Ask.State.NO_BID, at=at, actor=actor, reason="bid revoked"
        )
    return bid
