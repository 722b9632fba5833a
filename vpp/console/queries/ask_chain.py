"""One ask's whole chain, from the request to the payout, as far as the reader may see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import numpy as np
from django.db.models import Count, Prefetch, Q

from bidding.models import Ask, AskEvent, Award, Bid, BidEvent
from vpp.accounts.models import AuditEvent, Principal
from vpp.console.queries.asks import AskCard, ask_card
from vpp.console.queries.bids import weighted_price
from vpp.dispatch.models import Plan, Setpoint, Shortfall
from vpp.lib.periods import DeliveryDay
from vpp.lib.units import energy_kwh
from vpp.settlement.models import Payout, Performance

PAYOUT_LIMIT = 50
ON_ITS_WAY = (Bid.State.DRAFT, Bid.State.CHECKED, Bid.State.HELD, Bid.State.SUBMITTED, Bid.State.ACKNOWLEDGED)


@dataclass
class BidLink:
    """One bid on the ask and what followed from it."""

    ask: Ask
    bid: Bid
    award: Award | None = None
    performance: Performance | None = None
    plan: Plan | None = None

    def quantity_kw(self, position: Bid | Award) -> list[float]:
        """Per interval in the direction of the ask."""
        return list(position.up_kw if self.ask.direction == "UP" else position.down_kw)

    def energy_kwh(self, position: Bid | Award) -> float:
        return float(energy_kwh(np.sum(self.quantity_kw(position)), 15))

    @property
    def bid_kwh(self) -> float:
        return self.energy_kwh(self.bid)

    @property
    def committed_kwh(self) -> float | None:
        return self.energy_kwh(self.award) if self.award else None

    @property
    def bid_price(self) -> float | None:
        return weighted_price(self.bid)

    @property
    def award_price(self) -> float | None:
        return weighted_price(self.award) if self.award else None


@dataclass(frozen=True)
class Step:
    """One change of state of the ask or of a bid: when, which row, to what, by whom and why."""

    at: datetime
    row: Ask | Bid
    state: str
    label: str
    who: str
    reason: str


@dataclass
class AskChain:
    """Everything that followed from one ask, as far as the reader may see it."""

    ask: Ask
    card: AskCard
    labels: list[str]
    day: DeliveryDay
    links: list[BidLink]
    steps: list[Step]
    setpoints: list[tuple[str, int]] = field(default_factory=list)
    shortfalls: list[Shortfall] = field(default_factory=list)
    payouts: list[Payout] = field(default_factory=list)

    @property
    def live(self) -> BidLink | None:
        """The bid that was awarded, else the newest."""
        return next((link for link in self.links if link.award), self.links[-1] if self.links else None)

    @property
    def paid(self) -> Decimal:
        return sum((payout.total for payout in self.payouts), Decimal("0.00"))


def asks_by_reference(principal: Principal, reference: str) -> list[Ask]:
    """Usually one; two utilities may have used the same reference."""
    return list(
        Ask.objects.visible_to(principal)
        .filter(reference=reference)
        .select_related("utility", "congestion_point__feeder")
        .prefetch_related(Prefetch("events", AskEvent.objects.order_by("at", "pk")))
        .order_by("pk")
    )


def ask_chain(principal: Principal, ask: Ask) -> AskChain:
    day = DeliveryDay(ask.delivery_date, ask.time_zone, ask.interval_minutes)
    bids = list(
        Bid.objects.visible_to(principal)
        .filter(ask=ask)
        .select_related("portfolio", "product__market", "award", "nightly_run", "forecast_run")
        .prefetch_related(Prefetch("events", BidEvent.objects.order_by("at", "pk")))
        .order_by("version")
    )
    links = [BidLink(ask, bid, bid.award) for bid in bids]
    chain = AskChain(
        ask=ask,
        card=ask_card(ask),
        labels=day.local_labels(),
        day=day,
        links=links,
        steps=_steps(principal, ask, bids),
    )
    _add_results(principal, chain)
    return chain


def _steps(principal: Principal, ask: Ask, bids: list[Bid]) -> list[Step]:
    """Every recorded step in the order of time, those of one moment as they follow from each other; staff see who."""
    actors = _actors(ask, bids) if principal.sees_all else {}
    rows: list[tuple[Ask | Bid, AskEvent | BidEvent]] = [(ask, event) for event in ask.events.all()]
    rows += [(bid, event) for bid in bids for event in bid.events.all()]
    steps = []
    for subject, event in rows:
        name = subject._meta.model_name or ""
        who = actors.get((name, str(subject.pk), f"{name}.{event.state.lower()}"), "")
        steps.append(Step(event.at, subject, event.state, event.get_state_display(), who, event.reason))
    return in_order(steps)


def in_order(steps: list[Step]) -> list[Step]:
    return sorted(steps, key=lambda step: (step.at, _rank(step)))


def _rank(step: Step) -> int:
    """Place among the steps of one moment: asked, the bid on its way, the ask's answer, what became of the bid."""
    of_ask = 0 if step.state == Ask.State.ASKED else 2
    return of_ask if isinstance(step.row, Ask) else 1 if step.state in ON_ITS_WAY else 3


def _actors(ask: Ask, bids: list[Bid]) -> dict[tuple[str, str, str], str]:
    """(table, row, action) -> who, from the audit trail."""
    subjects = Q(subject_type=Ask._meta.label_lower, subject_key=str(ask.pk))
    subjects |= Q(subject_type=Bid._meta.label_lower, subject_key__in=[str(bid.pk) for bid in bids])
    rows = AuditEvent.objects.filter(subjects).order_by("at", "pk")
    columns = rows.values_list("subject_type", "subject_key", "action", "actor")
    return {(table.rpartition(".")[2], key, action): actor for table, key, action, actor in columns}


def _add_results(principal: Principal, chain: AskChain) -> None:
    """Plan, delivery, performance and payouts of the awarded bid."""
    link = chain.live
    if link is None or link.award is None:
        return
    link.performance = (
        Performance.objects.visible_to(principal).newest().filter(award=link.award).select_related("run").first()
    )
    if principal.sees_all:
        _add_delivery(principal, chain, link)
    if link.performance is not None:
        chain.payouts = list(
            Payout.objects.visible_to(principal)
            .filter(performance=link.performance)
            .select_related("owner", "contract")
            .order_by("-total", "pk")[:PAYOUT_LIMIT]
        )


def _add_delivery(principal: Principal, chain: AskChain, link: BidLink) -> None:
    assert link.award is not None
    link.plan = (
        Plan.objects.visible_to(principal)
        .filter(portfolio=link.bid.portfolio_id, award_ids__contains=[link.award.pk])
        .order_by("-version")
        .first()
    )
    starts = chain.day.starts()
    wanted = np.flatnonzero(np.asarray(link.award.up_kw) + np.asarray(link.award.down_kw))
    if not wanted.size:
        return
    within = Q(
        portfolio=link.bid.portfolio_id,
        interval_start__gte=starts[wanted[0]],
        interval_start__lte=starts[wanted[-1]],
    )
    states = Setpoint.objects.visible_to(principal).filter(within).values_list("state").annotate(Count("pk"))
    chain.setpoints = sorted(states)
    chain.shortfalls = list(
        Shortfall.objects.visible_to(principal).filter(within).select_related("device").order_by("interval_start")[:20]
    )
