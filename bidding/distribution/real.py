"""Bids on asks for real power: what the optimisation answers beside all that is open or promised elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from bidding.distribution.contract_use import check_offer
from bidding.distribution.offering import AnswerPrices, answer_prices, make_options
from bidding.errors import REFUSALS
from bidding.models import Ask, Bid, Product
from bidding.operations import bids, book
from bidding.operations.drafts import BidDraft
from vpp.enrollment.models import Portfolio
from vpp.lib.periods import DeliveryDay

if TYPE_CHECKING:
    from bidding.kernels.plan import BidPlan
    from bidding.kernels.problem import BidProblem
    from bidding.wholesale.queries import OpenProduct
    from forecasting.models import ForecastRun

FloatArray = NDArray[np.float64]
SOLVE_LIMIT_S = 10.0
GAP_TARGET = 1e-2
NODE_LIMIT = 50


def still_wanted_kw(ask: Ask) -> FloatArray:
    """(H,) what no live bid offers yet."""
    left = np.array(ask.quantity_kw, dtype=np.float64)
    for bid in Bid.objects.filter(ask=ask, state__in=Bid.LIVE_STATES):
        left = left - np.array(bid.up_kw) - np.array(bid.down_kw)
    return np.maximum(left, 0.0)


def answer_real(
    portfolio: Portfolio,
    product: Product,
    day: DeliveryDay,
    wanted: Mapping[int, tuple[Ask, FloatArray]],
    at: datetime,
    findings: list[str],
) -> list[Bid]:
    """Bids on the asks for real power that the optimisation answers. What came in between is a finding, as is what was
    promised and no longer fits."""
    from bidding.kernels.problem import BadProblem
    from bidding.kernels.solver import SolverFailed
    from bidding.operations.gather import gather

    gathered = gather(
        portfolio=portfolio,
        day=day,
        products=_open_wholesale(portfolio, day, at),
        asks=wanted,
        ask_lot_kw=product.lot_kw,
        ask_min_kw=product.min_quantity_kw,
        known_at=at,
    )
    over = book.open_book(
        portfolio_id=portfolio.pk, day=day, up_kw=gathered.capacity_up_kw, down_kw=gathered.capacity_down_kw
    )
    findings += [f"{portfolio}: {said}" for said in (*gathered.notes, *over)]
    try:
        plan, prices = _planned(gathered.problem)
    except (SolverFailed, BadProblem) as error:
        findings.append(f"{portfolio}: {error}")
        return []
    made = []
    for pk, (ask, _) in wanted.items():
        quantity_kw = plan.ask_kw.get(str(pk))
        if quantity_kw is None or not quantity_kw.any():
            continue
        price = ask.ceiling_price_per_mwh if ask.contract_id else prices.whole[str(pk)]
        draft = _draft(portfolio, product, day, ask, quantity_kw, price)
        try:
            made.append(_submitted(draft, plan, gathered.forecast_run, prices.half.get(str(pk)), at))
        except REFUSALS as error:
            findings.append(f"{draft.natural_key}: {error.message}")
    return made


def _planned(problem: BidProblem) -> tuple[BidPlan, AnswerPrices]:
    """The plan and what its answers are offered at. Raises SolverFailed or BadProblem."""
    from bidding.kernels.co_optimise import TRIFLE_EUR_PER_MWH, co_optimise
    from bidding.kernels.solver import SolverOptions, available_engine

    options = SolverOptions(engine=available_engine(), time_limit_s=SOLVE_LIMIT_S, node_limit=NODE_LIMIT)
    plan = co_optimise(problem, options, gap_target=GAP_TARGET, thorough=False, trifle_eur_per_mwh=TRIFLE_EUR_PER_MWH)
    return plan, answer_prices(problem, plan, options)


@transaction.atomic
def _submitted(
    draft: BidDraft, plan: BidPlan, forecast_run: ForecastRun | None, half_price_per_mwh: float | None, at: datetime
) -> Bid:
    """A bid with its options, sent; or, where the book, the gate or the rules refuse it, nothing of it."""
    check_offer(draft)
    bid = bids.create_bid(draft, at=at, forecast_run=forecast_run, gap=plan.gap, solver={"engine": plan.engine})
    make_options(bid, half_price_per_mwh=half_price_per_mwh, recovery_kw=plan.recovery_kw.tolist())
    return bids.submit_bid(bid, at=at)


def _open_wholesale(portfolio: Portfolio, day: DeliveryDay, at: datetime) -> list[OpenProduct]:
    """Wholesale products with a price and an open gate that the portfolio has no bid in yet."""
    from bidding.wholesale.queries import open_product, wholesale_products

    offers = [open_product(product, day.date, at) for product in wholesale_products(portfolio.zone_code, day.date)]
    return [
        offer
        for offer in offers
        if offer is not None and offer.gate_at > at and bids.live_bid(portfolio, offer.product, day) is None
    ]


def _draft(
    portfolio: Portfolio, product: Product, day: DeliveryDay, ask: Ask, quantity_kw: FloatArray, price: float
) -> BidDraft:
    zero = [0.0] * day.n_intervals
    up_kw, down_kw = (quantity_kw.tolist(), zero) if ask.direction == "UP" else (zero, quantity_kw.tolist())
    return BidDraft(
        portfolio, product, day, up_kw, down_kw, [price] * day.n_intervals, ask=ask,
        version=bids.next_version(portfolio, ask),
    )  # fmt: skip
