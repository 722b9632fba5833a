"""What-if problems solved, with the least relief where energy is missing; and bounds of their relaxation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bidding.kernels.problem import FloatArray
from bidding.kernels.solver import (
    SolverFailed,
    SolverOptions,
    Status,
    solve,
)
from bidding.kernels.whatif.matrix import build
from bidding.kernels.whatif.search import Search, Solved
from bidding.kernels.whatif.stated import WhatIf


def solve_problem(problem: WhatIf, options: SolverOptions) -> Solved:
    """The best point found within the time limit and its proven bound. Raises SolverFailed where there is none.

    Where energy is missing (a trip that cannot be charged for), the least relief that makes it possible is found first,
    and then the rest optimised with just that much.
    """
    try:
        return Search(problem, options, elastic=False).run()
    except SolverFailed as error:
        if error.status is not Status.INFEASIBLE:
            raise
    made, columns = build(problem, elastic=True)
    least = solve(made.model(), options, relax=True)
    if least.status is not Status.OPTIMAL or columns.relief is None or columns.excess is None:
        raise SolverFailed(least.status, "the problem contradicts itself beyond missing energy")
    allowed = np.stack([least.values[columns.relief], least.values[columns.excess]])
    allowed = np.where(allowed > 1e-9, allowed * (1 + 1e-9) + 1e-9, 0.0)
    solved = Search(problem, options, elastic=allowed).run()
    return replace(solved, seconds={"relief": least.seconds, **solved.seconds})


def proven_bound(problem: WhatIf, options: SolverOptions, allowed: FloatArray | bool) -> float:
    """What no plan of the problem earns more than, by its relaxation; `allowed` as of `build`'s elastic."""
    search = Search(problem, options, elastic=allowed)
    model, columns = search.built(None)
    search.set_target(model)
    return -search.relaxation("bound", model.relaxed(), columns).bound
