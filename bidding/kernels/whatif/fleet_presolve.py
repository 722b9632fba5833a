"""Market columns with whole values fixed, and what rows with one free column then leave of its bounds."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from bidding.kernels.problem import FloatArray
from bidding.kernels.solver import LinearModel, SolverFailed, Status
from bidding.kernels.whatif.fleet_market import Index

NARROW = 1e-9
ROUNDS = 4


def settled(model: LinearModel, across: Index, whole: list[tuple[Index, FloatArray]]) -> LinearModel:
    """Bounds of the model with the columns of `whole` at their values; rows without a free column bind nothing.

    Raises SolverFailed where they leave nothing.
    """
    lower, upper = model.lower.copy(), model.upper.copy()
    for index, value in whole:
        lower[index] = upper[index] = value
    matrix = sparse.csr_matrix(model.rows[across])
    for _ in range(ROUNDS):
        _tighten(matrix, model.row_lower[across], model.row_upper[across], lower, upper)
    if np.any(lower > upper + 1e-7):
        raise SolverFailed(Status.INFEASIBLE, "no position keeps its minimum")
    narrow = upper - lower <= NARROW
    lower[narrow] = upper[narrow]
    return model.with_bounds(lower, upper)


def _tighten(
    matrix: sparse.csr_matrix, row_lower: FloatArray, row_upper: FloatArray, lower: FloatArray, upper: FloatArray
) -> None:
    """lower, upper are changed in place."""
    is_free = upper - lower > NARROW
    single = np.flatnonzero(abs(matrix).sign() @ is_free.astype(np.float64) == 1)
    part = matrix[single] @ np.where(is_free, 0.0, lower)
    entries = sparse.coo_matrix(matrix[single])
    for row, column, factor in zip(entries.row, entries.col, entries.data, strict=True):
        if is_free[column]:
            sides = [(side - part[row]) / factor for side in (row_lower[single[row]], row_upper[single[row]])]
            lower[column] = max(lower[column], min(sides))
            upper[column] = min(upper[column], max(sides))
