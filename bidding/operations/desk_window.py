"""What a trader types for a window of the day, laid on what is bid there: quantities, curves, prices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bidding.kernels.desk_curve import at_one_price, scaled
from bidding.kernels.gate import block_of_interval
from bidding.kernels.linear_curve import line_of_steps
from bidding.models import Bid, Product
from bidding.operations.desk import BidChange
from bidding.operations.drafts import day_of
from bidding.operations.order_forms import check_whole_blocks

SMALLEST_LOT_KW = 0.001


def window_change(bid: Bid, inside: Sequence[bool], *, factor: float = 1.0, price: float | None = None) -> BidChange:
    """Inside the window this share of what is bid now, and this one limit price; a curve stays one, outside as it is.

    inside : (H,) quarter hours of the day.

    Raises BelowMinimum where the window cuts a block of a curve.
    """
    prices = None if price is None else [float(one) for one in np.where(inside, price, bid.price_per_mwh)]
    if bid.curve is not None:
        return BidChange(curve=_curve(bid, inside, factor, price), price_per_mwh=prices)
    if factor == 1.0:
        return BidChange(price_per_mwh=prices)
    lot_kw = bid.product.lot_kw or SMALLEST_LOT_KW
    factors = np.where(inside, factor, 1.0)
    up_kw, down_kw = (np.floor(np.asarray(kw) * factors / lot_kw + 1e-9) * lot_kw for kw in (bid.up_kw, bid.down_kw))
    return BidChange(up_kw=list(map(float, up_kw)), down_kw=list(map(float, down_kw)), price_per_mwh=prices)


def _curve(bid: Bid, inside: Sequence[bool], factor: float, price: float | None) -> list[Any]:
    """The curve of every block of the day."""
    blocks = block_of_interval(day_of(bid.product, bid.delivery_date), bid.product.block_minutes)
    covered = np.bincount(blocks, weights=np.asarray(inside, dtype=float)) / np.bincount(blocks)
    check_whole_blocks(bid.product, covered.tolist())
    return [
        _block(bid.product, points, factor, price) if share else points
        for points, share in zip(bid.curve or [], covered, strict=True)
    ]


def _block(product: Product, points: Any, factor: float, price: float | None) -> list[list[float]]:
    is_line = product.order_form == Product.OrderForm.LINEAR and product.kind == Product.Kind.ENERGY
    lot_kw = product.lot_kw or SMALLEST_LOT_KW
    changed = [list(point) for point in points]
    if factor != 1.0:
        changed = scaled(changed, factor, lot_kw=lot_kw, min_kw=product.min_quantity_kw, is_line=is_line)
    if price is None:
        return changed
    limits = {"price_floor": product.price_floor, "price_cap": product.price_cap, "tick": float(product.tick)}
    changed = at_one_price(changed, price, **limits)
    if not is_line:
        return changed
    floor, cap, tick = limits.values()
    return line_of_steps(changed, floor=floor, cap=cap, tick=tick, max_points=product.max_points)
