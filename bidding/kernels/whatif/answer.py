"""What a what-if problem is answered with: positions, plans, proof; and the money counted again in plain arithmetic."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bidding.kernels.problem import FloatArray
from bidding.kernels.solver import SolverFailed, SolverOptions, relative_gap
from bidding.kernels.whatif.columns import KW_PER_MW
from bidding.kernels.whatif.document import WhatIf, read_document
from bidding.kernels.whatif.grouping import Grouping, group_alike
from bidding.kernels.whatif.solving import Solved, proven_bound, solve_problem

MAX_GROUPS = 100
FINER_ABOVE = 3e-3
TOLERANCES = (0.0, 0.01, 0.03, 0.1, 0.3, 0.6)
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
    relief_kwh: FloatArray
    excess_kwh: FloatArray


@dataclass(frozen=True)
class WhatIfAnswer:
    """status "optimal", "feasible" or "degraded"; objective and bound in the file's currency."""

    status: str
    objective: float
    bound: float
    gap: float
    seconds: dict[str, float]
    plan: WhatIfPlan
    groups: int
    loss: float
    shortfalls: list[dict[str, Any]] = field(default_factory=list)


def what_if(raw: Any, *, full: bool = False, time_limit_s: float = 300.0, engine: str = "highs") -> dict[str, Any]:
    """The answer to a parsed what-if file, ready to be written as JSON. Raises BadProblem or SolverFailed."""
    from bidding.kernels.whatif.report import as_json

    problem = read_document(raw)
    options = SolverOptions(engine=engine, time_limit_s=time_limit_s, node_limit=100_000)
    return as_json(problem, answer(problem, options, full=full))


def answer(problem: WhatIf, options: SolverOptions, *, full: bool = False) -> WhatIfAnswer:
    """Alike storages grouped (not with `full`), solved, shared out to every storage, and scored again on all of them.

    Where the proven loss of a grouping is above 0.3 %, a finer one is tried.
    """
    began = time.perf_counter()
    levels = [None] if full else _levels(problem)
    best: WhatIfAnswer | None = None
    for grouping in levels:
        left = replace(options, time_limit_s=max(options.time_limit_s - (time.perf_counter() - began), 1.0))
        try:
            found = _one(problem, grouping, left)
        except SolverFailed:
            if best is None:
                raise
            break  # the finer grouping did not end in time: the coarser answer stands, with its proven loss
        if best is None or found.objective > best.objective:
            best = found
        if best.gap <= FINER_ABOVE or time.perf_counter() - began > options.time_limit_s / 2:
            break
    assert best is not None
    return replace(best, seconds=best.seconds | {"total": time.perf_counter() - began})


def _levels(problem: WhatIf) -> list[Grouping | None]:
    """From the finest grouping that is small enough towards the exact one."""
    found: list[Grouping | None] = []
    for tolerance in TOLERANCES:
        grouping = group_alike(problem, tolerance)
        found.insert(0, grouping)
        if grouping.size <= MAX_GROUPS:
            break
    return found


def _one(problem: WhatIf, grouping: Grouping | None, options: SolverOptions) -> WhatIfAnswer:
    solved = solve_problem(problem if grouping is None else grouping.inner, options)
    plan = _plan(problem if grouping is None else grouping.inner, solved)
    bound, seconds = solved.bound, dict(solved.seconds)
    if grouping is not None:
        began = time.perf_counter()
        plan = _shared_out(problem, plan, grouping)
        if not grouping.exact:
            bound = max(proven_bound(grouping.outer, options, grouping.allowed), solved.objective)
        seconds["rescore"] = time.perf_counter() - began
    plan = _one_direction(problem, plan)
    objective = score(problem, plan)
    loss = 0.0 if grouping is None else max(relative_gap(-objective, -solved.objective), 0.0)
    shortfalls = _shortfalls(problem, plan)
    gap = relative_gap(-objective, -bound)
    status = "degraded" if shortfalls else ("optimal" if gap <= 1e-4 else "feasible")
    size = problem.fleet.size if grouping is None else grouping.size
    if grouping is not None and not grouping.exact:
        loss = gap
    return WhatIfAnswer(status, objective, max(bound, objective), gap, seconds, plan, size, loss, shortfalls)


def _plan(problem: WhatIf, solved: Solved) -> WhatIfPlan:
    columns = solved.columns

    def kw(index: np.ndarray | None, shape: tuple[int, ...] = ()) -> FloatArray:
        return np.zeros(shape) if index is None else solved.values[index] * KW_PER_MW

    line = (problem.scenarios, problem.intervals)
    names = [item.name for item in problem.reserves]
    return WhatIfPlan(
        position_kw=kw(columns.position),
        reserve_kw={name: kw(index) for name, index in zip(names, columns.reserve, strict=True)},
        charge_kw=kw(columns.charge),
        discharge_kw=kw(columns.discharge),
        energy_kwh=kw(columns.energy),
        carried_kw={name: kw(index) for name, index in zip(names, columns.carried, strict=True)},
        used_kw=kw(columns.used),
        deviation_kw=kw(columns.surplus, line) - kw(columns.deficit, line),
        ask_share={item.id: float(solved.values[columns.ask[n]]) for n, item in enumerate(problem.asks)},
        relief_kwh=kw(columns.relief, columns.energy.shape),
        excess_kwh=kw(columns.excess, columns.energy.shape),
    )


def _shared_out(problem: WhatIf, plan: WhatIfPlan, grouping: Grouping) -> WhatIfPlan:
    """What each member does of its group's plan."""
    shares = grouping.shares

    def out(values: FloatArray, share: FloatArray) -> FloatArray:
        return values[:, grouping.group_of] * share[:, None]

    return replace(
        plan,
        charge_kw=out(plan.charge_kw, shares.charge),
        discharge_kw=out(plan.discharge_kw, shares.discharge),
        energy_kwh=out(plan.energy_kwh, shares.size) + shares.offset_kwh,
        carried_kw={
            item.name: out(plan.carried_kw[item.name], shares.discharge if item.is_up else shares.charge)
            for item in problem.reserves
        },
        relief_kwh=out(plan.relief_kwh, shares.size),
        excess_kwh=out(plan.excess_kwh, shares.size),
    )


def _one_direction(problem: WhatIf, plan: WhatIfPlan) -> WhatIfPlan:
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
        if problem.imbalance_price is not None:
            sign = item.activation * (1.0 if item.is_up else -1.0)
            profit += sign * hours * (problem.imbalance_price * sold[item.block]).sum(axis=1)
    if problem.imbalance_price is not None:
        price, spread = problem.imbalance_price, problem.spread_per_mwh
        profit += hours * (price * plan.deviation_kw - spread * np.abs(plan.deviation_kw)).sum(axis=1)
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


def _shortfalls(problem: WhatIf, plan: WhatIfPlan) -> list[dict[str, Any]]:
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
