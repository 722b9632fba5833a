"""Each step of an ask's life after it came in."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from bidding.distribution.notices import Notice, tell
from bidding.errors import WrongState
from bidding.models import Ask, AskEvent, Bid
from bidding.operations import bids
from vpp.accounts.operations import audit

OPEN_BIDS = (Bid.State.CHECKED, Bid.State.HELD, Bid.State.SUBMITTED, Bid.State.ACKNOWLEDGED)


def move_ask(ask: Ask, state: str, *, at: datetime, actor: object = "service", reason: str = "") -> None:
    """One step of an ask. Raises WrongState if it is not allowed or somebody else was faster."""
    before = ask.state
    if state not in Ask.STEPS.get(Ask.State(before), ()):
        raise WrongState(f"ask {ask} is {before} and cannot become {state}", reference=ask.reference, state=before)
    if not Ask.objects.filter(pk=ask.pk, state=before).update(state=state):
        raise WrongState(f"ask {ask} is no longer {before}", reference=ask.reference)
    ask.state = state
    AskEvent.objects.create(ask=ask, at=at, state=state, reason=reason)
    audit(
        at=at,
        actor=actor,
        action=f"ask.{state.lower()}",
        subject=ask,
        before={"state": before},
        after={"state": state},
        reason=reason,
    )
    tell(Notice(f"ask.{state.lower()}", ask, None, at, reason))


def end_answering(ask: Ask, *, at: datetime, reason: str = "") -> bool:
    """What an ask comes to once every portfolio had its turn: BID with a bid sent (REJECTED, if the utility declined
    all of them by then), NO_BID and the reason without one.

    One that is held back leaves the ask open, as its operator decides; one that the utility ordered, withdrew or
    revised meanwhile is left alone. False for NO_BID.
    """
    ask = Ask.objects.select_for_update(no_key=True).get(pk=ask.pk)
    if ask.state != Ask.State.ASKED:
        return True
    answers = set(Bid.objects.filter(ask=ask).values_list("state", flat=True))
    if answers & set(Bid.SENT_STATES):
        move_ask(ask, Ask.State.BID, at=at)
        if Bid.State.REJECTED in answers and not open_bids(ask):
            move_ask(ask, Ask.State.REJECTED, at=at, reason="every bid was rejected")
    elif Bid.State.HELD not in answers:
        move_ask(ask, Ask.State.NO_BID, at=at, reason=reason)
        return False
    return True


def replace_ask(ask: Ask, *, at: datetime, actor: object) -> None:
    """A later revision takes its place: open bids end. What is over already stays as it is."""
    if ask.state not in (Ask.State.ASKED, Ask.State.BID, Ask.State.NO_BID):
        if ask.state in (Ask.State.COMMITTED, Ask.State.DELIVERED, Ask.State.REPORTED):
            raise WrongState(f"ask {ask} is {ask.state} and cannot be revised", reference=ask.reference)
        return
    move_ask(ask, Ask.State.SUPERSEDED, at=at, actor=actor, reason="replaced by a later revision")
    for bid in open_bids(ask):
        bids.end_bid(bid, Bid.State.WITHDRAWN, at=at, actor=actor, reason="ask revised")


@transaction.atomic
def withdraw_ask(*, ask: Ask, at: datetime, actor: object, reason: str = "") -> Ask:
    """The utility takes an ask back; bids on it end. A repeat changes nothing. WrongState once it is committed."""
    if ask.state == Ask.State.WITHDRAWN:
        return ask
    move_ask(ask, Ask.State.WITHDRAWN, at=at, actor=actor, reason=reason)
    for bid in open_bids(ask):
        bids.end_bid(bid, Bid.State.WITHDRAWN, at=at, actor=actor, reason="ask withdrawn")
    return ask


def open_bids(ask: Ask) -> list[Bid]:
    """Bids on the ask that can still be ordered or end."""
    return list(Bid.objects.filter(ask=ask, state__in=OPEN_BIDS).order_by("pk"))


def expire_asks(*, at: datetime) -> int:
    """End asks that passed their gate without a bid that was sent, or that no bid was taken of before their expiry; and
    the bids that are open on them."""
    unsent = Ask.objects.filter(state=Ask.State.ASKED, gate_at__lte=at)
    untaken = Ask.objects.filter(state=Ask.State.BID, expires_at__lte=at)
    late = [(ask, "no bid before the gate") for ask in unsent] + [(ask, "no bid was taken in time") for ask in untaken]
    return sum(_expired(ask, at=at, reason=reason) for ask, reason in late)


@transaction.atomic
def _expired(ask: Ask, *, at: datetime, reason: str) -> bool:
    """Whether it ended: one that was answered, ordered or taken back since it was looked at is left alone."""
    if not Ask.objects.select_for_update(no_key=True).filter(pk=ask.pk, state=ask.state).exists():
        return False
    move_ask(ask, Ask.State.EXPIRED, at=at, reason=reason)
    for bid in open_bids(ask):
        bids.end_bid(bid, Bid.State.EXPIRED, at=at, reason="ask expired")
    return True


@transaction.atomic
def mark_ask(*, ask: Ask, state: str, at: datetime, actor: object = "service") -> None:
    """DELIVERED after the day, REPORTED after the performance report; a repeat changes nothing."""
    if ask.state != state:
        move_ask(ask, state, at=at, actor=actor)
