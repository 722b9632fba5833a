"""The step that puts optimised plans in the fallbacks' place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bidding.distribution.contract_use import within_energy
from bidding.distribution.offering import AnswerPrices, answer_prices
from bidding.distribution.real import still_wanted_kw
from bidding.models import Ask, PlannedDay
from bidding.operations import bids
from bidding.operations.energy_form import Offered, in_best_form
from bidding.operations.gather import Gathered, gather
from bidding.operations.nightly import PORTFOLIO_BUDGET_S, NightlyContext
from bidding.operations.positions import take_plan
from bidding.operations.risk import risk_aversion
from bidding.queries import open_asks
from bidding.wholesale import obligations
from bidding.wholesale.queries import OpenProduct
from vpp.enrollment.models import Portfolio

if TYPE_CHECKING:
    from bidding.kernels.plan import BidPlan
    from bidding.kernels.problem import RiskAversion

FloatArray = NDArray[np.float64]
GAP_TARGET = 1e-3
NODE_LIMIT = 150  # deterministic: a resumed run branches to the same point
THOROUGH_PORTFOLIOS = 8  # up to here the quarter hours are branched too; more portfolios stop at the unit's answer


def optimise(context: NightlyContext) -> dict[str, Any]:
    """The optimised plan in the fallback's place, portfolio by portfolio; where that fails, the fallback stands."""
    days = list(PlannedDay.objects.filter(run=context.run).select_related("portfolio").order_by("portfolio__code"))
    wanted, owed = _wanted(context, days), obligations.still_owed(context.products)
    limit_s = min(PORTFOLIO_BUDGET_S, context.budget_s / max(len(context.portfolios), 1))
    findings, gaps = [], {}
    for planned in days:
        if not planned.settled:
            _optimise_one(context, planned, wanted, owed, limit_s)
            _subtract(wanted, planned)
        owed = obligations.without_planned(owed, planned.positions)
        if planned is days[-1]:
            _keep_unoffered(planned, owed)
        gaps[planned.portfolio.code] = planned.gap
        if planned.kind == PlannedDay.Kind.FALLBACK:
            findings.append(f"{planned.portfolio}: fallback bid, {planned.solver.get('reason', 'no optimisation')}")
        findings += [f"{planned.portfolio}: {sentence(item)}" for item in planned.shortfalls]
    return {"gaps": gaps, "limit_s": limit_s, "findings": findings}


def _keep_unoffered(planned: PlannedDay, owed: list[OpenProduct]) -> None:
    """What all portfolios together leave of capacity obligations stands with the last of them."""
    from bidding.kernels.obligations import MUST_OFFER

    kept = [item for item in planned.shortfalls if item["limit"] != MUST_OFFER]
    short = obligations.shortfalls(owed)
    if short or len(kept) != len(planned.shortfalls):
        planned.shortfalls = kept + short
        planned.status = "degraded" if short else planned.status
        planned.save(update_fields=["shortfalls", "status"])


def sentence(short: dict[str, Any]) -> str:
    return f"{short['subject']} misses {short['missing']:.1f} of {short['limit']} in interval {short['interval']}"


def _wanted(context: NightlyContext, days: list[PlannedDay]) -> dict[int, tuple[Ask, FloatArray]]:
    """Open asks with what no portfolio has answered yet, neither in this run nor with a bid that is held."""
    if context.ask_product is None:
        return {}
    asks = open_asks(context.run.zone_code, context.day.date, context.at)
    wanted = within_energy({ask.pk: (ask, still_wanted_kw(ask)) for ask in asks}, context.day)
    for planned in days:
        if planned.settled:
            _subtract(wanted, planned)
    return wanted


def _subtract(wanted: dict[int, tuple[Ask, FloatArray]], planned: PlannedDay) -> None:
    for key, quantity_kw in planned.positions.get("ask_kw", {}).items():
        if int(key) in wanted:
            ask, left_kw = wanted[int(key)]
            wanted[int(key)] = (ask, np.maximum(left_kw - np.array(quantity_kw), 0.0))


def _optimise_one(
    context: NightlyContext,
    planned: PlannedDay,
    wanted: dict[int, tuple[Ask, FloatArray]],
    owed: list[OpenProduct],
    limit_s: float,
) -> None:
    """The portfolio's optimised plan on its row; where the solver finds none, the fallback stands and says why."""
    from bidding.kernels.problem import BadProblem
    from bidding.kernels.solver import SolverFailed

    open_wanted = {key: item for key, item in wanted.items() if item[1].any()}
    offers = open_offers(replace(context, products=owed), planned.portfolio)
    risk = risk_aversion(planned.portfolio, offers)
    try:
        offered, prices = _optimised(context, planned.portfolio, open_wanted, offers, risk, limit_s)
    except (SolverFailed, BadProblem) as error:
        planned.solver = {"engine": "rule", "reason": str(error)[:500]}
    else:
        take_plan(planned, offered, prices, risk)
    planned.settled = True
    planned.save()


def _optimised(
    context: NightlyContext,
    portfolio: Portfolio,
    asks: dict[int, tuple[Ask, FloatArray]],
    offers: list[OpenProduct],
    risk: RiskAversion | None,
    limit_s: float,
) -> tuple[Offered, AnswerPrices]:
    """The plan in the form in which it is offered, and what its answers cost. Raises SolverFailed or BadProblem."""
    from bidding.kernels.co_optimise import TRIFLE_EUR_PER_MWH, co_optimise
    from bidding.kernels.risk import with_risk
    from bidding.kernels.solver import SolverOptions, available_engine

    options = SolverOptions(engine=available_engine(), time_limit_s=limit_s, node_limit=NODE_LIMIT)
    thorough = len(context.portfolios) <= THOROUGH_PORTFOLIOS

    def solved(one: Gathered) -> BidPlan:
        return co_optimise(
            with_risk(one.problem, risk), options, gap_target=GAP_TARGET, thorough=thorough,
            trifle_eur_per_mwh=TRIFLE_EUR_PER_MWH,
        )  # fmt: skip

    offered = in_best_form(lambda chosen: gathered_for(context, portfolio, asks, chosen), offers, solved, options)
    return offered, answer_prices(offered.gathered.problem, offered.plan, options)


def open_offers(context: NightlyContext, portfolio: Portfolio) -> list[OpenProduct]:
    """What the portfolio may still bid: open gates, no bid alive."""
    return [
        offer
        for offer in context.products
        if offer.gate_at > context.at and not bids.live_bid(portfolio, offer.product, context.day)
    ]


def gathered_for(
    context: NightlyContext,
    portfolio: Portfolio,
    asks: dict[int, tuple[Ask, FloatArray]],
    offers: Sequence[OpenProduct] | None = None,
) -> Gathered:
    """The portfolio's problem; `offers` narrows what is for sale."""
    product = context.ask_product
    return gather(
        portfolio=portfolio,
        day=context.day,
        products=open_offers(context, portfolio) if offers is None else offers,
        asks=asks,
        ask_lot_kw=product.lot_kw if product else 1.0,
        ask_min_kw=product.min_quantity_kw if product else 1.0,
        known_at=context.known_at,
    )
