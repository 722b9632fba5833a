"""The rows of many scenarios, each a chain of intervals: factored block by block, all scenarios at once.

Rows that share a column stand in one interval or in neighbouring ones, so a scenario's normal equations are block
tridiagonal. Step by step along the intervals the blocks of all scenarios are one stack, so that dense kernels do the
work. A = L L' with L two block diagonals: L[t, t] and L[t, t - 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.linalg import LinAlgError
from numpy.typing import NDArray

from bidding.kernels.solver import FloatArray

Index = NDArray[np.int64]
SMALLEST = 1e-12  # of the largest eigenvalue; below, rounding decides


@dataclass(frozen=True)
class Chains:
    """Where each of R rows stands: block (R,) = interval * scenarios + scenario, slot (R,) within its block."""

    scenarios: int
    intervals: int
    width: int
    block: Index
    slot: Index

    @classmethod
    def of(cls, scenario: Index, interval: Index) -> Chains:
        """scenario (R,) numbered from 0 without gaps; interval (R,). Rows keep their order within a block."""
        scenarios, intervals = (int(label.max(initial=-1)) + 1 for label in (scenario, interval))
        block = interval * scenarios + scenario
        order = np.argsort(block, kind="stable")
        counts = np.bincount(block, minlength=scenarios * intervals)
        slot = np.empty(block.size, dtype=np.int64)
        slot[order] = np.arange(block.size) - (np.cumsum(counts) - counts)[block[order]]
        return cls(scenarios, intervals, int(counts.max(initial=0)), block, slot)

    @property
    def place(self) -> Index:
        """(R,) of each row in arrays (T, S, width)."""
        return self.block * self.width + self.slot

    def spread(self, values: FloatArray) -> FloatArray:
        """(R, ...) -> (T, S, width, ...), zero where there is no row."""
        out = np.zeros((self.intervals * self.scenarios * self.width, *values.shape[1:]))
        out[self.place] = values
        return out.reshape(self.intervals, self.scenarios, self.width, *values.shape[1:])

    def gathered(self, values: FloatArray) -> FloatArray:
        """Back from (T, S, width, ...) to (R, ...)."""
        return values.reshape(-1, *values.shape[3:])[self.place]

    def pair_places(self, first: Index, second: Index) -> Index:
        """Where products of rows go in (2, T, S, width, width): in the block, or beside it (second one later)."""
        beside = self.block[second] != self.block[first]
        block = np.where(beside, self.block[second], self.block[first])
        row = np.where(beside, self.slot[second], self.slot[first])
        column = np.where(beside, self.slot[first], self.slot[second])
        blocks = self.intervals * self.scenarios
        return np.asarray(((beside * blocks + block) * self.width + row) * self.width + column, dtype=np.int64)


class Factor:
    """Cholesky factors of the chains' matrices; `inner` (T, S, m, m) and `below` (T, S, m, m), below[0] unused."""

    def __init__(self, inner: FloatArray, below: FloatArray) -> None:
        self.inverse = np.empty_like(inner)
        self.below = below
        for t in range(inner.shape[0]):
            block = inner[t]
            if t:
                self.below[t] = np.matmul(below[t], np.swapaxes(self.inverse[t - 1], 1, 2))
                block = block - np.matmul(self.below[t], np.swapaxes(self.below[t], 1, 2))
            self.inverse[t] = _inverse_factors(block)

    def forward(self, right: FloatArray, active: Index | None = None) -> FloatArray:
        """L y = right, (T, S, m, k). active (T,): columns beyond that many are zero up to there."""
        found = np.zeros_like(right)
        for t in range(right.shape[0]):
            upto = right.shape[-1] if active is None else int(active[t])
            part = right[t, ..., :upto]
            if t:
                before = upto if active is None else int(active[t - 1])
                part = part.copy()
                part[..., :before] -= np.matmul(self.below[t], found[t - 1, ..., :before])
            found[t, ..., :upto] = np.matmul(self.inverse[t], part)
        return found

    def backward(self, right: FloatArray) -> FloatArray:
        """L' x = right, (T, S, m, k)."""
        found = np.empty_like(right)
        for t in range(right.shape[0] - 1, -1, -1):
            part = right[t]
            if t + 1 < right.shape[0]:
                part = part - np.matmul(np.swapaxes(self.below[t + 1], 1, 2), found[t + 1])
            found[t] = np.matmul(np.swapaxes(self.inverse[t], 1, 2), part)
        return found


def _inverse_factors(blocks: FloatArray) -> FloatArray:
    """(S, m, m): the inverse of L, or of another F with F F' = block where rounding has made a pivot vanish."""
    try:
        return np.asarray(np.linalg.inv(np.linalg.cholesky(blocks)), dtype=np.float64)
    except LinAlgError:
        if not np.isfinite(blocks).all():
            raise
    size, turned = np.linalg.eigh(blocks)
    size = np.maximum(size, SMALLEST * size[:, -1:])
    return np.asarray(np.swapaxes(turned / np.sqrt(size)[:, None, :], 1, 2), dtype=np.float64)
