"""Relax, fix, re-solve, certify; branch and bound only when the certificate is too wide.

The relaxation gives a proven bound; every candidate fixes the whole columns and solves what is left. The gap that is
reported is (best candidate - bound) / |best candidate|: a proof, not a solver's word.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from bidding.kernels.cumulated import Run, branch
from bidding.kernels.relaxation import Relaxation
from bidding.kernels.solver import (
    FloatArray,
    LinearModel,
    Solution,
    SolverFailed,
    SolverOptions,
    Status,
    relative_gap,
    solve,
    within_gap,
)

CHEAP_STEP_PU = 0.01
QUICK = SolverOptions(node_limit=200, search=False)

#: One step of a dive: from a point to ways of fixing whole columns, (n_whole,) each, NaN for those still left free.
FixStep = Callable[[FloatArray], Sequence[FloatArray]]
#: A dive fixes the whole columns step by step, with a re-solve after each; the last step leaves none free.
Dive = Sequence[FixStep]


@dataclass(frozen=True)
class Certified:
    """The best point found, its proven bound and gap; `stages` names the seconds of each step."""

    status: Status
    objective: float
    bound: float
    gap: float
    values: FloatArray
    stages: dict[str, float] = field(default_factory=dict)


def relax_fix_certify(
    model: LinearModel,
    options: SolverOptions,
    dives: Sequence[Dive],
    *,
    gap_target: float = 1e-3,
    known_bound: float = -np.inf,
    quick: bool = True,
    runs: Sequence[Run] = (),
) -> Certified:
    """Best point within the time limit; the first dive that ends well is always waited for.

    known_bound : proven elsewhere, as by another relaxation.
    quick : whether a short plain branching comes before the one that also searches.
    runs : columns of lots in the order of time, whose sums the tree branches on (`cumulated`).

    Raises SolverFailed when the relaxation has no point or no whole point was found.
    """
    deadline = time.perf_counter() + options.time_limit_s
    relaxation = Relaxation(model, options)
    relaxed = relaxation.solve(model.lower, model.upper)
    if relaxed.status is not Status.OPTIMAL:
        raise SolverFailed(relaxed.status, "the relaxation was not solved")
    stages = {"relax": relaxed.seconds}
    if not model.integer.any():
        return Certified(Status.OPTIMAL, relaxed.objective, relaxed.bound, 0.0, relaxed.values, stages)
    began = time.perf_counter()
    bound = max(relaxed.bound, known_bound)
    enough = partial(within_gap, bound=bound, gap_target=gap_target, options=options)
    best = _best_dive(model, relaxation, dives, relaxed, enough, deadline)
    stages["fix"] = time.perf_counter() - began
    for rung in (QUICK, options) if quick else (options,):
        left_s = deadline - time.perf_counter()
        wide = best is None or not within_gap(best.objective, bound, gap_target, options)
        if best is not None and not (wide and left_s > 0.1):
            break
        asked = replace(options, time_limit_s=max(left_s, 0.1), mip_gap=gap_target, search=rung.search)
        asked = replace(asked, node_limit=min(rung.node_limit, options.node_limit))
        exact = branch(model, runs, asked, None if best is None else best.values)
        stages["branch"] = stages.get("branch", 0.0) + exact.seconds
        bound = max(bound, exact.bound)
        if exact.values.size and (best is None or exact.objective < best.objective):
            best = exact
    if best is None:
        raise SolverFailed(Status.NO_SOLUTION, "no whole-lot point was found in time")
    gap = relative_gap(best.objective, bound)
    status = Status.OPTIMAL if within_gap(best.objective, bound, gap_target, options) else Status.FEASIBLE
    return Certified(status, best.objective, bound, gap, best.values, stages)


def _best_dive(
    model: LinearModel,
    relaxation: Relaxation,
    dives: Sequence[Dive],
    relaxed: Solution,
    enough: Callable[[float], bool],
    deadline: float,
) -> Solution | None:
    """The best end of the dives; later ones are tried only while none is good enough and time is left."""
    best: Solution | None = None
    for dive in dives:
        if best is not None and (enough(best.objective) or time.perf_counter() > deadline):
            break
        end = _dive(model, relaxation, dive, relaxed)
        if end is not None and (best is None or end.objective < best.objective):
            best = end
    return best


def _dive(model: LinearModel, relaxation: Relaxation, dive: Dive, relaxed: Solution) -> Solution | None:
    """The end of a dive, None where a step has no point. A step that costs little is taken, else the cheapest one."""
    point = relaxed
    for step in dive:
        best: Solution | None = None
        for whole_values in step(point.values):
            tried = relaxation.solve(*fixed_bounds(model, whole_values))
            if tried.status is Status.OPTIMAL and (best is None or tried.objective < best.objective):
                best = tried
            if best is not None and best.objective - point.objective <= CHEAP_STEP_PU * abs(relaxed.objective):
                break
        if best is None:
            return None
        point = best
    return point


def fixed_bounds(model: LinearModel, whole_values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The model's bounds with whole columns held at `whole_values` (column order; NaN stays free)."""
    lower, upper = model.lower.copy(), model.upper.copy()
    columns = np.flatnonzero(model.integer)[np.isfinite(whole_values)]
    target = np.clip(whole_values[np.isfinite(whole_values)], lower[columns], upper[columns])
    lower[columns] = upper[columns] = target
    return lower, upper


def solve_fixed(model: LinearModel, whole_values: FloatArray, options: SolverOptions) -> Solution:
    """The continuous problem that is left when the whole columns take `whole_values`."""
    return solve(model.with_bounds(*fixed_bounds(model, whole_values)), options, relax=True)
