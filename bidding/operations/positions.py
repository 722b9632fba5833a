"""Between a plan in arrays, its stored form, and the bids made from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings

from bidding.models import Ask, PlannedDay, Product
from bidding.operations.bids import next_version
from bidding.operations.drafts import BidDraft
from bidding.operations.offering import risk_of
from bidding.operations.order_forms import extremes_of
from bidding.wholesale.queries import OpenProduct

if TYPE_CHECKING:
    from bidding.distribution.offering import AnswerPrices
    from bidding.kernels.plan import BidPlan
    from bidding.kernels.problem import RiskAversion
    from bidding.operations.energy_form import Offered
    from bidding.operations.nightly import NightlyContext


def as_json(plan: BidPlan, ask_prices: dict[str, float]) -> dict[str, Any]:
    """The positions of a plan as stored in PlannedDay.positions."""
    return {
        "sell_kw": plan.sell_kw.tolist(),
        "buy_kw": plan.buy_kw.tolist(),
        "reserve_kw": {code: series.tolist() for code, series in plan.reserve_kw.items()},
        "ask_kw": {reference: series.tolist() for reference, series in plan.ask_kw.items()},
        "ask_price": ask_prices,
    }


def take_plan(planned: PlannedDay, offered: Offered, prices: AnswerPrices, risk: RiskAversion | None) -> None:
    """The optimised plan in the fallback's place; the caller saves the row."""
    plan = offered.plan
    planned.kind = PlannedDay.Kind.OPTIMISED
    only_unoffered = plan.shortfalls and not plan.missed_promises  # another portfolio may offer that
    planned.status = "feasible" if only_unoffered else plan.status
    planned.positions = as_json(plan, prices.whole) | offered.form()
    planned.positions["risk"] = risk_of(offered.gathered, offered.at_most, settings.OFFER_CONFIDENCE)
    planned.positions["ask_half_price"] = prices.half
    planned.recovery_kw = plan.recovery_kw.tolist()
    planned.shortfalls = [vars(item) for item in plan.missed_promises]
    planned.expected_profit = offered.profit
    planned.gap = plan.gap
    planned.solver = {
        "engine": plan.engine,
        "status": plan.status,
        "bound_eur": plan.bound_profit_eur,
        "seconds": {name: round(seconds, 3) for name, seconds in plan.stages_s.items()},
        "opportunity_eur_per_mwh": prices.opportunity,
    }
    if risk is not None:
        planned.solver |= {"risk": {"beta": risk.beta, "alpha": risk.alpha, "weighed": plan.profit_eur}}


def bid_drafts(context: NightlyContext, planned: PlannedDay) -> Iterator[BidDraft]:
    """One draft per product and ask with a quantity; what came out as zero is no bid."""
    energy_through = planned.positions.get("energy_product")
    for offer in context.products:
        if offer.gate_at <= context.at:
            continue
        if offer.product.kind == Product.Kind.ENERGY and energy_through not in (None, offer.product.pk):
            continue  # a day's energy goes through one product
        draft = _product_draft(context, planned, offer)
        if draft is not None:
            yield draft
    for key, quantity_kw in planned.positions["ask_kw"].items():
        if any(quantity_kw) and context.ask_product is not None:
            yield _ask_draft(context, planned, context.ask_product, key, quantity_kw)


def _product_draft(context: NightlyContext, planned: PlannedDay, offer: OpenProduct) -> BidDraft | None:
    """What the plan offers in a product, as a curve or as blocks where it has them; None where that is nothing."""
    product, key = offer.product, str(offer.product.pk)
    curve = planned.positions.get("curves", {}).get(key)
    blocks = planned.positions.get("blocks", {}).get(key)
    up_kw, down_kw = _extremes(context, planned.positions, product, curve, blocks)
    if not any(up_kw) and not any(down_kw):
        return None
    flat = [blocks[0]["price_per_mwh"]] * len(up_kw) if blocks else None
    return BidDraft(
        planned.portfolio,
        product,
        context.day,
        up_kw,
        down_kw,
        flat or _limit_price(offer, up_kw, down_kw),
        curve=curve,
        blocks=blocks,
        confidence=settings.OFFER_CONFIDENCE,
        shortfall_risk=planned.positions.get("risk", {}),
    )


def _extremes(
    context: NightlyContext,
    positions: dict[str, Any],
    product: Product,
    curve: list[Any] | None,
    blocks: list[dict[str, Any]] | None,
) -> tuple[list[float], list[float]]:
    """(H,) the most that a product's bid may take, up and down."""
    from bidding.kernels.block_check import extremes_of_group

    if blocks is not None:
        return extremes_of_group(blocks)
    if curve is not None:
        return extremes_of(product, context.day, curve)
    if product.kind == Product.Kind.ENERGY:
        return positions["sell_kw"], positions["buy_kw"]
    zero = [0.0] * context.day.n_intervals
    quantity_kw = positions["reserve_kw"].get(product.code, zero)
    if product.is_symmetric:
        return quantity_kw, quantity_kw
    return (quantity_kw, zero) if product.kind == Product.Kind.RESERVE_UP else (zero, quantity_kw)


def _ask_draft(
    context: NightlyContext, planned: PlannedDay, product: Product, key: str, quantity_kw: list[float]
) -> BidDraft:
    """What the plan answers to an ask, never above its ceiling; under a contract at the price that was agreed."""
    ask = Ask.objects.select_related("congestion_point__feeder", "utility").get(pk=int(key))
    zero = [0.0] * context.day.n_intervals
    up_kw, down_kw = (quantity_kw, zero) if ask.direction == "UP" else (zero, quantity_kw)
    price = ask.ceiling_price_per_mwh
    if ask.contract_id is None:
        price = min(float(planned.positions["ask_price"][key]), price)
    return BidDraft(
        planned.portfolio,
        product,
        context.day,
        up_kw,
        down_kw,
        [price] * context.day.n_intervals,
        ask=ask,
        version=next_version(planned.portfolio, ask, run=context.run),
        confidence=settings.OFFER_CONFIDENCE,
        shortfall_risk=planned.positions.get("risk", {}),
    )


def _limit_price(offer: OpenProduct, up_kw: list[float], down_kw: list[float]) -> list[float]:
    """A price taker's limits: sales at the floor, purchases at the cap, so that the plan clears as one whole.

    Reserve is sold in both directions: whoever holds downward capacity back is paid for it. Hours of a storage belong
    together: a sale that clears without its purchase could not be delivered. Where the market pays each bid its own
    price, the one is asked that earns most over the prices of earlier tenders.
    """
    from bidding.kernels.shortfall import best_own_price

    product = offer.product
    if product.pay_rule == Product.PayRule.PAY_AS_BID:
        tick = float(product.tick)
        drawn = offer.scenarios if offer.scenarios.size else np.zeros((0, offer.price.size))
        own = [best_own_price(float(price), drawn[:, block], 0.0) for block, price in enumerate(offer.price)]
        wanted = np.array(own)[offer.block_of_interval]
        return [min(max(round(price / tick) * tick, product.price_floor), product.price_cap) for price in wanted]
    return [
        product.price_cap if product.kind == Product.Kind.ENERGY and down > 0 and up <= 0 else product.price_floor
        for up, down in zip(up_kw, down_kw, strict=True)
    ]
