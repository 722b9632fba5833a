"""From a PuLP problem to the arrays that the solvers take."""

from __future__ import annotations

import numpy as np
import pulp
from scipy import sparse

from bidding.kernels.solver import LinearModel


def read_model(problem: pulp.LpProblem) -> LinearModel:
    """Read a PuLP minimisation into arrays; ValueError for a maximisation (its duals change sign between solvers)."""
    if problem.sense != pulp.LpMinimize:
        raise ValueError("state the problem as a minimisation")
    variables = problem.variables()
    column_of = {id(variable): column for column, variable in enumerate(variables)}
    cost = np.zeros(len(variables))
    for variable, coefficient in problem.objective.items():
        cost[column_of[id(variable)]] += coefficient
    constraints = list(problem.constraints.values())
    counts = np.fromiter((len(row) for row in constraints), dtype=np.int64, count=len(constraints))
    indices = np.fromiter((column_of[id(v)] for row in constraints for v in row.keys()), dtype=np.int32)  # noqa: SIM118
    data = np.fromiter((value for row in constraints for value in row.values()), dtype=np.float64)
    rhs = np.array([-row.constant for row in constraints], dtype=np.float64)
    sense = np.array([row.sense for row in constraints], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return LinearModel(
        cost=cost,
        constant=float(problem.objective.constant),
        rows=sparse.csr_matrix((data, indices, starts), shape=(len(constraints), len(variables))),
        row_lower=np.where(sense >= 0, rhs, -np.inf),
        row_upper=np.where(sense <= 0, rhs, np.inf),
        lower=np.array([-np.inf if v.lowBound is None else v.lowBound for v in variables], dtype=np.float64),
        upper=np.array([np.inf if v.upBound is None else v.upBound for v in variables], dtype=np.float64),
        integer=np.array([v.cat == pulp.LpInteger for v in variables], dtype=bool),
        row_names=tuple(problem.constraints),
        column_of=column_of,
    )
