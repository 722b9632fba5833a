"""The plan of a what-if answer, and its money counted again in plain arithmetic, in the words of the file's rules."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bidding.kernels.problem import FloatArray
from bidding.kernels.whatif.stated import WhatIf
from bidding.kernels.whatif.steps import moved_price_profit
from vpp.lib.units import KW_PER_MW

SHORT_KWH = 1e-5


@dataclass(frozen=True)
class WhatIfPlan:
    """kW and kWh. position (H,), or (S, H) for curves; reserve (H_k,) by name; the rest (S, N, T) or (S, G, T), (S, T).

    relief, excess: kWh that appear from and vanish to nowhere, because the requirement cannot be met.
    """

    position_kw: FloatArray
    reserve_kw: dict[str, FloatArray]
    charge_kw: FloatArray
    discharge_kw: FloatArray
    energy_kwh: FloatArray
    carried_kw: dict[str, FloatArray]
    used_kw: FloatArray
    deviation_kw: FloatArray
    ask_share: dict[str, float]
    block_chosen: dict[str, float]
    relief_kwh: FloatArray
    excess_kwh: FloatArray


def one_direction(problem: WhatIf, plan: WhatIfPlan) -> WhatIfPlan:
    """What is left of both at once (lossless storages, solver dust) netted; sub-minimum dust of positions removed."""
    both = np.minimum(plan.charge_kw, plan.discharge_kw)
    return replace(plan, charge_kw=plan.charge_kw - both, discharge_kw=plan.discharge_kw - both)


def scenario_profits(problem: WhatIf, plan: WhatIfPlan) -> FloatArray:
    """(S,) profit of each scenario, from the plan alone and in the words of the file's rules."""
    hours, energy = problem.hours / KW_PER_MW, problem.energy
    position = np.broadcast_to(plan.position_kw, energy.price_per_mwh.shape)
    profit = (position * energy.price_per_mwh).sum(axis=1) * energy.mtu_hours / KW_PER_MW
    wear = problem.fleet.wear_per_mwh[:, None]
    profit -= hours * ((plan.charge_kw + plan.discharge_kw) * wear).sum(axis=(1, 2))
    profit -= hours * energy.import_fee_per_mwh * plan.charge_kw.sum(axis=(1, 2))
    for item in problem.reserves:
        sold = plan.reserve_kw[item.name]
        profit += float((sold * item.price_per_mw_h).sum()) * item.mtu_hours / KW_PER_MW
        profit += moved_price_profit(sold, item.stairs, item.mtu_hours)
        if problem.imbalance_price is not None:
            sign = item.activation * (1.0 if item.is_up else -1.0)
            profit += sign * hours * (problem.imbalance_price * sold[item.block]).sum(axis=1)
    if problem.imbalance_price is not None:
        price, spread = problem.imbalance_price, problem.spread_per_mwh
        profit += hours * (price * plan.deviation_kw - spread * np.abs(plan.deviation_kw)).sum(axis=1)
    profit += moved_price_profit(plan.position_kw, energy.stairs, energy.mtu_hours)
    for block in problem.blocks:
        worth = energy.price_per_mwh @ block.position_kw * energy.mtu_hours / KW_PER_MW
        profit += plan.block_chosen[block.name] * block.taken * worth
    for ask in problem.asks:
        profit += hours * plan.ask_share[ask.id] * float(ask.quantity_kw.sum()) * ask.price_per_mwh
    return np.asarray(profit, dtype=np.float64)


def score(problem: WhatIf, plan: WhatIfPlan) -> float:
    """(1 - beta) expected profit + beta CVaR at alpha; the worst (1 - alpha) of the probability is averaged."""
    profit, weight = scenario_profits(problem, plan), problem.probability
    expected = float(weight @ profit)
    if problem.beta == 0:
        return expected
    order = np.argsort(profit)
    before = np.concatenate([[0.0], np.cumsum(weight[order])[:-1]])
    tail = 1.0 - problem.alpha
    taken = np.clip(tail - before, 0.0, weight[order])
    return (1.0 - problem.beta) * expected + problem.beta * float(taken @ profit[order]) / tail


def shortfalls_of(problem: WhatIf, plan: WhatIfPlan) -> list[dict[str, Any]]:
    found = []
    for limit, values in (("energy", plan.relief_kwh), ("energy_too_high", plan.excess_kwh)):
        for s, i, t in np.argwhere(values > SHORT_KWH):
            found.append(
                {
                    "storage": problem.fleet.name[i], "scenario": int(s), "interval": int(t), "limit": limit,
                    "missing_kwh": float(values[s, i, t]),
                }
            )  # fmt: skip
    return found
