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

#: One step of a dive: from a relaxed point to values of the whole columns, (n_whole,), NaN for those still left free.
FixStep = Callable[[FloatArray], FloatArray]
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
    model: LinearModel, options: SolverOptions, dives: Sequence[Dive], *, gap_target: float = 1e-3
) -> Certified:
    """Best point within the time limit; the first dive that ends well is always waited for.

    Raises SolverFailed when the relaxation has no point or no whole point was found.
    """
    deadline = time.perf_counter() + options.time_limit_s
    relaxed = solve(model, options, relax=True)
    if relaxed.status is not Status.OPTIMAL:
        raise SolverFailed(relaxed.status, "the relaxation was not solved")
    stages = {"relax": relaxed.seconds}
    if not model.integer.any():
        return Certified(Status.OPTIMAL, relaxed.objective, relaxed.bound, 0.0, relaxed.values, stages)
    best, bound = _best_dive(model, options, dives, relaxed, stages, gap_target), relaxed.bound
    left_s = deadline - time.perf_counter()
    if best is None or (relative_gap(best.objective, bound) > gap_target and left_s > 0.1):
        start = None if best is None else best.values
        exact = solve(model, replace(options, time_limit_s=max(left_s, 0.1), mip_gap=gap_target), start=start)
        stages["branch"] = exact.seconds
        bound = max(bound, exact.bound)
        if exact.values.size and (best is None or exact.objective < best.objective):
            best = exact
    if best is None:
        raise SolverFailed(Status.NO_SOLUTION, "no whole-lot point was found in time")
    gap = relative_gap(best.objective, bound)
    status = Status.OPTIMAL if gap <= gap_target else Status.FEASIBLE
    return Certified(status, best.objective, bound, gap, best.values, stages)


def _best_dive(
    model: LinearModel,
    options: SolverOptions,
    dives: Sequence[Dive],
    relaxed: Solution,
    stages: dict[str, float],
    gap_target: float,
) -> Solution | None:
    """The best end of the dives; later ones are tried only while none is good enough and time is left."""
    best: Solution | None = None
    began = time.perf_counter()
    for dive in dives:
        spent_s = time.perf_counter() - began
        if best is not None and (
            relative_gap(best.objective, relaxed.bound) <= gap_target or spent_s > options.time_limit_s
        ):
            break
        end = _dive(model, options, dive, relaxed)
        if end is not None and (best is None or end.objective < best.objective):
            best = end
    stages["fix"] = time.perf_counter() - began
    return best


def _dive(model: LinearModel, options: SolverOptions, dive: Dive, relaxed: Solution) -> Solution | None:
    point = relaxed
    for step in dive:
        point = solve_fixed(model, step(point.values), replace(options, time_limit_s=max(options.time_limit_s, 5.0)))
        if point.status is not Status.OPTIMAL:
            return None
    return point


def solve_fixed(model: LinearModel, whole_values: FloatArray, options: SolverOptions) -> Solution:
    """The continuous problem that is left when whole columns take `whole_values` (column order; NaN stays free)."""
    lower, upper = model.lower.copy(), model.upper.copy()
    columns = np.flatnonzero(model.integer)[np.isfinite(whole_values)]
    target = np.clip(whole_values[np.isfinite(whole_values)], lower[columns], upper[columns])
    lower[columns] = upper[columns] = target
    return solve(model.with_bounds(lower, upper), options, relax=True)
