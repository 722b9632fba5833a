"""What a what-if problem is answered with: grouped, solved, shared out and scored again on every storage."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from bidding.kernels.solver import SolverFailed, SolverOptions, Status, relative_gap
from bidding.kernels.whatif.document import read_document
from bidding.kernels.whatif.expected_day import expected_day, in_every_scenario
from bidding.kernels.whatif.fleet_plan import FleetSolved, FleetUnfinished, solvable
from bidding.kernels.whatif.grouped_plan import plan_of_columns, shared_out
from bidding.kernels.whatif.grouping import Grouping, group_alike
from bidding.kernels.whatif.scoring import WhatIfPlan, one_direction, score, shortfalls_of
from bidding.kernels.whatif.search import MANY_GAP
from bidding.kernels.whatif.solving import proven_bound, solve_problem
from bidding.kernels.whatif.stated import WhatIf

MAX_GROUPS = 100
FINER_ABOVE = 3e-3
OPTIMAL_GAP = 1e-4
WHOLE_PU = 0.7  # of the time limit; what is left of it is for clusters
CLUSTERS_PU = 0.5  # of that; the rest is for the plan of the expected day
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
    if whole is not None and (whole.gap <= MANY_GAP or whole.groups > _most_groups(problem)):
        return whole
    best = whole  # where groups are few, minimums and directions may weigh more: searched as a whole number programme
    for grouping in levels:
        left_s = options.time_limit_s - (time.perf_counter() - began)
        share = CLUSTERS_PU if best is None and np.isfinite(proven) else 1.0
        try:
            found = _one(problem, grouping, replace(options, time_limit_s=max(share * left_s, 1.0)))
        except SolverFailed as error:
            if best is None and (grouping is None or grouping.exact):
                raise
            if best is None:  # clusters ask of each member what the strictest needs: that says nothing of the storages
                left_s = options.time_limit_s - (time.perf_counter() - began)
                best = _of_the_expected_day(problem, replace(options, time_limit_s=left_s), proven, error)
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
    most = _most_groups(problem)
    if grouping.size <= (most if problem.scenarios == 1 else most // 2) or not solvable(grouping.inner):
        return None, np.inf
    began = time.perf_counter()
    try:
        solved = solve_whole_fleet(grouping.inner, replace(options, time_limit_s=WHOLE_PU * options.time_limit_s))
    except FleetUnfinished as error:
        return None, error.bound
    plan = one_direction(problem, shared_out(problem, solved.plan, grouping))
    objective = score(problem, plan)
    gap, loss = relative_gap(-objective, -solved.bound), max(relative_gap(-objective, -solved.objective), 0.0)
    seconds = solved.seconds | {"total": time.perf_counter() - began}
    status, bound = "optimal" if gap <= OPTIMAL_GAP else "feasible", max(solved.bound, objective)
    return WhatIfAnswer(status, objective, bound, gap, seconds, plan, grouping.size, loss), bound


def _of_the_expected_day(problem: WhatIf, options: SolverOptions, proven: float, cause: SolverFailed) -> WhatIfAnswer:
    """The plan for mean prices as the answer to all scenarios, with what was proven of their optimum.

    Raises SolverFailed where there are no scenarios to average, nothing is proven, or the time does not do for it.
    """
    day = expected_day(problem)
    if problem.scenarios == 1 or not np.isfinite(proven) or options.time_limit_s <= 0 or not solvable(day):
        raise SolverFailed(Status.NO_SOLUTION, NO_CLUSTERS) from cause
    try:
        solved = solve_whole_fleet(day, options)
    except FleetUnfinished as error:
        raise SolverFailed(Status.NO_SOLUTION, NO_CLUSTERS) from error
    plan = in_every_scenario(problem, one_direction(day, solved.plan))
    objective = score(problem, plan)
    bound = max(proven, objective)
    gap = relative_gap(-objective, -bound)
    return WhatIfAnswer("feasible", objective, bound, gap, solved.seconds, plan, problem.fleet.size, gap)


def solve_whole_fleet(problem: WhatIf, options: SolverOptions) -> FleetSolved:
    from bidding.kernels.whatif.fleet import solve_whole_fleet as solve  # its compiler takes half a second to load

    return solve(problem, options)


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
    plan = plan_of_columns(problem if grouping is None else grouping.inner, solved)
    bound, seconds = solved.bound, dict(solved.seconds)
    if grouping is not None:
        began = time.perf_counter()
        plan = shared_out(problem, plan, grouping)
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
