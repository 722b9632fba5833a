"""A bid that needs no solver: storages stay idle and hold reserve. It is ready before the optimisation starts."""

from __future__ import annotations

import numpy as np

from bidding.kernels.plan import BidPlan
from bidding.kernels.problem import UP, BidProblem, FlexGroup, FloatArray, ReserveProduct
from vpp.lib.units import KW_PER_MW

MARGIN_PU = 0.98


def idle_plan(problem: BidProblem) -> BidPlan:
    """No energy, no answer to asks, and of the best-paid upward reserve what idle storages hold with a margin; where
    capacity is owed in one, of that.

    It keeps every limit: nothing moves, the reserve is covered by power and by energy for its endurance, by the feeders
    with all of it activated, and by the free book; whole lots, below the minimum zero.
    """
    count = problem.n_intervals
    reserve_kw = {product.code: np.zeros(count) for product in problem.reserves}
    upward = [product for product in problem.reserves if product.direction == UP]
    if upward and not problem.committed_net_up_kw.any() and not problem.committed_reserve_kw:
        best = max(upward, key=lambda one: (one.must_offer_kw is not None, float(one.price_eur_per_mw_h.mean())))
        reserve_kw[best.code] = _held_reserve(problem, best)
    energy_kwh = np.array([_idle_energy(group, count) for group in problem.groups]).reshape(len(problem.groups), count)
    return BidPlan(
        status="fallback",
        profit_eur=_revenue_eur(problem, reserve_kw),
        bound_profit_eur=float("inf"),
        gap=float("inf"),
        sell_kw=np.zeros(count),
        buy_kw=np.zeros(count),
        reserve_kw=reserve_kw,
        ask_kw={ask.reference: np.zeros(count) for ask in problem.asks},
        group_up_kw=np.zeros((len(problem.groups), count)),
        group_down_kw=np.zeros((len(problem.groups), count)),
        group_energy_kwh=energy_kwh,
        recovery_kw=np.zeros(count),
        engine="rule",
    )


def _held_reserve(problem: BidProblem, product: ReserveProduct) -> FloatArray:
    count = problem.n_intervals
    held_kw = np.zeros(count)
    by_feeder: dict[str, FloatArray] = {}
    for group in problem.groups:
        if group.energy_min_kwh is None or product.endurance_h <= 0 or group.name in product.barred:
            continue
        if group.max_starts < 1.0 or group.max_hours < product.activation_pu * count * problem.step_hours:
            continue  # being called would use up what the owner allows
        spare_kwh = np.maximum(_idle_energy(group, count) - group.energy_min_kwh, 0.0)
        called_h = product.activation_pu * problem.step_hours * np.arange(1, count + 1)  # used up by expected calls
        energy_kw = spare_kwh * group.discharge_efficiency / (product.endurance_h + called_h)
        room = MARGIN_PU * np.minimum(group.up_limit_kw, energy_kw)
        by_feeder[group.feeder] = by_feeder.get(group.feeder, np.zeros(count)) + room
    limits = {feeder.feeder: feeder.export_limit_kw + feeder.base_kw for feeder in problem.feeders}
    for feeder, room in by_feeder.items():
        held_kw += np.minimum(room, np.maximum(limits.get(feeder, np.full(count, np.inf)), 0.0))
    held_kw = np.minimum(held_kw, np.minimum(problem.book_up_kw, product.most_kw))
    weakest_kw = np.full(product.price_eur_per_mw_h.size, np.inf)
    np.minimum.at(weakest_kw, product.block_of_interval, held_kw)
    lots_kw = np.floor(weakest_kw / product.lot_kw + 1e-9) * product.lot_kw
    obliged = np.zeros(lots_kw.size, dtype=bool)
    if product.must_offer_kw is not None:
        obliged[product.block_of_interval[product.must_offer_kw > 0]] = True
    unpaid = (product.price_eur_per_mw_h <= 0) & ~obliged
    lots_kw[(lots_kw < product.min_quantity_kw - 1e-9) | unpaid] = 0.0
    return np.asarray(lots_kw[product.block_of_interval], dtype=np.float64)


def _idle_energy(group: FlexGroup, count: int) -> FloatArray:
    """(T,) energy at the end of each interval when nothing moves, self-discharge counted."""
    if not group.has_energy:
        return np.full(count, np.nan)
    return np.asarray(group.energy_start_kwh * group.retention ** np.arange(1, count + 1), dtype=np.float64)


def _revenue_eur(problem: BidProblem, reserve_kw: dict[str, FloatArray]) -> float:
    return sum(
        float((reserve_kw[p.code] / KW_PER_MW * p.price_eur_per_mw_h[p.block_of_interval]).sum()) * problem.step_hours
        for p in problem.reserves
    )
