"""The life of a bid. Each step is a conditional update, an event row and a line in the audit trail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from bidding.errors import AwardDiffers, AwardExceedsBid, GatePassed, WrongState
from bidding.kernels.gate import gate_closure
from bidding.models import Ask, Award, Bid, BidEvent, NightlyRun, Product
from bidding.operations import book, replan_jobs
from bidding.operations.order_forms import check_rules
from forecasting.models import ForecastRun
from vpp.accounts.operations import audit
from vpp.enrollment.models import Portfolio
from vpp.lib.periods import DeliveryDay

STEP_MINUTES = 15


@dataclass(frozen=True)
class BidDraft:
    """What is offered: (H,) kW per quarter hour and direction, (H,) limit price; of a curve or blocks the extremes."""

    portfolio: Portfolio
    product: Product
    day: DeliveryDay
    up_kw: Sequence[float]
    down_kw: Sequence[float]
    price_per_mwh: Sequence[float]
    ask: Ask | None = None
    version: int = 1
    curve: list[Any] | None = None
    blocks: list[dict[str, Any]] | None = None
    confidence: float | None = None
    shortfall_risk: dict[str, Any] = field(default_factory=dict)

    def extreme_claims(self) -> list[tuple[Sequence[float], Sequence[float]]]:
        """(up, down) at the highest and at the lowest prices, of each block; one pair where there is one quantity."""
        if self.blocks is not None:
            nothing = [0.0] * len(self.up_kw)
            return [(block["up_kw"], block["down_kw"]) for block in self.blocks] + [(nothing, nothing)]
        if self.curve is None or self.product.kind != Product.Kind.ENERGY:
            return [(self.up_kw, self.down_kw)]
        from bidding.kernels.gate import block_of_interval

        blocks = block_of_interval(self.day, self.product.block_minutes)
        ends = [(float(points[-1][1]), float(points[0][1])) if points else (0.0, 0.0) for points in self.curve]
        return [
            ([max(ends[b][side], 0.0) for b in blocks], [max(-ends[b][side], 0.0) for b in blocks]) for side in (0, 1)
        ]

    @property
    def natural_key(self) -> str:
        """One key for one promise; asks are told apart by their row, because references are the utilities' own."""
        subject = f"ask{self.ask.pk}" if self.ask else "market"
        return f"{self.portfolio.code}:{self.product.pk}:{subject}:{self.day.date}:v{self.version}"


def day_of(product: Product, bid_date: Any) -> DeliveryDay:
    """The delivery day of a product's market in quarter hours."""
    return DeliveryDay(bid_date, product.market.time_zone, STEP_MINUTES)


def gate_of(product: Product, day: DeliveryDay, ask: Ask | None = None) -> datetime:
    """When bids close: the ask's own gate, else the market's."""
    if ask is not None:
        return ask.gate_at
    market = product.market
    working = market.gate_calendar if market.gate_on_working_days else None
    return gate_closure(
        day.date, market.gate_days_before, market.gate_local_time, market.time_zone, working_days=working
    )


def live_bid(portfolio: Portfolio, product: Product, day: DeliveryDay, ask: Ask | None = None) -> Bid | None:
    """The one bid that may be alive for a portfolio, product (and ask) and day."""
    return Bid.objects.filter(
        portfolio=portfolio, product=product, ask=ask, delivery_date=day.date, state__in=Bid.LIVE_STATES
    ).first()


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

    Raises GatePassed, WrongState (another version is alive), SoldTwice; BelowMinimum, BadPrice (the product's rules).
    """
    book.lock_portfolio(draft.portfolio.pk)
    found = Bid.objects.filter(natural_key=draft.natural_key).first()
    if found is not None:
        return found
    if (alive := live_bid(draft.portfolio, draft.product, draft.day, draft.ask)) is not None:
        raise WrongState(f"{alive} is alive; end it before another is made", bid=alive.natural_key)
    gate = gate_of(draft.product, draft.day, draft.ask)
    if at >= gate:
        raise GatePassed(f"the gate closed at {gate.isoformat()}", gate_at=gate.isoformat())
    check_rules(draft)
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


@transaction.atomic
def submit_bid(bid: Bid, *, at: datetime, actor: object = "service") -> Bid:
    """Make the bid binding and visible to its market or utility. A repeat changes nothing. Raises GatePassed."""
    if bid.state in Bid.SENT_STATES:
        return bid
    gate = gate_of(bid.product, day_of(bid.product, bid.delivery_date), bid.ask)
    if at >= gate:
        raise GatePassed(f"the gate closed at {gate.isoformat()}", gate_at=gate.isoformat())
    move(bid, Bid.State.SUBMITTED, at=at, actor=actor, submitted_at=at)
    return bid


@transaction.atomic
def take_award(
    bid: Bid,
    *,
    up_kw: Sequence[float],
    down_kw: Sequence[float],
    price_per_mwh: Sequence[float],
    reference: str,
    at: datetime,
    actor: object,
) -> Award | None:
    """The market's or utility's answer to a bid: full, partial, or None for nothing (the claim is then released).

    A repeat with the same content gets the first award, with other content AwardDiffers; AwardExceedsBid if the answer
    is more than was offered.
    """
    book.lock_portfolio(bid.portfolio_id)
    bid.refresh_from_db()
    first = Award.objects.filter(bid=bid).first()
    content = ([float(v) for v in up_kw], [float(v) for v in down_kw], [float(v) for v in price_per_mwh])
    if first is not None:
        if (first.up_kw, first.down_kw, first.price_per_mwh, first.source_reference) != (*content, reference):
            raise AwardDiffers(f"{bid} was awarded before, with other content", reference=first.source_reference)
        return first
    _check_within(bid, *content)
    if not any(content[0]) and not any(content[1]):
        if bid.state != Bid.State.NOT_CLEARED:
            move(bid, Bid.State.NOT_CLEARED, at=at, actor=actor, reason=reference)
            book.release(bid=bid)
            replan_jobs.after_award(bid, None, at=at)
        return None
    if Award.objects.filter(source_reference=reference).exists():
        raise AwardDiffers(f"the reference {reference!r} belongs to another bid", reference=reference)
    move(bid, Bid.State.CLEARED, at=at, actor=actor, reason=reference)
    award = Award.objects.create(
        bid=bid,
        up_kw=content[0],
        down_kw=content[1],
        price_per_mwh=content[2],
        source_reference=reference,
        awarded_at=at,
    )
    book.award(bid=bid, day=day_of(bid.product, bid.delivery_date), up_kw=content[0], down_kw=content[1])
    replan_jobs.after_award(bid, award, at=at)
    return award


def _check_within(bid: Bid, up_kw: list[float], down_kw: list[float], price: list[float]) -> None:
    from bidding.kernels.block_check import taken_block

    count = len(bid.up_kw)
    if not len(up_kw) == len(down_kw) == len(price) == count:
        raise AwardExceedsBid(f"the award must have {count} intervals", intervals=count)
    for direction, awarded, offered in (("UP", up_kw, bid.up_kw), ("DOWN", down_kw, bid.down_kw)):
        for interval, (got, had) in enumerate(zip(awarded, offered, strict=True)):
            if got < 0 or got > had + 5e-4:
                raise AwardExceedsBid(
                    f"{got} kW {direction} in interval {interval}, offered were {had}",
                    interval=interval,
                    direction=direction,
                )
    if bid.blocks and (any(up_kw) or any(down_kw)) and taken_block(bid.blocks, up_kw, down_kw) is None:
        raise AwardExceedsBid(f"{bid} is taken block by block, all or none of one; this award is none of them")


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
            end_bid(bid, Bid.State.EXPIRED, at=at, reason=reason)
            count += 1
    return count
