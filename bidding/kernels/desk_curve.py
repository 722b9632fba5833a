"""What a trader's hand makes of a curve's block: less or more of it, or all of it at one price."""

from __future__ import annotations

from collections.abc import Sequence
from math import copysign, floor

from bidding.kernels.curve import extremes

Points = Sequence[Sequence[float]]


def scaled(
    points: Points, factor: float, *, lot_kw: float, min_kw: float = 0.0, is_line: bool = False
) -> list[list[float]]:
    """Every quantity times the factor, towards zero to the lot, at its own price.

    A step that moves nothing any more or falls below the market's minimum is left out; the largest sale and purchase
    stay, for the rules to judge. A line keeps its points. Nothing left: [].
    """
    most = max((abs(float(kw)) for _price, kw in points), default=0.0)
    found: list[list[float]] = []
    for price, kw in points:
        size = floor(abs(kw) * factor / lot_kw + 1e-9) * lot_kw
        if size < min_kw and abs(kw) < most and not is_line:
            size = 0.0
        quantity = copysign(size, kw) + 0.0
        if is_line or quantity > (found[-1][1] if found else 0.0) or (not found and quantity < 0.0):
            found.append([float(price), quantity])
    return found if any(kw for _price, kw in found) else []


def at_one_price(
    points: Points, price: float, *, price_floor: float, price_cap: float, tick: float
) -> list[list[float]]:
    """Steps that sell the most of the curve from the price on, and buy the most of it up to the price."""
    sold, bought = extremes(points)
    found = [[float(price_floor), -bought]] if bought else []
    if sold:
        found = [step for step in found if step[0] < price] + [[float(price), sold]]
    elif bought and price + tick <= price_cap:
        found.append([round(price + tick, 6), 0.0])
    return found
