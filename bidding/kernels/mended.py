"""A second try where a solver's point breaks a row: presolve and scaling can hide what is wrong with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bidding.kernels.solver import LinearModel, Solution, SolverOptions, Status, check_point, relative_gap

LARGEST = 60_000  # columns; beyond, the simplex method without presolve takes longer than a bid may


def mended(model: LinearModel, answer: Solution, options: SolverOptions) -> Solution:
    """The rest of the model solved as it stands, without presolve, whole columns at the answer's whole numbers.

    The bound stays what was proven. Where that has no sound point either, or the model is too large for it, the answer
    as it was, to be refused.
    """
    from bidding.kernels.engines import solve_with_highs

    if model.cost.size > LARGEST or not np.isfinite(answer.values).all():
        return answer
    columns = np.flatnonzero(model.integer)
    lower, upper = model.lower.copy(), model.upper.copy()
    lower[columns] = upper[columns] = np.clip(np.round(answer.values[columns]), lower[columns], upper[columns])
    fixed = model.with_bounds(lower, upper).relaxed()
    again = solve_with_highs(fixed, replace(options, lp_method="as it stands"), None)
    if again.status is not Status.OPTIMAL or check_point(model, again.values):
        return answer
    if not columns.size:
        return again
    gap = relative_gap(again.objective, answer.bound)
    return replace(answer, values=again.values, objective=again.objective, gap=gap)
