"""Curves of markets that draw straight lines between points: [[price, kW], ...] from the price floor to the cap.

A step becomes a slope of one tick just below its price, so what is offered at any price on the market's grid is what
the steps offer. Every quantity between two points can be delivered, because it lies between two extremes that can
(`offer_curves`); the market rounds it to its lot.
"""

from __future__ import annotations

from collections.abc import Sequence

Points = Sequence[Sequence[float]]
TOLERANCE_KW = 1e-6


def line_of_steps(steps: Points, *, floor: float, cap: float, tick: float, max_points: int) -> list[list[float]]:
    """The same offer as points; the smallest steps are left out where it would have too many. [] stays []."""
    kept = [[float(price), float(kw)] for price, kw in steps]
    line = _line(kept, floor, cap, tick)
    while kept and len(line) > max_points:
        del kept[_least_step(kept)]
        line = _line(kept, floor, cap, tick)
    return line


def _line(steps: list[list[float]], floor: float, cap: float, tick: float) -> list[list[float]]:
    if not steps:
        return []
    before = steps[0][1] if steps[0][0] <= floor + tick or steps[0][1] < 0 else 0.0
    points = [[floor, before]]
    for price, kw in steps:
        if price <= floor + tick or kw == before:
            continue
        below = round(price - tick, 6)
        if below > points[-1][0]:
            points.append([below, before])
        points.append([price, kw])
        before = kw
    if points[-1][0] < cap:
        points.append([cap, before])
    return points if any(kw for _, kw in points) else []


def _least_step(steps: list[list[float]]) -> int:
    """The step that moves least; never the first one, which is the firm part, while there is another."""
    if len(steps) == 1:
        return 0
    return min(range(1, len(steps)), key=lambda index: steps[index][1] - steps[index - 1][1])


def quantity_on_line(points: Points, price: float) -> float:
    """kW offered at a clearing price, up positive; 0 outside the points."""
    if not points or price < points[0][0] - 1e-9 or price > points[-1][0] + 1e-9:
        return 0.0
    for (low, first), (high, second) in zip(points[:-1], points[1:], strict=True):
        if price <= high:
            share = 0.0 if high <= low else (price - low) / (high - low)
            return float(first + min(max(share, 0.0), 1.0) * (second - first))
    return float(points[-1][1])


def line_findings(
    curve: Sequence[Points], *, blocks: int, max_points: int, price_floor: float, price_cap: float, tick: float
) -> list[str]:
    """Every broken rule, in plain loops; empty when it may be sent. A block without points offers nothing."""
    found = [] if len(curve) == blocks else [f"{len(curve)} blocks, the day has {blocks}"]
    for number, points in enumerate(curve):
        if not points:
            continue
        if len(points) > max_points:
            found.append(f"block {number}: {len(points)} points, the market takes {max_points}")
        if abs(points[0][0] - price_floor) > 1e-9 or abs(points[-1][0] - price_cap) > 1e-9:
            found.append(f"block {number}: the line must run from {price_floor} to {price_cap}")
        for index, (price, quantity) in enumerate(points):
            if abs(price / tick - round(price / tick)) > 1e-6:
                found.append(f"block {number}: price {price} is no multiple of {tick}")
            if not index:
                continue
            if price <= points[index - 1][0] or quantity < points[index - 1][1] - TOLERANCE_KW:
                found.append(f"block {number}: not rising at {price}")
    return found
