"""The utility's plan for a feeder's day: our open bids and other aggregators', cleared at least cost; then decided."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_CEILING, Decimal

import numpy as np
from django.db import transaction

from bidding.distribution.ordering import accept_bid, reject_bid
from bidding.grid.injections import feeder_day
from bidding.grid.offered import BadForeignBid, ForeignBid, foreign_bid, our_bids
from bidding.models import Bid, BidOption
from vpp.lib.periods import DeliveryDay
from vpp.network import operations as network
from vpp.network.models import ClearingPlan

STEP_HOURS = 0.25


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
        [*our_bids(known, at), *(foreign_bid(known, bid, rank) for rank, bid in enumerate(foreign))],
        STEP_HOURS,
        power_limits=known.power_limits,
        states=known.states,
    )
    try:
        result = clear(problem)
    except BadClearing as error:
        raise BadForeignBid(str(error), findings=error.findings) from None
    frame = network.PlanFrame(known.feeder, day.date, day.zone, tuple(known.topologies), four_eyes)
    return network.store_plan(frame, problem, result, at=at, actor=actor)


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
