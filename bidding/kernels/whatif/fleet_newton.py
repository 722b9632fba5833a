"""The Newton system of a fleet: chains of storages, rows of a scenario in which they meet, the border of positions."""

from __future__ import annotations

import numpy as np
from scipy.linalg import cholesky, lu_factor, lu_solve, solve_triangular

from bidding.kernels.problem import FloatArray
from bidding.kernels.whatif.fleet_cells import CARRIED, CHARGE, DISCHARGE
from bidding.kernels.whatif.fleet_chains import Chains
from bidding.kernels.whatif.fleet_rows import FleetRows, Side, Wished
from bidding.kernels.whatif.fleet_state import CellState
from bidding.kernels.whatif.fleet_terms import NO_SIDE, TINY, CellSide


class FleetNewton(FleetRows):
    """Factors of the system at one point (`factor`), and moves for right-hand sides (`solve`)."""

    def factor(self, cells: list[CellState], curvature: FloatArray, slack_curvature: FloatArray) -> None:
        """Cells by scenario; of the market side's columns (C,) and rows (R,)."""
        self.curvature, self.slack_curvature = curvature, slack_curvature
        scenarios = range(len(self.market.met))
        self.chains = self.each(lambda one: Chains(self.cells, self.edges, one.price, one.slack, one.still), cells)
        self.of_wear = (
            self.each(lambda s: self._wear_vectors(self.chains[s]), scenarios) if self.market.counts_profit else []
        )
        self.dense = self.each(lambda s: cholesky(self._dense(s), lower=True, overwrite_a=True), scenarios)
        self._factor_border()

    def _wear_vectors(self, chains: Chains) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """What the row of a scenario's profit shares with chains, also once they are taken out, and with cells."""
        cost = np.repeat(self.cells.cost[:, None], self.cells.rhs.shape[0], axis=1)
        moved = chains.solve_cells(cost)
        row = self.cells.energy_rows(moved)
        return row, chains.solve_chain(row), moved, cost

    def _dense(self, s: int) -> FloatArray:
        rows = self.market.met[s]
        found = np.zeros((rows.size, rows.size))
        plain = slice(0, self.plain)
        for link, members in zip(self.market.links, self.members, strict=True):
            half = link @ self.chains[s].together(members)
            found[plain, plain] += (link @ half.T).T
        if self.market.counts_profit:
            row, through, moved, cost = self.of_wear[s]
            basic = np.stack([moved[DISCHARGE] - moved[CHARGE], *moved[CARRIED:]])
            found[-1, plain] = found[plain, -1] = self.gathered(self._sums(basic) - self.chains[s].from_chain(through))
            found[-1, -1] = float((cost * moved).sum() - (row * through).sum())
        part = self.single_rows[s]
        found += (part.multiply(1.0 / (self.curvature[self.single[s]] + TINY)) @ part.T).toarray()
        found[np.diag_indices(rows.size)] += 1.0 / self.slack_curvature[rows] + TINY
        return found

    def _factor_border(self) -> None:
        across, border = self.market.across, self.border
        size = border.size + across.size
        small = np.zeros((size, size))
        pairs = list(zip(self.dense, self.border_rows, strict=True))
        self.beside = self.each(lambda pair: _halfway(*pair), pairs)
        for touched, beside in zip(self.touched, self.beside, strict=True):
            small[np.ix_(touched, touched)] += beside.T @ beside
        at = np.arange(border.size)
        small[at, at] += self.curvature[border] + TINY
        small[: border.size, border.size :] = -self.across_border.T
        small[border.size :, : border.size] = self.across_border
        at = border.size + np.arange(across.size)
        small[at, at] += 1.0 / self.slack_curvature[across] + TINY
        self.small = lu_factor(small, check_finite=True)

    def solve(self, side: Wished, *, refined: bool) -> Side:
        """H dx - A'dy = columns' side, A dx + dy / slack curvature = rows' side; `refined`: then for what rows miss."""
        found = self._once(side)
        if not refined:
            return found
        scenarios = range(len(self.market.met))
        chain = self.each(lambda s: side.chain[s] - self.cells.energy_rows(found.cells[s]), scenarios)
        rows = side.rows - self.activity(found.cells, found.columns) - found.rows / self.slack_curvature
        more = self._once(Wished([NO_SIDE] * len(scenarios), chain, np.zeros_like(side.columns), rows))
        return Side(
            [one + other for one, other in zip(found.cells, more.cells, strict=True)],
            [one + other for one, other in zip(found.chain, more.chain, strict=True)],
            found.columns + more.columns,
            found.rows + more.rows,
        )

    def _once(self, side: Wished) -> Side:
        market, scenarios = self.market, range(len(self.market.met))
        found = self.each(lambda s: self._taken_out(s, side), scenarios)
        right_rows = side.rows.copy()
        for s in scenarios:
            right_rows[market.met[s]] -= found[s][1]
        columns, rows = self._meet(side.columns, right_rows)
        cells = self.each(lambda s: self._moved(s, side.cells[s], found[s][0], rows[market.met[s]]), scenarios)
        for s in scenarios:
            single = self.single[s]
            pulled = side.columns[single] + self.single_rows[s].T @ rows[market.met[s]]
            columns[single] = pulled / (self.curvature[single] + TINY)
        return Side([one[0] for one in cells], [one[1] for one in cells], columns, rows)

    def _taken_out(self, s: int, side: Wished) -> tuple[FloatArray, FloatArray]:
        """What is left for the chains of a scenario, and (n,) what they and all else take from the met rows."""
        chains, chain, sums, wear = self.chains[s], side.chain[s], None, 0.0
        if side.cells[s] is not NO_SIDE:
            chain, sums, wear = chains.taken_out(side.cells[s], chain)
        through = chains.solve_chain(chain)
        further = chains.from_chain(through)
        taken = self.gathered(further if sums is None else sums + further)
        if self.market.counts_profit:
            taken = np.append(taken, wear + float(np.vdot(self.of_wear[s][0], through)))
        single = self.single[s]
        return chain, taken + self.single_rows[s] @ (side.columns[single] / (self.curvature[single] + TINY))

    def _moved(self, s: int, side: CellSide, left: FloatArray, price: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Moves of a scenario's cells (m, T, N) and prices of their energy rows (T, N), at prices of the met rows."""
        basic = self.shares(price[: self.plain])
        left, profit = self.chains[s].less_to_chain(left, basic), 0.0
        if self.market.counts_profit:
            profit = float(price[-1])
            left -= self.of_wear[s][0] * profit
        chain = self.chains[s].solve_chain(left)
        return self.chains[s].moved(side, chain, basic, profit), chain

    def _meet(self, column_side: FloatArray, right_rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Moves of the border's columns and the prices of all rows of the market side."""
        market, border = self.market, self.border
        right = np.concatenate([column_side[border], right_rows[market.across]])
        pairs = [(dense, right_rows[rows]) for dense, rows in zip(self.dense, market.met, strict=True)]
        own = self.each(lambda pair: _halfway(*pair), pairs)
        for first, touched, beside in zip(own, self.touched, self.beside, strict=True):
            right[touched] += beside.T @ first
        found = lu_solve(self.small, right)
        columns, prices = np.zeros(self.free.size), np.zeros(right_rows.size)
        columns[border], prices[market.across] = found[: border.size], found[border.size :]
        for dense, first, touched, beside, met in zip(
            self.dense, own, self.touched, self.beside, market.met, strict=True
        ):  # fmt: skip
            prices[met] = _onwards(dense, first - beside @ columns[border[touched]])
        return columns, prices


def _halfway(lower: FloatArray, right: FloatArray) -> FloatArray:
    return np.asarray(solve_triangular(lower, right, lower=True, check_finite=False))


def _onwards(lower: FloatArray, right: FloatArray) -> FloatArray:
    return np.asarray(solve_triangular(lower, right, lower=True, trans="T", check_finite=False))
