"""What a what-if problem is answered with: grouped, solved, shared out and scored again on every storage."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from bidding.kernels.problem import FloatArray
from bidding.kernels.solver import SolverFailed, SolverOptions, Status, relative_gap
from bidding.kernels.whatif.columns import KW_PER_MW
from bidding.kernels.whatif.document import read_document
from bidding.kernels.whatif.fleet import FleetUnfinished, solve_whole_fleet
from bidding.kernels.whatif.fleet_plan import solvable
from bidding.kernels.whatif.grouping import Grouping, group_alike
from bidding.kernels.whatif.scoring import WhatIfPlan, one_direction, score, shortfalls_of
from bidding.kernels.whatif.search import Solved
from bidding.kernels.whatif.solving import proven_bound, solve_problem
from bidding.kernels.whatif.stated import WhatIf

MAX_GROUPS = 100
FINER_ABOVE = 3e-3
OPTIMAL_GAP = 1e-4
WHOLE_PU = 0.7  # of the time limit; what is left of it is for clusters
FEWEST_GROUPS, FINER = 8, 4
NO_CLUSTERS = "the storages differ too much for clusters, and solving them one by one needs more time than the limit"
SCENARIOS_COST = 0.7  # ten scenarios: a fifth of the groups, in about the time of one scenario and all of them


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
    whole, proven = (None, np.inf) if full else _whole(problem, options)
    if whole is not None:
        return whole
    best: WhatIfAnswer | None = None
    for grouping in levels:
        left = replace(options, time_limit_s=max(options.time_limit_s - (time.perf_counter() - began), 1.0))
        try:
            found = _one(problem, grouping, left)
        except SolverFailed as error:
            if best is None and (grouping is None or grouping.exact):
                raise
            if best is None:  # clusters ask of each member what the strictest needs: that says nothing of the storages
                raise SolverFailed(Status.NO_SOLUTION, NO_CLUSTERS) from error
            break  # the finer grouping did not end in time: the coarser answer stands, with its proven loss
        found = _within(found, proven)
        if best is None or (not found.shortfalls, found.objective) > (not best.shortfalls, best.objective):
            best = found
        if (best.gap <= FINER_ABOVE and not best.shortfalls) or time.perf_counter() - began > options.time_limit_s / 2:
            break
    assert best is not None
    return replace(best, seconds=best.seconds | {"total": time.perf_counter() - began})


def _within(found: WhatIfAnswer, proven: float) -> WhatIfAnswer:
    """With the lower of two bounds."""
    if proven >= found.bound:
        return found
    bound = max(proven, found.objective)
    gap = relative_gap(-found.objective, -bound)
    status = "optimal" if gap <= OPTIMAL_GAP and not found.shortfalls else found.status
    return replace(found, status=status, bound=bound, gap=gap, loss=min(found.loss, gap))


def _whole(problem: WhatIf, options: SolverOptions) -> tuple[WhatIfAnswer | None, float]:
    """The answer without any loss by grouping, where storages that differ are many; None where it is not to be had. And
    a bound that was proven all the same.
    """
    grouping = group_alike(problem)
    if grouping.size <= _most_groups(problem) or not solvable(grouping.inner):
        return None, np.inf
    began = time.perf_counter()
    try:
        solved = solve_whole_fleet(grouping.inner, replace(options, time_limit_s=WHOLE_PU * options.time_limit_s))
    except FleetUnfinished as error:
        return None, error.bound
    plan = one_direction(problem, _shared_out(problem, solved.plan, grouping))
    objective = score(problem, plan)
    gap, loss = relative_gap(-objective, -solved.bound), max(relative_gap(-objective, -solved.objective), 0.0)
    seconds = solved.seconds | {"total": time.perf_counter() - began}
    status, bound = "optimal" if gap <= OPTIMAL_GAP else "feasible", max(solved.bound, objective)
    return WhatIfAnswer(status, objective, bound, gap, seconds, plan, grouping.size, loss), bound


def _most_groups(problem: WhatIf) -> int:
    return max(int(MAX_GROUPS / problem.scenarios**SCENARIOS_COST), FEWEST_GROUPS)


def _levels(problem: WhatIf) -> list[Grouping]:
    """From as many groups as are quickly solved towards all storages, those that differ in size only as one."""
    most = _most_groups(problem)
    found = [group_alike(problem, most)]
    if not found[-1].exact:
        found += [group_alike(problem, FINER * most), group_alike(problem)]
    return [found[0], *(finer for coarser, finer in pairwise(found) if finer.size > coarser.size)]


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
    plan = one_direction(problem, plan)
    objective = score(problem, plan)
    loss = 0.0 if grouping is None else max(relative_gap(-objective, -solved.objective), 0.0)
    shortfalls = shortfalls_of(problem, plan)
    gap = relative_gap(-objective, -bound)
    status = "degraded" if shortfalls else ("optimal" if gap <= OPTIMAL_GAP else "feasible")
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
        block_chosen={item.name: float(solved.values[columns.block[n]]) for n, item in enumerate(problem.blocks)},
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
