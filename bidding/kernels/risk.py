"""The weight of the worst days: (1 - beta) expected profit + beta CVaR at alpha over price scenarios.

Positions are the same in every scenario, so a scenario's profit is the expected one plus what its prices differ by on
the energy sold and bought. Rockafellar and Uryasev (2000), doi:10.21314/JOR.2000.038.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pulp

from bidding.kernels.problem import BidProblem, FloatArray, RiskAversion
from bidding.kernels.rows import Terms, add_row
from bidding.kernels.variables import Variables
from vpp.lib.units import KW_PER_MW


@dataclass(frozen=True)
class RiskColumns:
    """cost: of the expected prices, all of the plan; level: of profit below which a day counts; below (S,) it."""

    cost: pulp.LpVariable
    level: pulp.LpVariable
    below: list[pulp.LpVariable]


def risk_averse_objective(lp: pulp.LpProblem, problem: BidProblem, made: Variables, cost: Terms) -> Terms:
    """The objective's terms; adds the rows (15) that give the cost a name once and count each scenario's shortfall."""
    risk = problem.risk
    if risk is None or risk.beta == 0 or made.sell is None or made.buy is None or problem.energy is None:
        return cost
    scenarios = risk.price_eur_per_mwh
    columns = RiskColumns(
        pulp.LpVariable("risk_cost"),
        pulp.LpVariable("risk_level"),
        [pulp.LpVariable(f"risk_below_s{s}", 0) for s in range(scenarios.shape[0])],
    )
    add_row(lp, [*cost, (columns.cost, -1.0)], 0, 0.0)
    hours = np.bincount(problem.energy.block_of_interval) * problem.step_hours
    away = (scenarios - scenarios.mean(axis=0)) * hours
    for s, below in enumerate(columns.below):
        terms: Terms = [(below, 1.0), (columns.level, -1.0), (columns.cost, -1.0)]
        for block in range(away.shape[1]):
            worth = float(away[s, block])
            terms += made.sell.terms(block, worth) + made.buy.terms(block, -worth)
        add_row(lp, terms, 1, 0.0)
    made.risk = columns
    share = risk.beta / (1.0 - risk.alpha) / scenarios.shape[0]
    return [(columns.cost, 1.0 - risk.beta), (columns.level, -risk.beta), *((b, share) for b in columns.below)]


def scenario_profits(problem: BidProblem, expected: float, sell_kw: FloatArray, buy_kw: FloatArray) -> FloatArray:
    """(S,) profit of a plan's positions (T,) at each scenario's prices, in plain arithmetic."""
    risk, energy = problem.risk, problem.energy
    if risk is None or energy is None:
        return np.array([expected])
    away = risk.price_eur_per_mwh - risk.price_eur_per_mwh.mean(axis=0)
    net_mwh = (sell_kw - buy_kw) * problem.step_hours / KW_PER_MW
    return np.asarray(expected + away[:, energy.block_of_interval] @ net_mwh, dtype=np.float64)


def value_at_risk_mean(profit: FloatArray, alpha: float) -> float:
    """CVaR: the mean of the worst 1 - alpha of equally likely profits."""
    ordered, tail = np.sort(profit), 1.0 - alpha
    taken = np.clip(tail - np.arange(profit.size) / profit.size, 0.0, 1.0 / profit.size)
    return float(taken @ ordered) / tail


def with_risk(problem: BidProblem, risk: RiskAversion | None) -> BidProblem:
    """The problem with the aversion where it has something to weigh: two scenarios of its energy's blocks at least."""
    from dataclasses import replace

    energy = problem.energy
    if risk is None or energy is None or risk.price_eur_per_mwh.shape[0] < 2:
        return problem
    if risk.price_eur_per_mwh.shape[1] != energy.price_eur_per_mwh.size:
        return problem
    return replace(problem, risk=risk)
