"""The answer as plain lists, in kW and kWh."""

from __future__ import annotations

from typing import Any

import numpy as np

from bidding.kernels.problem import FloatArray
from bidding.kernels.whatif.answer import WhatIfAnswer
from bidding.kernels.whatif.scoring import WhatIfPlan, scenario_profits
from bidding.kernels.whatif.stated import WhatIf


def as_json(problem: WhatIf, answer: WhatIfAnswer) -> dict[str, Any]:
    plan = answer.plan
    return {
        "status": answer.status,
        "currency": problem.currency,
        "objective": answer.objective,
        "bound": answer.bound,
        "gap": answer.gap,
        "seconds": {stage: round(seconds, 4) for stage, seconds in answer.seconds.items()},
        "scenario_profit": scenario_profits(problem, plan).tolist(),
        "energy": _energy(problem, plan.position_kw),
        "reserves": _reserves(problem, plan),
        "asks": [{"id": item.id, "accepted_share": plan.ask_share[item.id]} for item in problem.asks],
        "blocks": _blocks(problem, plan),
        "deviation_kw": _kw(plan.deviation_kw),
        "generation": [
            {"feeder": problem.feeders[place] if place >= 0 else "", "used_kw": _kw(plan.used_kw[:, g])}
            for g, place in enumerate(problem.generation_feeder)
        ],
        "storages": [_storage(problem, plan, i) for i in range(problem.fleet.size)],
        "shortfalls": answer.shortfalls,
        "aggregation": {"storages": problem.fleet.size, "groups": answer.groups, "loss": answer.loss},
    }


def _reserves(problem: WhatIf, plan: WhatIfPlan) -> list[dict[str, Any]]:
    return [
        {
            "name": item.name,
            "direction": "up" if item.is_up else "down",
            "position_kw": _kw(plan.reserve_kw[item.name]),
        }
        for item in problem.reserves
    ]


def _blocks(problem: WhatIf, plan: WhatIfPlan) -> list[dict[str, Any]]:
    return [
        {
            "name": item.name,
            "group": item.group,
            "chosen": plan.block_chosen[item.name] > 0.5,
            "taken": item.taken.tolist(),
        }
        for item in problem.blocks
    ]


def _storage(problem: WhatIf, plan: WhatIfPlan, i: int) -> dict[str, Any]:
    return {
        "name": problem.fleet.name[i],
        "charge_kw": _kw(plan.charge_kw[:, i]),
        "discharge_kw": _kw(plan.discharge_kw[:, i]),
        "energy_kwh": _kw(plan.energy_kwh[:, i]),
        "reserve_kw": {name: _kw(values[:, i]) for name, values in plan.carried_kw.items()},
    }


def _kw(values: FloatArray) -> Any:
    return (np.round(values, 7) + 0.0).tolist()


def _energy(problem: WhatIf, position_kw: FloatArray) -> dict[str, Any]:
    """One net position per market time unit, sales positive; or per unit the curve as rising (price, kW) points."""
    if not problem.energy.curve:
        return {"position_kw": _kw(position_kw)}
    curves = []
    for h in range(position_kw.shape[1]):
        prices, first = np.unique(problem.energy.price_per_mwh[:, h], return_index=True)
        sold = np.maximum.accumulate(np.round(position_kw[first, h], 7))
        kept = _corners(prices, sold) if problem.energy.linear else np.arange(prices.size)
        curves.append([{"price_per_mwh": float(prices[n]), "position_kw": float(sold[n]) + 0.0} for n in kept])
    return {"position_kw": _kw(position_kw), "curves": curves}


def _corners(prices: FloatArray, sold: FloatArray) -> list[int]:
    """Points that straight lines between the others would miss."""
    kept = [0]
    for n in range(1, prices.size - 1):
        last = kept[-1]
        between = np.interp(prices[last + 1 : n + 1], prices[[last, n + 1]], sold[[last, n + 1]])
        if np.abs(between - sold[last + 1 : n + 1]).max() > 1e-6:
            kept.append(n)
    return kept + ([prices.size - 1] if prices.size > 1 else [])
