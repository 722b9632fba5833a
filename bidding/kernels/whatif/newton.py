"""The Newton system of `blocks`, reduced and factored along the staircase: cells, band per scenario, border."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.linalg import lu_factor, lu_solve

from bidding.kernels.solver import FloatArray, LinearModel
from bidding.kernels.whatif.bands import Chains, Factor
from bidding.kernels.whatif.stairs import Cells, Index, Stairs, gathered

TINY = 1e-11


class Newton:
    """Fixed columns taken out; rows and columns numbered as in `matrix` (R, C)."""

    def __init__(self, model: LinearModel, stairs: Stairs) -> None:
        self.model = model
        is_free = model.upper > model.lower
        self.free = np.flatnonzero(is_free)
        new = np.full(model.cost.size, -1, dtype=np.int64)
        new[self.free] = np.arange(self.free.size)
        fixed_part = model.rows @ np.where(is_free, 0.0, model.lower)
        self.constant = model.constant + float(model.cost @ np.where(is_free, 0.0, model.lower))
        self.matrix = model.rows[:, self.free].tocsr()
        self.transposed = self.matrix.T.tocsr()
        self.row_lower, self.row_upper = model.row_lower - fixed_part, model.row_upper - fixed_part
        self.lower, self.upper = model.lower[self.free], model.upper[self.free]
        self.rows = int(self.row_lower.size)
        self.equal = self.row_lower >= self.row_upper - 1e-12
        self._prepare(stairs, new, is_free)

    def _prepare(self, stairs: Stairs, new: Index, is_free: np.ndarray) -> None:
        padded = np.append(new, -1)
        self.cells = padded[stairs.cells]  # -1: a fixed column of the cell
        self.n_extra = int((self.cells < 0).sum())
        count = self.free.size
        holes = np.flatnonzero(self.cells.ravel() < 0)
        self.cells.ravel()[holes] = count + np.arange(holes.size)  # stand-ins without coefficients
        self.single = new[stairs.single][is_free[stairs.single]]
        self.border = new[stairs.border][is_free[stairs.border]]
        self.local, self.band, self.across = stairs.local, stairs.band, stairs.across
        wide = sparse.csr_matrix(
            (self.matrix.data, self.matrix.indices, self.matrix.indptr), shape=(self.rows, count + holes.size)
        )
        self.local_cells = gathered(wide, self.local, self.cells)
        self.band_cells = gathered(wide, self.band, self.cells)
        self.band_single = gathered(wide, self.band, self.single[:, None])
        self.chains = Chains.of(
            np.unique(stairs.band_scenario, return_inverse=True)[1].astype(np.int64), stairs.band_interval
        )
        self.places = [self._pairs(cells) for cells in (self.band_cells, self.band_single)]
        self._prepare_border(count)

    def _prepare_border(self, count: int) -> None:
        """Border: rows across scenarios that touch inner columns, and the columns where scenarios meet."""
        inner = np.ones(count)
        inner[self.border] = 0.0
        self.across_inner = (self.matrix[self.across] @ sparse.diags(inner)).tocsr()
        self.dense_rows = np.flatnonzero(np.diff(self.across_inner.indptr) > 0)
        self.dense_inner = self.across_inner[self.dense_rows].toarray()
        self.across_border = self.matrix[self.across][:, self.border].toarray()
        self.local_matrix = self.matrix[self.local]
        self.local_transposed = self.local_matrix.T.tocsr()
        self.band_matrix = self.matrix[self.band]
        band_border = self.band_matrix[:, self.border].toarray()
        # columns in the order of their first interval, so that forward sweeps begin where a column does
        interval = self.chains.block // max(self.chains.scenarios, 1)
        begins = np.where(band_border != 0, interval[:, None], self.chains.intervals).min(
            axis=0, initial=self.chains.intervals
        )
        self.border_order = np.argsort(begins, kind="stable")
        self.band_border = band_border[:, self.border_order]
        upto = np.searchsorted(begins[self.border_order], np.arange(self.chains.intervals), side="right")
        self.active = self.dense_rows.size + upto

    def _pairs(self, cells: Cells) -> tuple[np.ndarray, Index]:
        """Which products of two rows of a cell are kept, and where they go in the blocks of the chains."""
        a = np.broadcast_to(cells.rows[:, :, None], (*cells.rows.shape, cells.rows.shape[1]))
        b = np.swapaxes(a, 1, 2)
        kept = (a >= 0) & (b >= 0)
        kept[kept] = self.chains.block[b[kept]] >= self.chains.block[a[kept]]
        return kept, self.chains.pair_places(a[kept], b[kept])

    def factor(self, curvature: FloatArray, slack_curvature: FloatArray) -> None:
        """curvature (C,) of the columns; slack_curvature (R,) of the rows' slacks, inf for equations."""
        self.curvature, self.slack_curvature = curvature, slack_curvature
        wide = np.append(curvature, np.ones(self.n_extra))
        weights = np.append(slack_curvature[self.local], 0.0)[self.local_cells.rows]
        factors = self.local_cells.factors
        hessian = np.matmul(np.swapaxes(factors, 1, 2) * weights[:, None, :], factors)
        diagonal = np.arange(self.cells.shape[1])
        hessian[:, diagonal, diagonal] += wide[self.cells] + TINY
        self.inverse = np.linalg.inv(hessian)
        self.single_inverse = 1.0 / (curvature[self.single] + TINY)
        self._factor_band()
        self._factor_border()

    def _factor_band(self) -> None:
        chains = self.chains
        shape = (2, chains.intervals, chains.scenarios, chains.width, chains.width)
        blocks = np.zeros(int(np.prod(shape)))
        f = self.band_cells.factors
        product = np.matmul(np.matmul(f, self.inverse), np.swapaxes(f, 1, 2))
        kept, place = self.places[0]
        blocks += np.bincount(place, weights=product[kept], minlength=blocks.size)
        f = self.band_single.factors
        product = f * self.single_inverse[:, None, None] * np.swapaxes(f, 1, 2)
        kept, place = self.places[1]
        blocks += np.bincount(place, weights=product[kept], minlength=blocks.size)
        inner, below = blocks.reshape(shape)
        diagonal = np.ones(chains.intervals * chains.scenarios * chains.width)  # of places without a row
        diagonal[chains.place] = 1.0 / self.slack_curvature[self.band] + TINY
        at = np.arange(chains.width)
        inner[..., at, at] += diagonal.reshape(inner.shape[:3])
        self.bands = Factor(inner, below)

    def _factor_border(self) -> None:
        """Rows across scenarios and border columns, after the bands are taken out."""
        n_across, n_border = self.across.size, self.border.size
        inner = self.dense_inner
        spread = self.inverse_times(inner.T) if self.dense_rows.size else np.zeros((self.free.size, 0))
        beside = np.concatenate([self.band_matrix @ spread, self.band_border], axis=1)
        self.beside = self.bands.forward(self.chains.spread(beside), self.active)
        flat = self.beside.reshape(-1, beside.shape[1])
        small = np.zeros((n_across + n_border, n_across + n_border))
        where = np.concatenate([self.dense_rows, n_across + self.border_order]).astype(np.int64)
        small[np.ix_(self.dense_rows, self.dense_rows)] += inner @ spread
        small[np.arange(n_across), np.arange(n_across)] += 1.0 / self.slack_curvature[self.across] + TINY
        small[:n_across, n_across:] = self.across_border
        small[n_across:, :n_across] = self.across_border.T
        at = n_across + np.arange(n_border)
        small[at, at] -= self.curvature[self.border] + TINY
        small[np.ix_(where, where)] -= flat.T @ flat
        self.where, self.small = where, lu_factor(small, check_finite=False)

    def inverse_times(self, right: FloatArray) -> FloatArray:
        """The inner columns' inverse Hessian times (C, k); zero for the border's columns."""
        padded = np.concatenate([right, np.zeros((self.n_extra, right.shape[1]))])
        found = np.zeros_like(padded)
        found[self.cells] = np.matmul(self.inverse, padded[self.cells])
        found[self.single] = self.single_inverse[:, None] * right[self.single]
        return found[: self.free.size]

    def solve(
        self, column_side: FloatArray, primal: FloatArray, slack_side: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Moves of columns and row prices: curvature dx - A'dy = column_side, A dx + dy/slack = primal + side/slack."""
        loose = np.where(self.equal, 0.0, 1.0 / np.where(self.equal, 1.0, self.slack_curvature))
        right = primal + slack_side * loose
        move, rows = self._once(column_side, right)
        for _ in range(1):  # refine against the system without the tiny terms
            left_c = column_side - (self.curvature * move - self.transposed @ rows)
            left_r = right - (self.matrix @ move + loose * rows)
            more, more_rows = self._once(left_c, left_r)
            move, rows = move + more, rows + more_rows
        return move, rows

    def _once(self, column_side: FloatArray, right: FloatArray) -> tuple[FloatArray, FloatArray]:
        local_weight = self.slack_curvature[self.local]
        pulled = column_side + self.local_transposed @ (local_weight * right[self.local])
        inner = self.inverse_times(pulled[:, None])[:, 0]
        band = self.bands.forward(self.chains.spread((right[self.band] - self.band_matrix @ inner)[:, None]))
        small_right = np.concatenate([right[self.across] - self.across_inner @ inner, -column_side[self.border]])
        flat = self.beside.reshape(-1, self.beside.shape[-1])
        small_right[self.where] -= flat.T @ band.ravel()
        found = lu_solve(self.small, small_right, check_finite=False)
        band -= (flat @ found[self.where]).reshape(band.shape)
        rows = np.zeros(self.rows)
        rows[self.band], rows[self.across] = (
            self.chains.gathered(self.bands.backward(band))[:, 0],
            found[: self.across.size],
        )
        move = self.inverse_times((pulled + self.transposed @ rows)[:, None])[:, 0]
        move[self.border] = found[self.across.size :]
        rows[self.local] = local_weight * (right[self.local] - (self.local_matrix @ move))
        return move, rows

    def whole_point(self, x: FloatArray) -> FloatArray:
        values = self.model.lower.copy()
        values[self.free] = np.clip(x, self.lower, self.upper)
        return values

    def proven_bound(self, row_price: FloatArray) -> float:
        """A lower bound for every point within the bounds, whatever the prices: weak duality, in plain arithmetic."""
        y = np.where(np.isneginf(self.row_lower), np.minimum(row_price, 0.0), row_price)
        y = np.where(np.isposinf(self.row_upper), np.maximum(y, 0.0), y)
        reduced = self.model.cost[self.free] - self.transposed @ y
        side = np.where(reduced >= 0, self.lower, self.upper)
        part = np.where(np.isfinite(side), reduced * np.where(np.isfinite(side), side, 0.0), 0.0)
        lost = ~np.isfinite(side) & (np.abs(reduced) > 1e-9)
        if lost.any():
            return -np.inf
        row_side = np.where(y >= 0, self.row_lower, self.row_upper)
        return self.constant + float(part.sum()) + float(y @ np.where(y != 0, row_side, 0.0))
