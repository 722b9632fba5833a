"""Asks that the nightly run did not or will not answer get their bid at once, from the same optimisation.

Wholesale products that are still open are in the problem, so an answer costs what it displaces; only the asks become
bids here. What is bid or awarded already is a fixed input.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np
from django.db import transaction
from django.db.models import QuerySet
from numpy.typing import NDArray

from bidding.distribution.ask_states import move_ask
from bidding.distribution.contract_use import check_offer, lock_contracts, within_energy
from bidding.distribution.offering import half_prices, make_options
from bidding.distribution.reactive import answer_reactive
from bidding.errors import BelowMinimum, GatePassed, SoldTwice, WrongState
from bidding.models import Ask, Bid, Product
from bidding.operations import bids, book
from bidding.operations.drafts import BidDraft, day_of
from vpp.enrollment.models import Enrollment, Portfolio
from vpp.lib.periods import DeliveryDay

FloatArray = NDArray[np.float64]
SOLVE_LIMIT_S = 10.0
GAP_TARGET = 1e-2
NODE_LIMIT = 50
LIVE = (Bid.State.CHECKED, Bid.State.SUBMITTED, Bid.State.ACKNOWLEDGED, Bid.State.CLEARED)


@dataclass
class Answers:
    """Bids made, asks that got none, and why."""

    bids: list[Bid] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)


def answer_feeder(*, feeder_code: str, delivery_date: date, at: datetime) -> Answers:
    """Bid on every open ask of a feeder and day whose gate is ahead. Safe to run again: what has a bid is left."""
    answers = Answers()
    for portfolio in portfolios_behind(feeder_code, at):
        if not _open(feeder_code, delivery_date, at).exists():
            break
        answers.bids += _answer_one(portfolio, feeder_code, delivery_date, at, answers.findings)
    with transaction.atomic():
        for ask in _locked(_open(feeder_code, delivery_date, at)):
            answered = Bid.objects.filter(ask=ask, state__in=Bid.SENT_STATES).exists()
            move_ask(
                ask, Ask.State.BID if answered else Ask.State.NO_BID, at=at, reason="" if answered else "nothing free"
            )
            if not answered:
                answers.unanswered.append(ask.reference)
    return answers


def portfolios_behind(feeder_code: str, at: datetime) -> list[Portfolio]:
    """Portfolios with devices behind the feeder, those of the feeder alone first."""
    ids = Enrollment.objects.filter(device__site__feeder_code=feeder_code, period__contains=at).values("portfolio")
    return sorted(Portfolio.objects.filter(pk__in=ids), key=lambda one: (one.feeder_code != feeder_code, one.code))


def _open(feeder_code: str, delivery_date: date, at: datetime) -> QuerySet[Ask]:
    return Ask.objects.open_for_bids().filter(
        congestion_point__feeder__code=feeder_code, delivery_date=delivery_date, gate_at__gt=at
    )


def _locked(asks: QuerySet[Ask]) -> list[Ask]:
    """Those that are still so once whoever answers them at the same moment is done."""
    return list(asks.select_for_update(no_key=True, of=("self",)).order_by("pk"))


@transaction.atomic
def _answer_one(
    portfolio: Portfolio, feeder_code: str, delivery_date: date, at: datetime, findings: list[str]
) -> list[Bid]:
    """One portfolio's bids, under the locks of its book and of the asks (asks first, as everywhere)."""
    from bidding.wholesale.queries import ask_product

    asks = _locked(
        _open(feeder_code, delivery_date, at).select_related("congestion_point__feeder", "utility", "contract")
    )
    lock_contracts(asks)
    book.lock_portfolio(portfolio.pk)
    product = ask_product(portfolio.zone_code, delivery_date)
    if product is None:
        findings.append(f"{portfolio}: its zone has no product for asks")
        return []
    day = day_of(product, delivery_date)
    made = [
        answer_reactive(portfolio, product, ask, day, at) for ask in asks if ask.power_kind == Ask.PowerKind.REACTIVE
    ]
    wanted = {ask.pk: (ask, _still_wanted_kw(ask)) for ask in asks if ask.power_kind == Ask.PowerKind.REAL}
    wanted = {pk: item for pk, item in within_energy(wanted, day).items() if item[1].any()}
    if wanted:
        made += _answer_real(portfolio, product, day, wanted, at, findings)
    return [bid for bid in made if bid is not None]


def _still_wanted_kw(ask: Ask) -> FloatArray:
    """(H,) what no live bid offers yet."""
    left = np.array(ask.quantity_kw, dtype=np.float64)
    for bid in Bid.objects.filter(ask=ask, state__in=LIVE):
        left = left - np.array(bid.up_kw) - np.array(bid.down_kw)
    return np.maximum(left, 0.0)


def _answer_real(
    portfolio: Portfolio,
    product: Product,
    day: DeliveryDay,
    wanted: Mapping[int, tuple[Ask, FloatArray]],
    at: datetime,
    findings: list[str],
) -> list[Bid]:
    from bidding.kernels.ask_price import price_asks
    from bidding.kernels.co_optimise import TRIFLE_EUR_PER_MWH, co_optimise
    from bidding.kernels.problem import BadProblem
    from bidding.kernels.solver import SolverFailed, SolverOptions, available_engine
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
    book.open_book(portfolio_id=portfolio.pk, day=day, up_kw=gathered.capacity_up_kw, down_kw=gathered.capacity_down_kw)
    options = SolverOptions(engine=available_engine(), time_limit_s=SOLVE_LIMIT_S, node_limit=NODE_LIMIT)
    try:
        plan = co_optimise(
            gathered.problem, options, gap_target=GAP_TARGET, thorough=False, trifle_eur_per_mwh=TRIFLE_EUR_PER_MWH
        )
        prices = {one.reference: one.price_eur_per_mwh for one in price_asks(gathered.problem, plan, options)}
        halves = half_prices(gathered.problem, plan, options)
    except (SolverFailed, BadProblem) as error:
        findings.append(f"{portfolio}: {error}")
        return []
    made = []
    for pk, (ask, _) in wanted.items():
        quantity_kw = plan.ask_kw.get(str(pk))
        if quantity_kw is None or not quantity_kw.any():
            continue
        price = ask.ceiling_price_per_mwh if ask.contract_id else prices[str(pk)]
        draft = _draft(portfolio, product, day, ask, quantity_kw, price)
        try:
            with transaction.atomic():
                check_offer(draft)
                bid = bids.create_bid(
                    draft, at=at, forecast_run=gathered.forecast_run, gap=plan.gap, solver={"engine": plan.engine}
                )
                make_options(bid, half_price_per_mwh=halves.get(str(pk)), recovery_kw=plan.recovery_kw.tolist())
                bids.submit_bid(bid, at=at)
        except (SoldTwice, GatePassed, WrongState, BelowMinimum) as error:
            findings.append(f"{draft.natural_key}: {error.message}")
        else:
            made.append(bid)
    return made


def _open_wholesale(portfolio: Portfolio, day: DeliveryDay, at: datetime):  # type: ignore[no-untyped-def]
    """Wholesale products with a price and an open gate that the portfolio has no bid in yet."""
    from bidding.wholesale.queries import open_product, wholesale_products

    offers = [open_product(product, day.date, at) for product in wholesale_products(portfolio.zone_code, day.date, at)]
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
        version=next_version(portfolio, ask),
    )  # fmt: skip


def next_version(portfolio: Portfolio, ask: Ask) -> int:
    """Bids on an ask are numbered per portfolio; a revoked one leaves its number behind."""
    return Bid.objects.filter(portfolio=portfolio, ask=ask).count() + 1
