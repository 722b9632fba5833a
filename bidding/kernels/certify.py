"""Relax, fix, re-solve, certify; branch and bound only when the certificate is too wide.

The relaxation gives a proven bound; every candidate fixes the whole columns and solves what is left. The gap that is
reported is (best candidate - bound) / |best candidate|: a proof, not a solver's word.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from bidding.kernels.solver import (
    FloatArray,
    LinearModel,
    Solution,
    SolverFailed,
    SolverOptions,
    Status,
    relative_gap,
    solve,
)

#: From the relaxed point to candidate values of the whole columns, (n_integer,) each, best guess first.
Rounding = Callable[[FloatArray], Sequence[FloatArray]]


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
    model: LinearModel, options: SolverOptions, rounding: Rounding, *, gap_target: float = 1e-3
) -> Certified:
    """Best point within the time limit. Raises SolverFailed when the relaxation has no point or no candidate has one."""
    deadline = time.perf_counter() + options.time_limit_s
    relaxed = solve(model, options, relax=True)
    if relaxed.status is not Status.OPTIMAL:
        raise SolverFailed(relaxed.status, "the relaxation was not solved")
    stages = {"relax": relaxed.seconds}
    if not model.integer.any():
        return Certified(Status.OPTIMAL, relaxed.objective, relaxed.bound, 0.0, relaxed.values, stages)
    best = _best_candidate(model, options, rounding(relaxed.values), stages, deadline)
    bound = relaxed.bound
    left_s = deadline - time.perf_counter()
    if best is None or (relative_gap(best.objective, bound) > gap_target and left_s > 0.05):
        start = None if best is None else best.values
        exact = solve(model, replace(options, time_limit_s=max(left_s, 0.05), mip_gap=gap_target), start=start)
        stages["branch"] = exact.seconds
        bound = max(bound, exact.bound)
        if exact.values.size and (best is None or exact.objective < best.objective):
            best = exact
    if best is None:
        raise SolverFailed(Status.NO_SOLUTION, "no whole-lot point was found in time")
    gap = relative_gap(best.objective, bound)
    status = Status.OPTIMAL if gap <= gap_target else Status.FEASIBLE
    return Certified(status, best.objective, bound, gap, best.values, stages)


def _best_candidate(
    model: LinearModel,
    options: SolverOptions,
    candidates: Sequence[FloatArray],
    stages: dict[str, float],
    deadline: float,
) -> Solution | None:
    """Solve with the whole columns fixed at each candidate (the first always, the rest while there is time)."""
    best: Solution | None = None
    stages["fix"] = 0.0
    for number, candidate in enumerate(candidates):
        left_s = deadline - time.perf_counter()
        if number and left_s <= 0:
            break
        fixed = solve_fixed(model, candidate, replace(options, time_limit_s=max(left_s, 1.0)))
        stages["fix"] += fixed.seconds
        if fixed.status is Status.OPTIMAL and (best is None or fixed.objective < best.objective):
            best = fixed
    return best


def solve_fixed(model: LinearModel, whole_values: FloatArray, options: SolverOptions) -> Solution:
    """The continuous problem that is left when the whole columns, in column order, take `whole_values`."""
    lower, upper = model.lower.copy(), model.upper.copy()
    target = np.clip(whole_values, lower[model.integer], upper[model.integer])
    lower[model.integer] = upper[model.integer] = target
    return solve(model.with_bounds(lower, upper), options, relax=True)
