"""Between a plan in arrays, its stored form, and the bids made from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings

from bidding.models import Ask, PlannedDay, Product
from bidding.operations.drafts import BidDraft
from bidding.operations.order_forms import extremes_of
from bidding.wholesale.queries import OpenProduct

if TYPE_CHECKING:
    from bidding.kernels.plan import BidPlan
    from bidding.operations.nightly import NightlyContext

PAY_AS_BID_MARGIN_PU = 0.05


def as_json(plan: BidPlan, ask_prices: dict[str, float]) -> dict[str, Any]:
    """The positions of a plan as stored in PlannedDay.positions."""
    return {
        "sell_kw": plan.sell_kw.tolist(),
        "buy_kw": plan.buy_kw.tolist(),
        "reserve_kw": {code: series.tolist() for code, series in plan.reserve_kw.items()},
        "ask_kw": {reference: series.tolist() for reference, series in plan.ask_kw.items()},
        "ask_price": ask_prices,
    }


def bid_drafts(context: NightlyContext, planned: PlannedDay) -> Iterator[BidDraft]:
    """One draft per product and ask with a quantity; what came out as zero is no bid."""
    from bidding.kernels.block_check import extremes_of_group

    positions = planned.positions
    zero = [0.0] * context.day.n_intervals
    for offer in context.products:
        product = offer.product
        if offer.gate_at <= context.at:
            continue
        blocks = positions.get("blocks", {}).get(str(product.pk))
        if product.kind == Product.Kind.ENERGY:
            if positions.get("energy_product") not in (None, product.pk):
                continue  # a day's energy goes through one product
            up_kw, down_kw = positions["sell_kw"], positions["buy_kw"]
        else:
            quantity_kw = positions["reserve_kw"].get(product.code, zero)
            up_kw, down_kw = (quantity_kw, zero) if product.kind == Product.Kind.RESERVE_UP else (zero, quantity_kw)
        curve = positions.get("curves", {}).get(str(product.pk))
        if curve is not None:
            up_kw, down_kw = extremes_of(product, context.day, curve)
        elif product.is_symmetric:
            up_kw = down_kw = positions["reserve_kw"].get(product.code, zero)
        if blocks is not None:
            up_kw, down_kw = extremes_of_group(blocks)
        if any(up_kw) or any(down_kw):
            flat = [blocks[0]["price_per_mwh"]] * len(up_kw) if blocks else None
            yield BidDraft(
                planned.portfolio,
                product,
                context.day,
                up_kw,
                down_kw,
                flat or _limit_price(offer, up_kw, down_kw),
                curve=curve,
                blocks=blocks,
                confidence=settings.OFFER_CONFIDENCE,
                shortfall_risk=positions.get("risk", {}),
            )
    for key, quantity_kw in positions["ask_kw"].items():
        if any(quantity_kw) and context.ask_product is not None:
            ask = Ask.objects.select_related("congestion_point__feeder", "utility").get(pk=int(key))
            up_kw, down_kw = (quantity_kw, zero) if ask.direction == "UP" else (zero, quantity_kw)
            price = [min(float(positions["ask_price"][key]), ask.ceiling_price_per_mwh)] * context.day.n_intervals
            yield BidDraft(
                planned.portfolio, context.ask_product, context.day, up_kw, down_kw, price, ask=ask,
                confidence=settings.OFFER_CONFIDENCE, shortfall_risk=positions.get("risk", {}),
            )  # fmt: skip


def _limit_price(offer: OpenProduct, up_kw: list[float], down_kw: list[float]) -> list[float]:
    """A price taker's limits: sales at the floor, purchases at the cap, so that the plan clears as one whole.

    Hours of a storage belong together: a sale that clears without its purchase could not be delivered. Where the market
    pays each bid its own price, the one is asked that earns most over the prices of earlier tenders.
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
        product.price_cap if down > 0 and up <= 0 else product.price_floor
        for up, down in zip(up_kw, down_kw, strict=True)
    ]
