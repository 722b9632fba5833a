"""The life of a bid. Each step is a conditional update, an event row and a line in the audit trail."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from bidding.errors import GatePassed, WrongState, WrongTimeGrid
from bidding.models import Ask, Bid, BidEvent, NightlyRun, Product
from bidding.operations import book, replan_jobs
from bidding.operations.drafts import BidDraft, day_of, gate_of
from bidding.operations.order_forms import check_rules
from forecasting.models import ForecastRun
from vpp.accounts.operations import audit
from vpp.enrollment.models import Portfolio
from vpp.lib.periods import DeliveryDay


def live_bid(portfolio: Portfolio, product: Product, day: DeliveryDay, ask: Ask | None = None) -> Bid | None:
    """The one bid that may be alive for a portfolio, product (and ask) and day."""
    return Bid.objects.filter(
        portfolio=portfolio, product=product, ask=ask, delivery_date=day.date, state__in=Bid.LIVE_STATES
    ).first()


def next_version(portfolio: Portfolio, ask: Ask, *, run: NightlyRun | None = None) -> int:
    """Bids on an ask are numbered per portfolio; a revoked one leaves its number behind. A run keeps its own number,
    so that it makes no second bid when it is taken up again."""
    earlier = Bid.objects.filter(portfolio=portfolio, ask=ask)
    own = None if run is None else earlier.filter(nightly_run=run).order_by("-version").first()
    return earlier.count() + 1 if own is None else own.version


def move(bid: Bid, state: str, *, at: datetime, actor: object = "service", reason: str = "", **fields: Any) -> None:
    """One step. Raises WrongState if it is not allowed or somebody else was faster."""
    before = bid.state
    if state not in Bid.STEPS.get(Bid.State(before), ()):
        raise WrongState(f"{bid} is {before} and cannot become {state}", bid=bid.natural_key, state=before)
    if not Bid.objects.filter(pk=bid.pk, state=before).update(state=state, **fields):
        raise WrongState(f"{bid} is no longer {before}", bid=bid.natural_key)
    bid.state = state
    for name, value in fields.items():
        setattr(bid, name, value)
    BidEvent.objects.create(bid=bid, at=at, state=state, reason=reason)
    audit(
        at=at,
        actor=actor,
        action=f"bid.{state.lower()}",
        subject=bid,
        before={"state": before},
        after={"state": state},
        reason=reason,
    )
    if bid.ask is not None:
        from bidding.distribution.notices import Notice, tell

        tell(Notice(f"bid.{state.lower()}", bid.ask, bid, at, reason))


@transaction.atomic
def create_bid(
    draft: BidDraft,
    *,
    at: datetime,
    nightly_run: NightlyRun | None = None,
    forecast_run: ForecastRun | None = None,
    gap: float | None = None,
    solver: dict[str, Any] | None = None,
    reason: str = "",
) -> Bid:
    """A checked bid with its kilowatts claimed in the book, in one transaction. A repeat gets the first one.

    Raises GatePassed, WrongState (another version is alive), WrongTimeGrid (another day than the ask's), SoldTwice;
    BelowMinimum, BadPrice (the product's rules).
    """
    book.lock_portfolio(draft.portfolio.pk)
    found = Bid.objects.filter(natural_key=draft.natural_key).first()
    if found is not None:
        return found
    _check_may_be_made(draft, at)
    bid = Bid.objects.create(
        natural_key=draft.natural_key,
        portfolio=draft.portfolio,
        product=draft.product,
        ask=draft.ask,
        delivery_date=draft.day.date,
        version=draft.version,
        up_kw=[float(value) for value in draft.up_kw],
        down_kw=[float(value) for value in draft.down_kw],
        price_per_mwh=[float(value) for value in draft.price_per_mwh],
        curve=draft.curve,
        blocks=draft.blocks,
        confidence=draft.confidence,
        shortfall_risk=draft.shortfall_risk,
        gap=gap,
        solver=solver or {},
        nightly_run=nightly_run,
        forecast_run=forecast_run,
        created_at=at,
    )
    BidEvent.objects.create(bid=bid, at=at, state=Bid.State.DRAFT, reason=reason)
    book.reserve(bid=bid, day=draft.day)
    move(bid, Bid.State.CHECKED, at=at)
    return bid


def _check_may_be_made(draft: BidDraft, at: datetime) -> None:
    """Raises WrongState, WrongTimeGrid, GatePassed, BelowMinimum or BadPrice."""
    if (alive := live_bid(draft.portfolio, draft.product, draft.day, draft.ask)) is not None:
        raise WrongState(f"{alive} is alive; end it before another is made", bid=alive.natural_key)
    _check_day(draft)
    check_gate(draft.product, draft.day, draft.ask, at)
    check_rules(draft)


def _check_day(draft: BidDraft) -> None:
    """An answer is of the ask's own day and clock: a portfolio of another zone may stand behind the same feeder."""
    if draft.ask is None:
        return
    asked = DeliveryDay(draft.ask.delivery_date, draft.ask.time_zone)
    if (asked.start, asked.end) != (draft.day.start, draft.day.end):
        raise WrongTimeGrid(f"{draft.ask} is of {asked.date} in {asked.zone}, not {draft.day.date} in {draft.day.zone}")


def check_gate(product: Product, day: DeliveryDay, ask: Ask | None, at: datetime) -> None:
    """Raises GatePassed."""
    gate = gate_of(product, day, ask)
    if at >= gate:
        raise GatePassed(f"the gate closed at {gate.isoformat()}", gate_at=gate.isoformat())


@transaction.atomic
def submit_bid(bid: Bid, *, at: datetime, actor: object = "service") -> Bid:
    """Make the bid binding and visible to its market or utility. A repeat changes nothing. Raises GatePassed."""
    if bid.state in Bid.SENT_STATES:
        return bid
    check_gate(bid.product, day_of(bid.product, bid.delivery_date), bid.ask, at)
    move(bid, Bid.State.SUBMITTED, at=at, actor=actor, submitted_at=at)
    return bid


@transaction.atomic
def end_bid(bid: Bid, state: str, *, at: datetime, actor: object = "service", reason: str = "") -> Bid:
    """Reject, withdraw or expire a bid; its kilowatts are free again. A repeat changes nothing."""
    book.lock_portfolio(bid.portfolio_id)
    bid.refresh_from_db()
    if bid.state == state:
        return bid
    move(bid, state, at=at, actor=actor, reason=reason)
    book.release(bid=bid)
    if state in (Bid.State.REJECTED, Bid.State.EXPIRED):
        replan_jobs.after_end(bid, reason, at=at)
    return bid


def expire_bids(*, at: datetime) -> int:
    """End checked and held bids whose gate passed unsent, and sent ones that nobody took before delivery began."""
    count = 0
    waiting = Bid.objects.filter(
        state__in=[Bid.State.CHECKED, Bid.State.HELD, Bid.State.SUBMITTED, Bid.State.ACKNOWLEDGED],
        delivery_date__lte=(at + timedelta(days=8)).date(),
    ).select_related("product__market", "ask")
    for bid in waiting:
        day = day_of(bid.product, bid.delivery_date)
        unsent = bid.state in (Bid.State.CHECKED, Bid.State.HELD)
        limit = gate_of(bid.product, day, bid.ask) if unsent else day.start
        if bid.ask is not None and not unsent:
            limit = bid.ask.expires_at
        if at >= limit:
            reason = "its gate passed unsent" if unsent else "nobody took it in time"
            count += _expired(bid, at=at, reason=reason)
    return count


@transaction.atomic
def _expired(bid: Bid, *, at: datetime, reason: str) -> bool:
    """Whether it ended: one that was sent, taken or ended since it was looked at is left alone."""
    book.lock_portfolio(bid.portfolio_id)
    if not Bid.objects.select_for_update(no_key=True).filter(pk=bid.pk, state=bid.state).exists():
        return False
    end_bid(bid, Bid.State.EXPIRED, at=at, reason=reason)
    return True
