"""A model written as arrays: blocks of columns and rows by index arithmetic, for problems too large to spell out.

A term is (columns, coefficients); both broadcast to the shape of the row block they stand in, so one call writes
"for every storage and interval". The result is the same `LinearModel` that a PuLP problem is read into.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from bidding.kernels.solver import FloatArray, LinearModel

Index = NDArray[np.int64]
Term = tuple[Index, ArrayLike]


@dataclass
class ArrayModel:
    """Columns and rows as they are added; `model()` assembles them. A minimisation."""

    _columns: list[tuple[FloatArray, FloatArray, FloatArray, NDArray[np.bool_]]] = field(default_factory=list)
    _entries: list[tuple[Index, Index, FloatArray]] = field(default_factory=list)
    _sides: list[tuple[FloatArray, FloatArray]] = field(default_factory=list)
    _names: list[tuple[str, int]] = field(default_factory=list)
    _costs: list[tuple[Index, FloatArray]] = field(default_factory=list)
    n_columns: int = 0
    n_rows: int = 0

    def columns(
        self,
        shape: tuple[int, ...],
        lower: ArrayLike = 0.0,
        upper: ArrayLike = np.inf,
        *,
        cost: ArrayLike = 0.0,
        integer: bool = False,
    ) -> Index:
        """New columns in `shape`; their indices."""
        size = int(np.prod(shape))
        parts = [np.broadcast_to(np.asarray(v, dtype=np.float64), shape).ravel() for v in (lower, upper, cost)]
        self._columns.append((parts[0], parts[1], parts[2], np.full(size, integer)))
        first, self.n_columns = self.n_columns, self.n_columns + size
        return np.arange(first, self.n_columns, dtype=np.int64).reshape(shape)

    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """Lower and upper bounds of the columns there are."""
        return np.concatenate([part[0] for part in self._columns]), np.concatenate([part[1] for part in self._columns])

    def add_cost(self, columns: Index, cost: ArrayLike) -> None:
        """More cost on columns that are there; what meets in one column is summed."""
        self._costs.append(
            (columns.ravel(), np.broadcast_to(np.asarray(cost, dtype=np.float64), columns.shape).ravel())
        )

    def rows(
        self, name: str, shape: tuple[int, ...], terms: Sequence[Term], lower: ArrayLike, upper: ArrayLike
    ) -> Index:
        """New rows in `shape`: lower <= sum of terms <= upper. Their indices."""
        size = int(np.prod(shape))
        number = np.arange(self.n_rows, self.n_rows + size, dtype=np.int64).reshape(shape)
        for columns, factors in terms:
            full = np.broadcast_shapes(np.shape(columns), shape)
            spread = np.broadcast_to(number, full).ravel()
            values = np.broadcast_to(np.asarray(factors, dtype=np.float64), full).ravel()
            self._entries.append((spread, np.broadcast_to(columns, full).ravel(), values))
        low, high = (np.broadcast_to(np.asarray(v, dtype=np.float64), shape).ravel() for v in (lower, upper))
        self._sides.append((low, high))
        self._names.append((name, size))
        self.n_rows += size
        return number

    def model(self) -> LinearModel:
        """Everything that was added. Coefficients that meet in one place are summed, zeros left out."""
        nothing: tuple[Index, Index, FloatArray] = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
        entries = [nothing, *self._entries]
        row, column = (np.concatenate([entry[part] for entry in entries]) for part in (0, 1))
        value = np.concatenate([entry[2] for entry in entries])
        matrix = sparse.csr_matrix(
            (value, (row.astype(np.int32), column.astype(np.int32))), shape=(self.n_rows, self.n_columns)
        )
        matrix.eliminate_zeros()
        lower, upper, cost, integer = (np.concatenate([block[part] for block in self._columns]) for part in range(4))
        for columns, extra in self._costs:
            np.add.at(cost, columns, extra)
        sides = [(np.empty(0), np.empty(0)), *self._sides]
        low, high = (np.concatenate([side[part] for side in sides]) for part in (0, 1))
        return LinearModel(
            cost=cost,
            constant=0.0,
            rows=matrix,
            row_lower=low,
            row_upper=high,
            lower=lower,
            upper=upper,
            integer=integer,
            row_names=RowNames(self._names),
            column_of={},
        )


class RowNames(Sequence[str]):
    """Names of rows made when they are asked for: "headroom[17]"."""

    def __init__(self, blocks: Sequence[tuple[str, int]]) -> None:
        self._names = [name for name, _ in blocks]
        self._ends = np.cumsum([size for _, size in blocks])

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getitem__(self, row: int) -> str:  # type: ignore[override]
        block = int(np.searchsorted(self._ends, row, side="right"))
        first = 0 if block == 0 else int(self._ends[block - 1])
        return f"{self._names[block]}[{row - first}]"
