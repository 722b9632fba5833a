"""Price-quantity curves of one bid: per market block the rising steps [[price, kW], ...], up (sold) positive.

From a step's price on, so much is offered; below the first price nothing. A bid that sells whatever the price begins
at the price floor; one that buys does so up to a price, so its curve begins with a negative quantity.
"""

from __future__ import annotations

from collections.abc import Sequence

Points = Sequence[Sequence[float]]
TOLERANCE_KW = 1e-6


def curve_findings(
    curve: Sequence[Points], *, blocks: int, max_points: int, price_floor: float, price_cap: float, tick: float
) -> list[str]:
    """Every broken rule of a curve, in plain loops; empty when it may be sent."""
    found = []
    if len(curve) != blocks:
        found.append(f"{len(curve)} blocks, the day has {blocks}")
    for number, points in enumerate(curve):
        if len(points) > max_points:
            found.append(f"block {number}: {len(points)} points, the market takes {max_points}")
        for index, (price, quantity) in enumerate(points):
            if not price_floor - 1e-9 <= price <= price_cap + 1e-9:
                found.append(f"block {number}: price {price} outside {price_floor} to {price_cap}")
            if abs(price / tick - round(price / tick)) > 1e-6:
                found.append(f"block {number}: price {price} is no multiple of {tick}")
            if index and not (price > points[index - 1][0] and quantity > points[index - 1][1] + TOLERANCE_KW):
                found.append(f"block {number}: not rising at {price}")
    return found


def quantity_at(points: Points, price: float) -> float:
    """kW offered at a clearing price, up positive."""
    quantity = 0.0
    for step_price, step_kw in points:
        if price >= step_price - 1e-9:
            quantity = float(step_kw)
    return quantity


def extremes(points: Points) -> tuple[float, float]:
    """Largest sale and largest purchase, kW, both not negative."""
    quantities = [0.0, *(float(quantity) for _, quantity in points)] if not points else [float(q) for _, q in points]
    return max(0.0, *quantities), max(0.0, *(-quantity for quantity in quantities))


def limits(points: Points, price_cap: float) -> list[float]:
    """The prices from which each sale, and up to which each purchase, is offered; of steps as of a line."""
    found = []
    for index, (price, quantity) in enumerate(points):
        following = points[index + 1] if index + 1 < len(points) else (price_cap, 0.0)
        if quantity > 0 and not (index and points[index - 1][1] == quantity):
            found.append(float(price))
        if quantity < 0 and following[1] != quantity:
            found.append(float(following[0]))
    return found
