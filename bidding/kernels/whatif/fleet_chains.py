"""A scenario's storages in the Newton system: cells factored column by column, then each storage's chain of intervals.

A storage's energy rows make a tridiagonal matrix, whose inverse is semiseparable (Gantmacher and Krein 1950): between
two intervals it is a product of ratios. So what all storages together bring to the rows in which they meet is a few
matrix products, and time grows with storages in proportion.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import LinAlgError

from bidding.kernels.problem import FloatArray
from bidding.kernels.whatif.fleet_cells import CARRIED, CHARGE, DISCHARGE, ENERGY, FleetCells
from bidding.kernels.whatif.fleet_factor import CellFactor, Part, dot

SEGMENT = 8  # intervals that are multiplied at once


class Chains:
    """Factors of one scenario. beside, after (B, T, N): what a basic movement of interval t (net discharge, each
    reserve) shares with the energy rows of t and t + 1, once its cell is taken out.
    """

    def __init__(self, cells: FleetCells, weights: FloatArray, pinned: FloatArray) -> None:
        """weights (J, T, N) of the rules; pinned (m, T, N): more on the diagonal."""
        self.cells = cells
        low: list[list[Part]] = [[None] * cells.width for _ in range(cells.width)]
        for a in range(cells.width):
            low[a][a] = pinned[a].copy()
        for rule, weight in zip(cells.rules, weights, strict=True):
            for n, (a, factor) in enumerate(rule.terms):
                part = weight * factor
                for b, other in rule.terms[: n + 1]:
                    low[a][b] = part * other if low[a][b] is None else low[a][b] + part * other
        self.factor = CellFactor(low)
        self._reduce()

    def _reduce(self) -> None:
        cells, shape, size = self.cells, self.cells.rhs.shape, self.cells.width

        def vector(parts: dict[int, FloatArray | float]) -> list[Part]:
            full: list[Part] = [None] * size
            for column, value in parts.items():
                full[column] = np.broadcast_to(np.asarray(value, dtype=np.float64), shape)
            return self.factor.forward(full)

        carried = {CARRIED + k: factor for k, factor in enumerate(cells.called)}
        row = vector({ENERGY: 1.0, CHARGE: -cells.gain, DISCHARGE: cells.loss, **carried})
        stored = vector({ENERGY: 1.0})
        basic = [vector({CHARGE: -1.0, DISCHARGE: 1.0})] + [vector({column: 1.0}) for column in carried]
        self._factor_chain(dot(row, row), dot(row, stored), dot(stored, stored))
        self.beside = np.stack([dot(one, row) for one in basic])
        self.after = np.stack([-cells.kept * dot(one, stored) for one in basic])
        self.after[:, -1] = 0.0
        self.inner = {(a, b): dot(basic[a], basic[b]) for a in range(len(basic)) for b in range(a + 1)}

    def _factor_chain(self, own: FloatArray, next_to: FloatArray, stored: FloatArray) -> None:
        """pivot, ratio, inverse diagonal (T, N): L has 1 and `ratio`, ratio[t] between t - 1 and t."""
        own[1:] += self.cells.kept**2 * stored[:-1]
        aside = -self.cells.kept * next_to[:-1]
        self.pivot, self.ratio = own, np.zeros_like(own)
        for t in range(1, own.shape[0]):
            self.ratio[t] = aside[t - 1] / self.pivot[t - 1]
            self.pivot[t] -= self.ratio[t] * aside[t - 1]
        if not (self.pivot > 0).all():
            raise LinAlgError("a chain has no positive pivot")
        self.inverse = 1.0 / self.pivot
        for t in range(own.shape[0] - 2, -1, -1):
            self.inverse[t] += self.ratio[t + 1] ** 2 * self.inverse[t + 1]

    def solve_chain(self, right: FloatArray) -> FloatArray:
        """(T, N) through the tridiagonal matrices."""
        found = right.copy()
        for t in range(1, found.shape[0]):
            found[t] -= self.ratio[t] * found[t - 1]
        found /= self.pivot
        for t in range(found.shape[0] - 2, -1, -1):
            found[t] -= self.ratio[t + 1] * found[t + 1]
        return found

    def from_chain(self, price: FloatArray) -> FloatArray:
        """(B, T, N): what prices of the energy rows move of each basic movement."""
        found = self.beside * price
        found[:, :-1] += self.after[:, :-1] * price[1:]
        return found

    def to_chain(self, price: FloatArray) -> FloatArray:
        """(T, N): the transpose, of prices (B, T, N)."""
        found = (self.beside * price).sum(axis=0)
        found[1:] += (self.after[:, :-1] * price[:, :-1]).sum(axis=0)
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
