"""The Newton system of `blocks`, reduced and factored along the staircase: cells, band per scenario, border."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.linalg import LinAlgError, cho_solve_banded, cholesky_banded, lu_factor, lu_solve

from bidding.kernels.solver import FloatArray, LinearModel
from bidding.kernels.whatif.stairs import Index, Stairs, gathered

EXTRA = (0.0, 1e-12, 1e-10, 1e-8, 1e-6)
TINY = 1e-11  # keeps pivots of dependent rows away from zero; the steps are refined against the true system


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
        edges = np.searchsorted(stairs.band_scenario, np.unique(stairs.band_scenario))
        self.edges = np.append(edges, self.band.size)
        self._band_places()
        self.across_inner = self.matrix[self.across].copy()
        inner = np.ones(count)
        inner[self.border] = 0.0
        self.across_inner = (self.across_inner @ sparse.diags(inner)).tocsr()
        self.dense_rows = np.flatnonzero(np.diff(self.across_inner.indptr) > 0)
        self.band_matrix = self.matrix[self.band]
        self.band_border = self.band_matrix[:, self.border].tocsc()
        self.across_border = self.matrix[self.across][:, self.border].toarray()

    def _band_places(self) -> None:
        """Where each product of two band rows goes in the stacked band storage (u + 1, R)."""
        reach = 0
        pairs = []
        for cells in (self.band_cells, self.band_single):
            a = np.broadcast_to(cells.rows[:, :, None], (*cells.rows.shape, cells.rows.shape[1]))
            b = np.broadcast_to(cells.rows[:, None, :], a.shape)
            kept = (a >= 0) & (b >= a)
            pairs.append((kept, a[kept], b[kept]))
            if kept.any():
                reach = max(reach, int((b[kept] - a[kept]).max()))
        self.reach = reach
        size = self.band.size
        self.places = [(kept, (reach + a - b) * size + b) for kept, a, b in pairs]

    # one factorisation per iteration

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
        size = self.band.size
        bands = np.zeros((self.reach + 1) * size)
        f = self.band_cells.factors
        product = np.matmul(np.matmul(f, self.inverse), np.swapaxes(f, 1, 2))
        kept, place = self.places[0]
        bands += np.bincount(place, weights=product[kept], minlength=bands.size)
        f = self.band_single.factors
        product = f * self.single_inverse[:, None, None] * np.swapaxes(f, 1, 2)
        kept, place = self.places[1]
        bands += np.bincount(place, weights=product[kept], minlength=bands.size)
        stacked = bands.reshape(self.reach + 1, size)
        stacked[-1] += 1.0 / self.slack_curvature[self.band] + TINY
        self.bands = [
            _factored(stacked[:, low:high]) for low, high in zip(self.edges[:-1], self.edges[1:], strict=True)
        ]

    def _band_solve(self, right: FloatArray) -> FloatArray:
        parts = [
            cho_solve_banded((band, False), right[low:high], check_finite=False)
            for band, low, high in zip(self.bands, self.edges[:-1], self.edges[1:], strict=True)
        ]
        return np.concatenate(parts) if parts else right

    def _factor_border(self) -> None:
        """Rows across scenarios and border columns, after the bands are taken out."""
        n_across, n_border = self.across.size, self.border.size
        inner = self.across_inner[self.dense_rows]
        spread = self.inverse_times(inner.T.toarray()) if self.dense_rows.size else np.zeros((self.free.size, 0))
        self.beside = np.concatenate([self.band_matrix @ spread, self.band_border.toarray()], axis=1)
        solved = np.empty_like(self.beside)
        for band, low, high in zip(self.bands, self.edges[:-1], self.edges[1:], strict=True):
            part = self.beside[low:high]
            used = np.flatnonzero(part.any(axis=0))
            solved[low:high] = 0.0
            if used.size:
                solved[low:high, used] = cho_solve_banded((band, False), part[:, used], check_finite=False)
        self.beside_solved = solved
        small = np.zeros((n_across + n_border, n_across + n_border))
        where = np.concatenate([self.dense_rows, n_across + np.arange(n_border)]).astype(np.int64)
        small[np.ix_(self.dense_rows, self.dense_rows)] += inner @ spread
        small[np.arange(n_across), np.arange(n_across)] += 1.0 / self.slack_curvature[self.across] + TINY
        small[:n_across, n_across:] = self.across_border
        small[n_across:, :n_across] = self.across_border.T
        at = n_across + np.arange(n_border)
        small[at, at] -= self.curvature[self.border] + TINY
        small[np.ix_(where, where)] -= self.beside.T @ solved
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
        pulled = column_side + self.transposed[:, self.local] @ (local_weight * right[self.local])
        inner = self.inverse_times(pulled[:, None])[:, 0]
        band_right = right[self.band] - self.band_matrix @ inner
        across_right = right[self.across] - self.across_inner @ inner
        band = self._band_solve(band_right)
        small_right = np.concatenate([across_right, -column_side[self.border]])
        small_right[self.where] -= self.beside.T @ band
        found = lu_solve(self.small, small_right, check_finite=False)
        band = band - self.beside_solved @ found[self.where]
        rows = np.zeros(self.rows)
        rows[self.band], rows[self.across] = band, found[: self.across.size]
        border_move = found[self.across.size :]
        move = self.inverse_times((pulled + self.transposed @ rows)[:, None])[:, 0]
        move[self.border] = border_move
        rows[self.local] = local_weight * (right[self.local] - (self.matrix[self.local] @ move))
        return move, rows

    # what comes out

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


def _factored(bands: FloatArray) -> FloatArray:
    """Cholesky of a band matrix; where rounding has made a pivot vanish, a little more on the diagonal."""
    for extra in EXTRA:
        own = np.array(bands, order="F")
        own[-1] += extra * (1.0 + np.abs(own[-1]))
        try:
            return np.asarray(cholesky_banded(own, overwrite_ab=True, check_finite=False), dtype=np.float64)
        except LinAlgError:
            continue
    raise LinAlgError("the band has no factor")
