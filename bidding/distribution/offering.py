"""Options of a bid on an ask: the whole quantity, and about half of it at its own price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bidding.distribution.kernels.options import energy_mwh, half_kw, least_activation_pu
from bidding.models import Bid, BidOption
from vpp.lib.periods import DeliveryDay

if TYPE_CHECKING:
    from bidding.kernels.plan import BidPlan
    from bidding.kernels.problem import BidProblem
    from bidding.kernels.solver import SolverOptions

FloatArray = NDArray[np.float64]
WHOLE, HALF = "A", "B"
PRICE_STEP = Decimal("0.0001")


def make_options(
    bid: Bid, *, half_price_per_mwh: float | None = None, recovery_kw: Sequence[float] | None = None
) -> None:
    """Store the options of a new bid; a repeat changes nothing. Without a half price there is one option."""
    if bid.ask is None or bid.options.exists():
        return
    minimum_kw, lot_kw = bid.product.min_quantity_kw, bid.product.lot_kw
    quantity_kw = np.array(bid.up_kw) + np.array(bid.down_kw)
    recovery = np.array(recovery_kw if recovery_kw is not None else [0.0] * len(bid.up_kw))
    price = max(bid.price_per_mwh)
    rows = [_option(bid, WHOLE, quantity_kw, price, recovery, minimum_kw)]
    half = half_kw(quantity_kw, lot_kw, minimum_kw)
    if half_price_per_mwh is not None and half.any() and not np.array_equal(half, quantity_kw):
        rows.append(_option(bid, HALF, half, min(half_price_per_mwh, price), recovery / 2, minimum_kw))
    BidOption.objects.bulk_create(rows)


def _option(
    bid: Bid, reference: str, quantity_kw: FloatArray, price_per_mwh: float, recovery_kw: FloatArray, minimum_kw: float
) -> BidOption:
    up = any(bid.up_kw)
    zero = [0.0] * quantity_kw.size
    hours = DeliveryDay(bid.delivery_date, bid.product.market.time_zone).hours_per_interval
    return BidOption(
        bid=bid,
        reference=reference,
        up_kw=quantity_kw.tolist() if up else zero,
        down_kw=zero if up else quantity_kw.tolist(),
        recovery_kw=recovery_kw.tolist(),
        price_per_mwh=price_per_mwh,
        price=Decimal(repr(price_per_mwh * energy_mwh(quantity_kw, hours))).quantize(PRICE_STEP),
        min_activation_pu=Decimal(repr(least_activation_pu(quantity_kw, minimum_kw))).quantize(Decimal("0.01")),
    )


@dataclass(frozen=True)
class AnswerPrices:
    """EUR/MWh by the ask's reference: of the whole answer, of half of it, and the opportunity cost in the whole."""

    whole: dict[str, float]
    half: dict[str, float]
    opportunity: dict[str, float]


def answer_prices(problem: BidProblem, plan: BidPlan, options: SolverOptions) -> AnswerPrices:
    """What the plan's answers to asks are offered at. Raises SolverFailed."""
    from bidding.kernels.ask_price import price_asks

    answers = price_asks(problem, plan, options)
    return AnswerPrices(
        whole={one.reference: one.price_eur_per_mwh for one in answers},
        half=half_prices(problem, plan, options),
        opportunity={one.reference: one.opportunity_eur_per_mwh for one in answers},
    )


def half_prices(problem: BidProblem, plan: BidPlan, options: SolverOptions) -> dict[str, float]:
    """EUR/MWh of half of each answered ask, all asks halved alike; by reference. Raises SolverFailed."""
    from bidding.kernels.ask_price import price_asks

    halves = {
        ask.reference: half_kw(plan.ask_kw[ask.reference], ask.lot_kw, ask.min_quantity_kw) for ask in problem.asks
    }
    if not any(half.any() for half in halves.values()):
        return {}
    answers = price_asks(problem, replace(plan, ask_kw=halves), options)
    return {answer.reference: answer.price_eur_per_mwh for answer in answers}
