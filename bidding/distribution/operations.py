"""The distribution market: asks come in, bids are accepted or rejected, what is late expires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from django.db import transaction

from bidding.errors import (
    BadAsk,
    BadQuantity,
    BidExpired,
    DuplicateReference,
    GatePassed,
    UnknownCongestionPoint,
    UnknownMarket,
    WrongState,
    WrongTimeGrid,
    ZeroQuantity,
)
from bidding.models import Ask, AskEvent, Award, Bid, Direction, Market
from bidding.operations import bids
from vpp.accounts.models import Participant
from vpp.accounts.operations import audit
from vpp.lib.periods import DeliveryDay
from vpp.network.models import CongestionPoint


@dataclass(frozen=True)
class AskContent:
    """What a utility sends. quantity_kw (H,): one per interval of the delivery day in the market's zone, 0 outside."""

    reference: str
    congestion_point: str
    direction: str
    delivery_date: date
    interval_minutes: int
    quantity_kw: Sequence[float]
    ceiling_price_per_mwh: float
    gate_at: datetime
    expires_at: datetime


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


@transaction.atomic
def receive_ask(*, utility: Participant, content: AskContent, at: datetime, actor: object) -> tuple[Ask, bool]:
    """Store an ask; (ask, True) if it is new. The same content again gets the first one.

    Raises DuplicateReference, UnknownCongestionPoint (also for a foreign one), WrongTimeGrid, ZeroQuantity,
    BadQuantity,
    GatePassed or BadAsk.
    """
    point = CongestionPoint.objects.filter(code=content.congestion_point, utility=utility).first()
    if point is None:
        raise UnknownCongestionPoint(
            f"there is no congestion point {content.congestion_point!r}, or it is not yours",
            congestion_point=content.congestion_point,
        )
    market = _market()
    fields = asdict(content) | {
        "congestion_point": point,
        "time_zone": market.time_zone,
        "quantity_kw": [float(value) for value in content.quantity_kw],
    }
    first = Ask.objects.filter(utility=utility, reference=content.reference).first()
    if first is not None:
        return _same(first, fields), False
    _check(content, market, at)
    ask, made = Ask.objects.get_or_create(
        utility=utility, reference=content.reference, defaults=fields | {"created_at": at}
    )
    if not made:  # the same reference came in twice at once
        return _same(ask, fields), False
    AskEvent.objects.create(ask=ask, at=at, state=Ask.State.ASKED)
    audit(at=at, actor=actor, action="ask.asked", subject=ask, after={"reference": ask.reference})
    return ask, True


def _market() -> Market:
    market = Market.objects.filter(kind=Market.Kind.DISTRIBUTION).order_by("code").first()
    if market is None:
        raise UnknownMarket("there is no distribution market; import one with import_markets")
    return market


def _same(ask: Ask, fields: dict[str, object]) -> Ask:
    differing = sorted(name for name, value in fields.items() if getattr(ask, name) != value)
    if differing:
        raise DuplicateReference(
            f"ask {ask.reference!r} exists with other content", reference=ask.reference, differing=differing
        )
    return ask


def _check(content: AskContent, market: Market, at: datetime) -> None:
    day = DeliveryDay(content.delivery_date, market.time_zone, bids.STEP_MINUTES)
    if content.interval_minutes != bids.STEP_MINUTES or len(content.quantity_kw) != day.n_intervals:
        raise WrongTimeGrid(
            f"want {day.n_intervals} intervals of {bids.STEP_MINUTES} min on {content.delivery_date} in {day.zone}",
            intervals=day.n_intervals,
            interval_minutes=bids.STEP_MINUTES,
        )
    if any(not 0 <= value < 1e7 for value in content.quantity_kw):
        raise BadQuantity("quantities are kW from 0 up; the direction says which way")
    asked = [index for index, value in enumerate(content.quantity_kw) if value > 0]
    if not asked:
        raise ZeroQuantity("nothing is asked for: every quantity is 0")
    if content.direction not in Direction.values:
        raise BadAsk(f"direction {content.direction!r} is neither UP nor DOWN")
    if content.gate_at <= at:
        raise GatePassed(f"the gate closed at {content.gate_at.isoformat()}", gate_at=content.gate_at.isoformat())
    if content.expires_at < content.gate_at:
        raise BadAsk("expires_at is before gate_at")
    if day.starts()[asked[0]] <= content.gate_at:
        raise BadAsk("delivery begins before the gate closes")


@transaction.atomic
def withdraw_ask(*, ask: Ask, at: datetime, actor: object, reason: str = "") -> Ask:
    """The utility takes an ask back; bids on it end. A repeat changes nothing. WrongState once it is committed."""
    if ask.state == Ask.State.WITHDRAWN:
        return ask
    move_ask(ask, Ask.State.WITHDRAWN, at=at, actor=actor, reason=reason)
    for bid in _open_bids(ask):
        bids.end_bid(bid, Bid.State.WITHDRAWN, at=at, actor=actor, reason="ask withdrawn")
    return ask


def _open_bids(ask: Ask) -> list[Bid]:
    open_states = [Bid.State.CHECKED, Bid.State.SUBMITTED, Bid.State.ACKNOWLEDGED]
    return list(Bid.objects.filter(ask=ask, state__in=open_states).order_by("pk"))


@transaction.atomic
def accept_bid(*, bid: Bid, at: datetime, actor: object, reference: str = "") -> Award:
    """The utility orders the whole bid: the commit. A repeat gets the first award.

    Raises BidExpired after the ask's expiry and WrongState for a bid that is rejected, withdrawn or not sent.
    """
    if bid.ask is None:
        raise WrongState(f"{bid} answers no ask", bid=bid.natural_key)
    found = Award.objects.filter(bid=bid).first()
    if found is not None:
        return found
    ask = Ask.objects.select_for_update(no_key=True).get(pk=bid.ask.pk)
    if at >= ask.expires_at:
        raise BidExpired(f"{bid} expired at {ask.expires_at.isoformat()}", expires_at=ask.expires_at.isoformat())
    award = bids.take_award(
        bid,
        up_kw=bid.up_kw,
        down_kw=bid.down_kw,
        price_per_mwh=bid.price_per_mwh,
        reference=reference or f"order:{ask.utility_id}:{ask.reference}:{bid.pk}",
        at=at,
        actor=actor,
    )
    if award is None:
        raise WrongState(f"{bid} is empty", bid=bid.natural_key)
    if ask.state != Ask.State.COMMITTED:
        move_ask(ask, Ask.State.COMMITTED, at=at, actor=actor)
    return award


@transaction.atomic
def reject_bid(*, bid: Bid, at: datetime, actor: object, reason: str = "") -> Bid:
    """The utility declines; the kilowatts are free again. A repeat changes nothing."""
    if bid.ask is None:
        raise WrongState(f"{bid} answers no ask", bid=bid.natural_key)
    ask = Ask.objects.select_for_update(no_key=True).get(pk=bid.ask.pk)
    bids.end_bid(bid, Bid.State.REJECTED, at=at, actor=actor, reason=reason)
    if ask.state == Ask.State.BID and not _open_bids(ask):
        move_ask(ask, Ask.State.REJECTED, at=at, actor=actor, reason=reason)
    return bid


def expire_asks(*, at: datetime) -> int:
    """End asks that passed their gate without a bid, and bids that the utility did not take before their expiry."""
    count = 0
    for ask in Ask.objects.filter(state=Ask.State.ASKED, gate_at__lte=at):
        with transaction.atomic():
            move_ask(ask, Ask.State.EXPIRED, at=at, reason="no bid before the gate")
        count += 1
    for ask in Ask.objects.filter(state=Ask.State.BID, expires_at__lte=at):
        with transaction.atomic():
            move_ask(ask, Ask.State.EXPIRED, at=at, reason="no bid was taken in time")
            for bid in _open_bids(ask):
                bids.end_bid(bid, Bid.State.EXPIRED, at=at, reason="ask expired")
        count += 1
    return count


@transaction.atomic
def mark_ask(*, ask: Ask, state: str, at: datetime, actor: object = "service") -> None:
    """DELIVERED after the day, REPORTED after the performance report; a repeat changes nothing."""
    if ask.state != state:
        move_ask(ask, state, at=at, actor=actor)
