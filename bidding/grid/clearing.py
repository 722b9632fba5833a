"""The utility's plan for a feeder's day: our open bids and other aggregators', cleared at least cost; then decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING

import numpy as np
from django.db import transaction

from bidding.distribution.ordering import accept_bid, reject_bid
from bidding.grid.injections import FeederDay, feeder_day, node_weights, open_options
from bidding.models import Bid, BidOption
from vpp.enrollment.queries import device_table
from vpp.lib.errors import DomainError
from vpp.lib.periods import DeliveryDay
from vpp.network import operations as network
from vpp.network.models import ClearingPlan

if TYPE_CHECKING:
    from vpp.network.kernels.clearing.problem import ClearingBid

OURS = "us"
ACTIVATION_STEP_PU = 0.01
STEP_HOURS = 0.25


class BadForeignBid(DomainError):
    """A bid of another aggregator that cannot be cleared."""

    code = "bad_clearing_bid"


@dataclass(frozen=True)
class ForeignBid:
    """Another aggregator's bid, as the utility tells it. up_kw, up_kvar (H,): at full activation, upward positive (less
    drawn); nodes: node code -> share, the shares summing to 1."""

    reference: str
    aggregator: str
    nodes: dict[str, float]
    up_kw: Sequence[float]
    price_per_mwh: Sequence[float]
    up_kvar: Sequence[float] | None = None
    min_activation_pu: float = 0.0
    one_activation: bool = False
    start_cost: float = 0.0
    energy_limit_kwh: float | None = None
    exclusive_group: str = ""


def propose_plan(
    feeder_code: str,
    day: DeliveryDay,
    *,
    at: datetime,
    actor: object,
    foreign: Sequence[ForeignBid] = (),
    four_eyes: bool = False,
) -> ClearingPlan:
    """Clear all open bids of the feeder's day and keep the plan for a decision.

    What is firm already (wholesale schedules, earlier commits) stands as it is. Raises UnknownFeeder, NoForecast,
    BadForeignBid.
    """
    from vpp.network.kernels.clearing.clear import clear
    from vpp.network.kernels.clearing.problem import BadClearing, ClearingProblem

    known = feeder_day(feeder_code, day, at)
    problem = ClearingProblem(
        known.model,
        known.p_kw,
        known.q_kvar,
        [*_our_bids(known, at), *(_foreign_bid(known, bid, rank) for rank, bid in enumerate(foreign))],
        STEP_HOURS,
        power_limits=known.power_limits,
    )
    try:
        result = clear(problem)
    except BadClearing as error:
        raise BadForeignBid(str(error), findings=error.findings) from None
    frame = network.PlanFrame(known.feeder, day.date, day.zone, known.topology, four_eyes)
    return network.store_plan(frame, problem, result, at=at, actor=actor)


def _our_bids(known: FeederDay, at: datetime) -> list[ClearingBid]:
    rows = []
    for rank, (bid, options) in enumerate(open_options(known.feeder.code, known.day)):
        if bid.ask is None or at >= bid.ask.expires_at:
            continue
        table = device_table(at=at, portfolio_id=bid.portfolio_id)
        nodes, weights = node_weights(table, known.feeder.code, known.model)
        if nodes.size:
            rows += [_option_bid(bid, option, nodes, weights / weights.sum(), rank) for option in options]
    return rows


def _option_bid(bid: Bid, option: BidOption, nodes: np.ndarray, weights: np.ndarray, rank: int) -> ClearingBid:
    from vpp.network.kernels.clearing.problem import ClearingBid

    up_kw = np.asarray(option.up_kw, dtype=np.float64) - np.asarray(option.down_kw, dtype=np.float64)
    priced = np.where(up_kw != 0, option.price_per_mwh, 0.0)  # recovery is not paid
    moved_kw = up_kw + np.asarray(option.recovery_kw, dtype=np.float64)
    kvar = np.zeros_like(up_kw) if option.kvar is None else np.asarray(option.kvar, dtype=np.float64)
    return ClearingBid(
        reference=f"bid:{bid.pk}/{option.reference}",
        aggregator=OURS,
        nodes=nodes,
        weights=weights,
        p_kw=0.0 - moved_kw,
        q_kvar=0.0 - kvar,
        price_per_mwh=priced,
        price_per_mvarh=np.where(kvar != 0, option.price_per_mwh, 0.0),
        min_pu=float(option.min_activation_pu),
        one_share=True,
        exclusive_group=f"bid:{bid.pk}",
        step_pu=ACTIVATION_STEP_PU,
        rank=rank,
    )


def _foreign_bid(known: FeederDay, bid: ForeignBid, rank: int) -> ClearingBid:
    from vpp.network.kernels.clearing.problem import ClearingBid

    index = known.model.node_index
    unknown = sorted(set(bid.nodes) - index.keys())
    sizes = {len(bid.up_kw), len(bid.price_per_mwh), len(bid.up_kvar) if bid.up_kvar is not None else len(bid.up_kw)}
    if unknown or sizes != {known.day.n_intervals} or bid.reference.startswith("bid:"):
        why = f"unknown nodes {', '.join(unknown)}" if unknown else f"want {known.day.n_intervals} values per series"
        raise BadForeignBid(f"bid {bid.reference}: {why}", reference=bid.reference)
    kvar = np.zeros(known.day.n_intervals) if bid.up_kvar is None else np.asarray(bid.up_kvar, dtype=np.float64)
    price = np.asarray(bid.price_per_mwh, dtype=np.float64)
    return ClearingBid(
        reference=bid.reference,
        aggregator=bid.aggregator,
        nodes=np.array([index[code] for code in bid.nodes], dtype=np.int64),
        weights=np.array(list(bid.nodes.values()), dtype=np.float64),
        p_kw=0.0 - np.asarray(bid.up_kw, dtype=np.float64),
        q_kvar=0.0 - kvar,
        price_per_mwh=price,
        price_per_mvarh=np.where(kvar != 0, price, 0.0),
        start_cost=bid.start_cost,
        min_pu=bid.min_activation_pu,
        one_share=bid.one_activation,
        energy_limit_kwh=np.inf if bid.energy_limit_kwh is None else bid.energy_limit_kwh,
        exclusive_group=bid.exclusive_group,
        rank=1_000_000 + rank,
    )


@transaction.atomic
def accept_plan(plan: ClearingPlan, *, at: datetime, actor: object, who: str, reason: str = "") -> ClearingPlan:
    """The utility says yes; once that is final, our bids in the plan are ordered and those that lost are declined, all
    or nothing. Foreign bids are the utility's to order. A repeat changes nothing.

    Raises what `decide_plan` and `accept_bid` raise; then nothing has happened.
    """
    decided = network.decide_plan(plan, accepted=True, at=at, actor=actor, who=who, reason=reason)
    if decided.state == ClearingPlan.State.ACCEPTED and plan.state != ClearingPlan.State.ACCEPTED:
        _order(decided, at=at, actor=actor)
    return decided


def reject_plan(plan: ClearingPlan, *, at: datetime, actor: object, who: str, reason: str = "") -> ClearingPlan:
    """The utility says no; the bids stay open until they expire, or are accepted or rejected one by one."""
    return network.decide_plan(plan, accepted=False, at=at, actor=actor, who=who, reason=reason)


def _order(plan: ClearingPlan, *, at: datetime, actor: object) -> None:
    ours = [row for row in plan.bids.order_by("pk") if row.reference.startswith("bid:")]
    taken: set[int] = set()
    for row in ours:
        if row.reason or not (any(row.taken_kw) or any(row.taken_kvar)):
            continue
        bid_id, option = _parts(row.reference)
        taken.add(bid_id)
        bid = Bid.objects.select_related("ask", "portfolio", "product").get(pk=bid_id)
        chosen = bid.options.get(reference=option)
        share = _activation(row.taken_kw, row.taken_kvar, row.offered_kw, chosen)
        accept_bid(
            bid=bid, at=at, actor=actor, reference=f"plan:{plan.pk}:{row.reference}", option=option, activation_pu=share
        )
    for bid_id in sorted({_parts(row.reference)[0] for row in ours} - taken):
        why = next(row.explanation for row in ours if _parts(row.reference)[0] == bid_id)
        bid = Bid.objects.select_related("ask", "portfolio", "product").get(pk=bid_id)
        reject_bid(bid=bid, at=at, actor=actor, reason=f"plan {plan.pk}: {why}")


def _activation(
    taken_kw: Sequence[float], taken_kvar: Sequence[float], offered_kw: Sequence[float], option: BidOption
) -> Decimal:
    """The share that the plan took, to the hundredth it was planned in."""
    taken, offered = (taken_kw, offered_kw) if any(taken_kw) else (taken_kvar, option.kvar or [])
    peak = int(np.argmax(np.abs(offered)))
    share = Decimal(repr(round(taken[peak] / offered[peak], 6)))
    return min(share.quantize(Decimal("0.01"), rounding=ROUND_CEILING), Decimal(1))


def _parts(reference: str) -> tuple[int, str]:
    number, _, option = reference.removeprefix("bid:").partition("/")
    return int(number), option
