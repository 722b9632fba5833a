"""Curves of reserve capacity: what is still worth holding at half the price, and the rest (docs/bid.md, Curves)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bidding.kernels.co_optimise import BidPlan, build
from bidding.kernels.offer_curves import Points
from bidding.kernels.problem import BidProblem, FloatArray
from bidding.kernels.reading import read_model
from bidding.kernels.solver import SolverOptions, Status, solve
from bidding.kernels.variables import take

CHEAP_PU, REST_PU = 0.5, 0.8


def reserve_curve(
    full_lots: FloatArray, cheap_lots: FloatArray, price: FloatArray, *, lot_kw: float, min_kw: float, floor: float,
    cap: float, tick: float,
) -> list[Points]:  # fmt: skip
    """Two steps a block: what is worth holding at half the expected price from there on, the rest near that price."""
    curve = []
    for full, cheap, expected in zip(full_lots, np.minimum(cheap_lots, full_lots), price, strict=True):
        points: Points = []
        low, high = (round(min(max(share * expected, floor), cap) / tick) * tick for share in (CHEAP_PU, REST_PU))
        if cheap > 0 and cheap * lot_kw >= min_kw - 1e-9:
            points.append([round(low, 6), float(cheap * lot_kw)])
        if full > 0 and (not points or (full > cheap and high > low)):
            points.append([round(high if points or high > low else low, 6), float(full * lot_kw)])
        elif full > cheap and points:
            points[0][1] = float(full * lot_kw)
        curve.append(points)
    return curve


def cheap_reserve_lots(
    problem: BidProblem, plan: BidPlan, options: SolverOptions, *, price_pu: float = CHEAP_PU
) -> dict[str, FloatArray]:
    """By product (B,): lots still worth holding when every reserve pays only `price_pu` of what is expected."""
    cheaper = replace(
        problem,
        reserves=tuple(
            replace(item, price_eur_per_mw_h=price_pu * item.price_eur_per_mw_h) for item in problem.reserves
        ),
    )
    lp, made = build(cheaper)
    model = read_model(lp)
    answer = solve(model, options, relax=True)
    found = {}
    for item in problem.reserves:
        first = np.unique(item.block_of_interval, return_index=True)[1]
        full = np.round(plan.reserve_kw[item.code][first] / item.lot_kw)
        if answer.status is Status.OPTIMAL:
            lots = np.floor(take(model, made.reserve[item.code].lots, answer.values) + 1e-6)
            found[item.code] = np.minimum(lots, full)
        else:
            found[item.code] = full
    return found
