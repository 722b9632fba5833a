"""Standing by the open bids, or planning them anew: both are optimised, and what they earn is compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bidding.models import Award, Bid, Product
from bidding.operations.energy_form import Offered, in_best_form
from bidding.operations.gather import Gathered, gather
from bidding.operations.optimising import GAP_TARGET, NODE_LIMIT
from bidding.operations.risk import risk_aversion
from bidding.operations.standing import expected_kw, standing_of
from bidding.wholesale.queries import OpenProduct
from vpp.enrollment.models import Portfolio
from vpp.lib.periods import DeliveryDay
from vpp.lib.units import KW_PER_MW

if TYPE_CHECKING:
    from bidding.kernels.plan import BidPlan

FloatArray = NDArray[np.float64]
LIMIT_S = 30.0
WORTH_CHANGING = 1.0  # currency; below, a bid that the market has is not disturbed
WORTH_CHANGING_PU = 2e-3


@dataclass(frozen=True)
class Choice:
    """What is followed. anew: with the open bids given up; gain: what that earns beyond keeping them."""

    offered: Offered
    offers: list[OpenProduct]
    prices: Mapping[int, FloatArray]
    anew: bool
    gain: float

    @property
    def plan(self) -> BidPlan:
        return self.offered.plan

    @property
    def gathered(self) -> Gathered:
        return self.offered.gathered


def choose(
    portfolio: Portfolio, day: DeliveryDay, offers: Sequence[OpenProduct], live: Sequence[Bid], *, at: datetime
) -> Choice:
    """Raises SolverFailed or BadProblem."""
    prices = {offer.product.pk: offer.price[offer.block_of_interval] for offer in offers}
    busy = {bid.product_id for bid in live}
    kept = _planned(portfolio, day, [offer for offer in offers if offer.product.pk not in busy], (), prices, at)
    if not live:
        return kept
    anew = _planned(portfolio, day, list(offers), [bid.pk for bid in live], prices, at)
    stands = kept.offered.profit + sum(_worth(bid, day, prices[bid.product_id]) for bid in live)
    gain = anew.offered.profit - stands
    better = anew if gain > max(WORTH_CHANGING, WORTH_CHANGING_PU * abs(stands)) else kept
    return replace(better, anew=better is anew, gain=gain)


def _planned(
    portfolio: Portfolio, day: DeliveryDay, offers: list[OpenProduct], given_up: Sequence[int],
    prices: Mapping[int, FloatArray], at: datetime,
) -> Choice:  # fmt: skip
    from bidding.kernels.co_optimise import TRIFLE_EUR_PER_MWH, co_optimise
    from bidding.kernels.risk import with_risk
    from bidding.kernels.solver import SolverOptions, available_engine

    standing = standing_of(portfolio, day, leave_out=given_up, expected_price=prices)
    options = SolverOptions(engine=available_engine(), time_limit_s=LIMIT_S, node_limit=NODE_LIMIT)

    risk = risk_aversion(portfolio, offers)

    def gathered(products: Sequence[OpenProduct]) -> Gathered:
        return gather(
            portfolio=portfolio, day=day, products=products, asks={}, ask_lot_kw=1.0, ask_min_kw=1.0, known_at=at,
            standing=standing, leave_out=given_up,
        )  # fmt: skip

    offered = in_best_form(
        gathered,
        offers,
        lambda one: co_optimise(
            with_risk(one.problem, risk), options, gap_target=GAP_TARGET, trifle_eur_per_mwh=TRIFLE_EUR_PER_MWH
        ),
        options,
    )
    return Choice(offered, offers, prices, anew=False, gain=0.0)


def expected_worth(portfolio: Portfolio, day: DeliveryDay, choice: Choice, live: Sequence[Bid]) -> float:
    """What stands besides the plan's own positions earns: awards at their prices, kept bids at expected ones."""
    awards = Award.objects.standing().filter(bid__portfolio=portfolio, bid__delivery_date=day.date)
    worth = sum(
        _revenue(award.bid.product, np.array(award.up_kw), np.array(award.down_kw), np.array(award.price_per_mwh), day)
        for award in awards.select_related("bid__product")
    )
    return worth + sum(_worth(bid, day, choice.prices[bid.product_id]) for bid in live if not choice.anew)


def _worth(bid: Bid, day: DeliveryDay, price: FloatArray) -> float:
    return _revenue(bid.product, *expected_kw(bid, day, price), price, day)


def _revenue(product: Product, up_kw: FloatArray, down_kw: FloatArray, price: FloatArray, day: DeliveryDay) -> float:
    """Energy and asks are paid per MWh moved up (less what is bought), capacity per MW and hour."""
    if product.kind == Product.Kind.ENERGY:
        paid_kw = up_kw - down_kw
    else:
        paid_kw = np.maximum(up_kw, down_kw)
    return float((paid_kw * price).sum()) * day.hours_per_interval / KW_PER_MW
