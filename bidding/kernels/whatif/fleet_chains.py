"""A scenario's storages in the Newton system: cells factored column by column, then each storage's chain of intervals.

A storage's energy rows make a tridiagonal matrix, whose inverse is semiseparable (Gantmacher and Krein 1950): between
two intervals it is a product of ratios. So what all storages together bring to the rows in which they meet is a few
matrix products, and time grows with storages in proportion.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import LinAlgError

from bidding.kernels.problem import FloatArray
from bidding.kernels.whatif.fleet_cells import FleetCells, Index, Mask
from bidding.kernels.whatif.fleet_chain_loops import factor_chains, less_to_chains, solve_chains, sums_from_chains
from bidding.kernels.whatif.fleet_factor_loops import factor_cells
from bidding.kernels.whatif.fleet_solve_loops import moved_cells, solve_cells, taken_out
from bidding.kernels.whatif.fleet_terms import CellSide, entry

SEGMENT = 8  # intervals that are multiplied at once


class Chains:
    """Factors of one scenario. beside, after (B, T, N): what a basic movement of interval t (net discharge, each
    reserve) shares with the energy rows of t and t + 1, once its cell is taken out.
    """

    def __init__(self, cells: FleetCells, edges: Index, price: FloatArray, slack: FloatArray, still: Mask) -> None:
        """price, slack (J, T, N) of the rules; still (m, T, N): columns that do not move; edges (F + 1,): the storages
        of each class.
        """
        self.cells, self.edges = cells, edges
        vectors, begins = cells.vectors
        (width, *line), many = still.shape, begins.size
        self.factors, shared = np.empty((entry(width, 0), *line)), np.empty((entry(many, 0), *line))
        factor_cells(cells.terms, vectors, begins, still, price, slack, self.factors, shared)
        own, next_to, stored = shared[:3]
        self.pivot, self.ratio, self.inverse = factor_chains(own, next_to, stored, cells.kept)
        if not (np.isfinite(shared[-1]).all() and (self.pivot > 0).all()):
            raise LinAlgError("a cell or a chain has no positive pivot")
        basics = range(2, begins.size)
        self.beside = np.stack([shared[entry(v, 0)] for v in basics])
        self.after = np.stack([-cells.kept * shared[entry(v, 1)] for v in basics])
        self.after[:, -1] = 0.0
        self.inner = {(v - 2, u - 2): shared[entry(v, u)] for v in basics for u in range(2, v + 1)}

    def solve_cells(self, right: FloatArray) -> FloatArray:
        """(m, T, N) with nothing in common."""
        found = np.empty_like(right)
        solve_cells(self.factors, right, found)
        return found

    def taken_out(self, right: CellSide, chain: FloatArray) -> tuple[FloatArray, FloatArray, float]:
        """(T, N) that sides of the cells leave of the energy rows; (F, B, T) they move, and wear, chains held still."""
        cells = self.cells
        left, sums, wear = taken_out(self.factors, cells.terms, cells.physics, self.edges, *right, chain)
        return left, sums, float(wear)

    def moved(self, right: CellSide, chain: FloatArray, basic: FloatArray, profit: float) -> FloatArray:
        """(m, T, N) moves, with prices of the energy rows (T, N), of the basic movements (F, B, T) and of wear."""
        cells = self.cells
        found = np.empty((cells.width, *chain.shape))
        moved_cells(self.factors, cells.terms, cells.physics, self.edges, *right, chain, basic, profit, found)
        return found

    def solve_chain(self, right: FloatArray) -> FloatArray:
        """(T, N) through the tridiagonal matrices."""
        return np.asarray(solve_chains(self.pivot, self.ratio, right))

    def from_chain(self, price: FloatArray) -> FloatArray:
        """(F, B, T): what prices (T, N) of the energy rows move."""
        return np.asarray(sums_from_chains(self.beside, self.after, price, self.edges))

    def less_to_chain(self, right: FloatArray, price: FloatArray) -> FloatArray:
        """(T, N): `right` less the transpose, of prices (F, B, T)."""
        found = right.copy()
        less_to_chains(self.beside, self.after, price, self.edges, found)
        return found

    def together(self, members: slice) -> FloatArray:
        """(T B, T B): what these storages bring to the rows in which they meet, by basic movement of each interval."""
        ratio, inverse = self.ratio[:, members], self.inverse[:, members]
        beside, after = self.beside[..., members], self.after[..., members]
        basics, count, size = beside.shape
        spread = after.copy()  # past the next row, before it decays
        spread[:, :-1] -= ratio[1:] * beside[:, :-1]
        spread[:, -1] = 0.0
        meet = beside / self.pivot[:, members]
        meet[:, :-1] -= ratio[1:] * inverse[1:] * spread[:, :-1]
        found = np.zeros((count, basics, count, basics))
        behind = np.zeros_like(inverse)
        behind[:-1] = inverse[1:]
        for a in range(basics):
            for b in range(a + 1):
                own = self.inner[a, b][:, members] - beside[a] * beside[b] / self.pivot[:, members]
                own -= spread[a] * spread[b] * behind
                at = np.arange(count)
                found[at, a, at, b] = found[at, b, at, a] = own.sum(axis=1)
        _across_time(found, spread.swapaxes(0, 1), meet.swapaxes(0, 1), -ratio)
        return found.reshape(count * basics, count * basics)


def _across_time(found: FloatArray, spread: FloatArray, meet: FloatArray, decay: FloatArray) -> None:
    """found[t, :, u, :] for t < u: minus the sum over storages of spread (T, B, n) at t, faded to u, and meet at u."""
    count, basics, size = spread.shape
    kept = np.empty((count, basics, size))
    for first in range(0, count, SEGMENT):
        last = min(first + SEGMENT, count)
        faded = np.ones((last - first, size))
        for t in range(first + 1, last):
            faded[t - first] = faded[t - first - 1] * decay[t]
        if first:
            right = (meet[first:last] * faded[:, None]).reshape(-1, size)
            _put(found, slice(0, first), slice(first, last), kept[:first].reshape(-1, size) @ right.T)
        for t in range(first + 1, last):
            kept[first : t - 1] *= decay[t]
            kept[t - 1] = spread[t - 1]
            part = kept[first:t].reshape(-1, size) @ meet[t].T
            _put(found, slice(first, t), slice(t, t + 1), part)
        if last < count:
            kept[:first] *= faded[-1] * decay[last]
            kept[first : last - 1] *= decay[last]
            kept[last - 1] = spread[last - 1]


def _put(found: FloatArray, rows: slice, columns: slice, value: FloatArray) -> None:
    shape = found[rows, :, columns].shape
    block = -value.reshape(shape)
    found[rows, :, columns] = block
    found[columns, :, rows] = block.transpose(2, 3, 0, 1)
