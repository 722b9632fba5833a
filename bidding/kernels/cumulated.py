"""Lots counted up over the day: the same whole numbers in a form that branches better.

What a store can sell until an hour is bounded together, not hour by hour; a bound on the lots of one hour only moves
them to the next. So the tree branches on the sum of lots up to each hour, and the lots themselves, differences of whole
numbers, need no branching of their own. A change of variables: the same points, the same costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import sparse

from bidding.kernels.solver import FloatArray, LinearModel, Solution, SolverOptions, solve

Run = Sequence[int]


def branch(model: LinearModel, runs: Sequence[Run], options: SolverOptions, start: FloatArray | None) -> Solution:
    """Branch and bound of the model; each of `runs` are the columns of one position's lots in the order of time."""
    if not runs:
        return solve(model, options, start=start)
    summed = cumulated(model, runs)
    begin = None if start is None else np.concatenate([start, *(np.cumsum(np.round(start[list(run)])) for run in runs)])
    answer = solve(summed, options, start=begin)
    if not answer.values.size:
        return answer
    values = answer.values[: model.cost.size].copy()
    for run in runs:
        values[list(run)] = np.round(values[list(run)])
    return replace(answer, values=values, row_duals=answer.row_duals[: model.row_lower.size])


def cumulated(model: LinearModel, runs: Sequence[Run]) -> LinearModel:
    """The model with the sums as whole columns at its end, and the lots no longer asked to be whole."""
    lots, count = np.concatenate([np.asarray(run) for run in runs]), model.cost.size
    sums = count + np.arange(lots.size)
    begins = np.cumsum([0, *(len(run) for run in runs[:-1])])
    goes_on = np.ones(lots.size, dtype=bool)
    goes_on[begins] = False
    rows = np.arange(lots.size)
    entries = [(rows, sums, 1.0), (rows, lots, -1.0), (rows[goes_on], sums[goes_on] - 1, -1.0)]
    tie = sparse.csr_matrix(
        (
            np.concatenate([np.full(row.size, value) for row, _, value in entries]),
            (np.concatenate([row for row, _, _ in entries]), np.concatenate([column for _, column, _ in entries])),
        ),
        shape=(lots.size, count + lots.size),
    )
    wider = sparse.csr_matrix(
        (model.rows.data, model.rows.indices, model.rows.indptr), (model.rows.shape[0], count + lots.size)
    )
    integer = np.concatenate([model.integer, np.ones(lots.size, dtype=bool)])
    integer[lots] = False
    most = np.concatenate([np.cumsum(model.upper[list(run)]) for run in runs])
    none = np.zeros(lots.size)
    return replace(
        model,
        cost=np.concatenate([model.cost, none]),
        rows=sparse.vstack([wider, tie]).tocsr(),
        row_lower=np.concatenate([model.row_lower, none]),
        row_upper=np.concatenate([model.row_upper, none]),
        lower=np.concatenate([model.lower, np.concatenate([np.cumsum(model.lower[list(run)]) for run in runs])]),
        upper=np.concatenate([model.upper, most]),
        integer=integer,
        row_names=[*model.row_names, *(f"sum_{row}" for row in rows)],
    )
