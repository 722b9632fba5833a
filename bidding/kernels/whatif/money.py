"""What a what-if problem earns: the profit of a scenario and the objective over all of them."""

from __future__ import annotations

import numpy as np

from bidding.kernels.array_model import ArrayModel, Index
from bidding.kernels.problem import FloatArray
from bidding.kernels.whatif.block_choice import block_worth
from bidding.kernels.whatif.columns import Columns
from bidding.kernels.whatif.limits import beside_time
from bidding.kernels.whatif.stated import WhatIf
from bidding.kernels.whatif.steps import moved_price_terms
from vpp.lib.units import KW_PER_MW


def add_objective(problem: WhatIf, made: ArrayModel, columns: Columns) -> None:
    """(1 - beta) E[profit] + beta CVaR (Rockafellar and Uryasev 2000), negated; with beta 0 no further column."""
    weight = problem.probability
    if problem.beta == 0:
        for s in range(problem.scenarios):
            for index, value in profit_terms(problem, columns, s):
                made.add_cost(index, -weight[s] * np.asarray(value))
        return
    lower, upper = made.bounds()
    most = np.zeros(problem.scenarios)
    for s in range(problem.scenarios):
        most[s] = 1.0 + sum(
            float((np.abs(value) * np.maximum(np.abs(lower[index]), np.abs(upper[index]))).sum())
            for index, value in profit_terms(problem, columns, s)
        )
    columns.profit = made.columns((problem.scenarios,), -most, most)
    for s in range(problem.scenarios):
        terms = [
            (index.ravel(), np.broadcast_to(value, index.shape).ravel())
            for index, value in profit_terms(problem, columns, s)
        ]
        spread = [(index[:, None], value[:, None]) for index, value in terms]
        made.rows("profit", (1,), [(columns.profit[s : s + 1], 1.0), *((i, -v) for i, v in spread)], 0.0, 0.0)
    level = made.columns((1,), -most.max(), most.max(), cost=-problem.beta)
    below = made.columns(
        (problem.scenarios,), 0.0, 2.0 * most.max(), cost=problem.beta / (1.0 - problem.alpha) * weight
    )
    made.rows("tail", (problem.scenarios,), [(below, 1.0), (level, -1.0), (columns.profit, 1.0)], 0.0, np.inf)
    made.add_cost(columns.profit, -(1.0 - problem.beta) * weight)


def profit_terms(problem: WhatIf, columns: Columns, s: int) -> list[tuple[Index, FloatArray]]:
    """The profit of scenario s as (columns, currency per unit), once for each column."""
    hours, fleet, energy = problem.hours, problem.fleet, problem.energy
    position = columns.position[s] if energy.curve else columns.position
    terms: list[tuple[Index, FloatArray]] = [(position, energy.price_per_mwh[s] * energy.mtu_hours)]
    for item, sold in zip(problem.reserves, columns.reserve, strict=True):
        worth = item.price_per_mw_h * item.mtu_hours
        if problem.imbalance_price is not None:
            called = np.bincount(item.block, weights=problem.imbalance_price[s], minlength=sold.size)
            worth = worth + (1.0 if item.is_up else -1.0) * item.activation * hours * called
        terms.append((sold, worth))
    if problem.imbalance_price is not None and columns.surplus is not None and columns.deficit is not None:
        price, spread = problem.imbalance_price[s], problem.spread_per_mwh
        terms += [(columns.surplus[s], hours * (price - spread)), (columns.deficit[s], -hours * (price + spread))]
    terms.append((columns.discharge[s], -hours * beside_time(fleet.wear_per_mwh)))
    terms.append((columns.charge[s], -hours * beside_time(fleet.wear_per_mwh + energy.import_fee_per_mwh)))
    terms += moved_price_terms(columns)
    if problem.blocks:
        terms.append((columns.block, block_worth(problem, s)))
    for number, ask in enumerate(problem.asks):
        paid = float(ask.quantity_kw.sum()) / KW_PER_MW * hours * ask.price_per_mwh
        terms.append((columns.ask[number : number + 1], np.array([paid])))
    return terms
