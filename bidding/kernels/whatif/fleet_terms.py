"""Rules of a cell; and what compiled loops are given of them, of the storages' physics, and of right-hand sides."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bidding.kernels.problem import FloatArray

TINY = 1e-11  # curvature that every column has


@dataclass(frozen=True)
class Rule:
    """const + sum of factor x column >= 0 in every cell: const (T, N); factors (T, N), (N,) or one number, in the
    order of the columns. `is_row`: a row of the problem, else a bound of one column.
    """

    const: FloatArray
    terms: tuple[tuple[int, FloatArray | float], ...]
    is_row: bool = True

    def value(self, x: FloatArray) -> FloatArray:
        return self.const + self.move(x)

    def move(self, x: FloatArray) -> FloatArray:
        """(T, N): what the terms make of x (m, T, N)."""
        found = self.terms[0][1] * x[self.terms[0][0]]
        for column, factor in self.terms[1:]:
            found += factor * x[column]
        return np.asarray(found, dtype=np.float64)


class Terms(NamedTuple):
    """Of rule j the terms first[j] to first[j + 1], by column: factor `fixed` (K, N), or `timed` (K', T, N) at
    timed_at[k] where that is not -1.
    """

    first: NDArray[np.int64]
    column: NDArray[np.int64]
    fixed: FloatArray
    timed: FloatArray
    timed_at: NDArray[np.int64]


def terms_of(rules: Sequence[Rule], times: int, size: int) -> Terms:
    """The rules' terms in one row, for T = `times` and N = `size`."""
    flat = [term for rule in rules for term in rule.terms]
    timed = [np.asarray(factor) for _, factor in flat if np.ndim(factor) == 2]
    counts, numbers = [len(rule.terms) for rule in rules], itertools.count()
    return Terms(
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        np.array([column for column, _ in flat], dtype=np.int64),
        np.array([np.zeros(size) if np.ndim(one) == 2 else np.broadcast_to(one, (size,)) for _, one in flat]),
        np.array(timed).reshape(len(timed), times, size),
        np.array([next(numbers) if np.ndim(factor) == 2 else -1 for _, factor in flat], dtype=np.int64),
    )


class Physics(NamedTuple):
    """Of each storage gain, loss (MWh in store per MW of charging, discharging) and kept (N,) of the energy of the
    interval before; called (R, N) MWh that a MW of each reserve is expected to draw; cost (m, N).
    """

    gain: FloatArray
    loss: FloatArray
    kept: FloatArray
    called: FloatArray
    cost: FloatArray


class CellSide(NamedTuple):
    """What right-hand sides of cells are made of: (m, T, N) cost less what rows pay, and what closed flows cost more;
    (J, T, N) the products that are wanted, and slacks. NOTHING stands for zeros.
    """

    unpriced: FloatArray
    closing: FloatArray
    wanted: FloatArray
    slack: FloatArray


NOTHING = np.empty((0, 0, 0))
NO_SIDE = CellSide(NOTHING, NOTHING, NOTHING, NOTHING)


def entry(a: int, b: int) -> int:
    """Where the entry (a, b), b <= a, of a symmetric matrix is kept."""
    return a * (a + 1) // 2 + b
