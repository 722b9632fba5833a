"""What a trader does with a bid before its gate: hold it back, change it, let it go. With a reason, and audited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from bidding.errors import BadPrice, NotDeliverable, ReasonMissing, WrongState
from bidding.models import Ask, Bid, NightlyStep
from bidding.operations import bids, book
from bidding.operations.drafts import BidDraft, day_of
from bidding.operations.standing import Claim, shortfalls_kw, standing_of
from vpp.accounts.operations import audit

EDITABLE = (Bid.State.CHECKED, Bid.State.HELD, Bid.State.SUBMITTED)


@dataclass(frozen=True)
class BidChange:
    """What is to be different, (H,) each; None keeps it. Quantities replace a curve, and need a price beside them then.

    blocks : [{name, price_per_mwh, buy_price_per_mwh of a loop, up_kw, down_kw}], where the product takes them.
    """

    up_kw: Sequence[float] | None = None
    down_kw: Sequence[float] | None = None
    price_per_mwh: Sequence[float] | None = None
    curve: list[Any] | None = None
    blocks: list[dict[str, Any]] | None = None


@transaction.atomic
def hold_bid(*, bid: Bid, at: datetime, actor: object, reason: str) -> Bid:
    """Keep a bid back: its market does not see it, its kilowatts stay claimed. A repeat changes nothing.

    Raises GatePassed, WrongState (answered, ended, or an answer that its utility has seen), ReasonMissing.
    """
    _prepare(bid, at, reason)
    if bid.state == Bid.State.HELD:
        return bid
    if bid.ask_id and bid.state == Bid.State.SUBMITTED:
        raise WrongState(f"{bid} is before its utility; withdraw it instead", bid=bid.natural_key)
    bids.move(bid, Bid.State.HELD, at=at, actor=actor, reason=reason)
    return bid


@transaction.atomic
def release_bid(*, bid: Bid, at: datetime, actor: object, reason: str) -> Bid:
    """Let a held bid go: back to its run, or straight to the market where the run has sent its bids already.

    A repeat changes nothing. Raises GatePassed, WrongState, ReasonMissing.
    """
    _prepare(bid, at, reason)
    if bid.state != Bid.State.HELD:
        if bid.state in (Bid.State.CHECKED, Bid.State.SUBMITTED):
            return bid
        raise WrongState(f"{bid} is {bid.state}, not held", bid=bid.natural_key, state=bid.state)
    bids.move(bid, Bid.State.CHECKED, at=at, actor=actor, reason=reason)
    if _run_has_sent(bid):
        _send(bid, at=at, actor=actor)
    return bid


@transaction.atomic
def edit_bid(*, bid: Bid, at: datetime, actor: object, reason: str, change: BidChange) -> Bid:
    """The next version of a bid in its place and state; what it says is checked like a bid of the optimisation.

    Sizes and prices by the product's rules, kilowatts by the book, energy, endurance and feeders by the devices' own
    limits beside every other live bid. Nothing changes when any of it fails.

    Raises GatePassed, WrongState, ReasonMissing, BelowMinimum, BadPrice, SoldTwice or NotDeliverable.
    """
    _prepare(bid, at, reason)
    state = bid.state
    if state not in EDITABLE or (bid.ask_id and state == Bid.State.SUBMITTED):
        raise WrongState(f"{bid} is {state} and cannot be edited", bid=bid.natural_key, state=state)
    draft = _draft(bid, change)
    bids.end_bid(bid, Bid.State.WITHDRAWN, at=at, actor=actor, reason=f"edited: {reason}")
    with transaction.atomic():
        _check_deliverable(bid, draft, at)
        made = bids.create_bid(
            draft, at=at, nightly_run=bid.nightly_run, forecast_run=bid.forecast_run,
            solver={"engine": "operator", "replaces": bid.natural_key, "reason": reason},
        )  # fmt: skip
    audit(
        at=at, actor=actor, action="bid.edited", subject=made, before=_content(bid), after=_content(made), reason=reason
    )
    if state == Bid.State.HELD:
        bids.move(made, Bid.State.HELD, at=at, actor=actor, reason=reason)
    elif state == Bid.State.SUBMITTED or _run_has_sent(made):
        _send(made, at=at, actor=actor)
    return made


def _prepare(bid: Bid, at: datetime, reason: str) -> None:
    """Lock, read again, and refuse what needs no closer look."""
    if not reason.strip():
        raise ReasonMissing("say why; the reason is kept in the trail")
    book.lock_portfolio(bid.portfolio_id)
    bid.refresh_from_db()
    bids.check_gate(bid.product, day_of(bid.product, bid.delivery_date), bid.ask, at)


def _draft(bid: Bid, change: BidChange) -> BidDraft:
    from bidding.kernels.block_check import extremes_of_group
    from bidding.operations.order_forms import extremes_of

    _check_curve_is_meant(bid, change)
    up_kw, down_kw, curve, price, blocks = change.up_kw, change.down_kw, change.curve, change.price_per_mwh, None
    if change.blocks:
        blocks = change.blocks
        (up_kw, down_kw), price = extremes_of_group(blocks), [blocks[0]["price_per_mwh"]] * len(bid.up_kw)
    elif curve is not None:
        up_kw, down_kw = extremes_of(bid.product, day_of(bid.product, bid.delivery_date), curve)
    elif up_kw is None and down_kw is None:
        curve, blocks = bid.curve, bid.blocks
    return BidDraft(
        portfolio=bid.portfolio,
        product=bid.product,
        day=day_of(bid.product, bid.delivery_date),
        up_kw=bid.up_kw if up_kw is None else list(up_kw),
        down_kw=bid.down_kw if down_kw is None else list(down_kw),
        price_per_mwh=bid.price_per_mwh if price is None else list(price),
        ask=bid.ask,
        version=bid.version + 1,
        curve=curve,
        blocks=blocks,
        confidence=bid.confidence,
    )


def _check_curve_is_meant(bid: Bid, change: BidChange) -> None:
    """A curve has its prices in its steps: quantities without a price would go at any price, a price alone nowhere."""
    if bid.curve is None or change.curve is not None or change.blocks:
        return
    has_quantities = change.up_kw is not None or change.down_kw is not None
    if has_quantities != (change.price_per_mwh is not None):
        raise BadPrice("this bid is a curve: give another curve, or quantities and their prices", bid=bid.natural_key)


def _check_deliverable(bid: Bid, draft: BidDraft, at: datetime) -> None:
    """Refused where the devices would miss more than they miss without the change."""
    others = standing_of(bid.portfolio, draft.day, leave_out=[bid.pk])
    before = shortfalls_kw(bid.portfolio, draft.day, others, at)
    for claim in draft.extreme_claims():
        standing = standing_of(bid.portfolio, draft.day, leave_out=[bid.pk])
        standing.add(Claim(draft.product, *claim))
        after = shortfalls_kw(bid.portfolio, draft.day, standing, at)
        worse = {limit: round(kw, 1) for limit, kw in after.items() if kw > before.get(limit, 0.0) + 0.5}
        if worse:
            first = max(worse, key=lambda limit: worse[limit])
            raise NotDeliverable(f"the devices would miss {worse[first]} of {first}", missing=worse)


def _run_has_sent(bid: Bid) -> bool:
    """Whether nobody else will send this bid: made by hand, or its run is past sending."""
    if bid.nightly_run is None:
        return True
    ended = [NightlyStep.State.DONE, NightlyStep.State.DEGRADED]
    return bid.nightly_run.steps.filter(name="submit", state__in=ended).exists()


def _send(bid: Bid, *, at: datetime, actor: object) -> None:
    bids.submit_bid(bid, at=at, actor=actor)
    if bid.ask is not None and bid.ask.state == Ask.State.ASKED:
        from bidding.distribution.operations import move_ask

        move_ask(bid.ask, Ask.State.BID, at=at)


def _content(bid: Bid) -> dict[str, Any]:
    """What a bid says, for the trail."""
    return {
        "version": bid.version, "up_kw": bid.up_kw, "down_kw": bid.down_kw, "price_per_mwh": bid.price_per_mwh,
        "curve": bid.curve, "blocks": bid.blocks,
    }  # fmt: skip
