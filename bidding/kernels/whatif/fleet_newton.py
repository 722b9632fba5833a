"""The Newton system of a fleet: chains of storages, rows of a scenario in which they meet, the border of positions."""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve, lu_factor, lu_solve

from bidding.kernels.problem import FloatArray
from bidding.kernels.whatif.fleet_cells import CARRIED, CHARGE, DISCHARGE
from bidding.kernels.whatif.fleet_chains import Chains
from bidding.kernels.whatif.fleet_rows import FleetRows, Side
from bidding.kernels.whatif.fleet_state import TINY


class FleetNewton(FleetRows):
    """Factors of the system at one point (`factor`), and moves for right-hand sides (`solve`)."""

    def factor(
        self, weights: list[FloatArray], pinned: list[FloatArray], curvature: FloatArray, slack_curvature: FloatArray
    ) -> None:
        """By scenario, weights (J, T, N) of the cells' rules and pinned (m, T, N); of the market side (C,) and (R,)."""
        self.curvature, self.slack_curvature = curvature, slack_curvature
        scenarios = range(len(self.market.met))
        self.chains = self.each(lambda s: Chains(self.cells, weights[s], pinned[s]), scenarios)
        self.of_wear = (
            self.each(lambda s: self._wear_vectors(self.chains[s]), scenarios) if self.market.counts_profit else []
        )
        self.dense = self.each(lambda s: cho_factor(self._dense(s), lower=True), scenarios)
        self._factor_border()

    def _wear_vectors(self, chains: Chains) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """What the row of a scenario's profit shares with chains, also once they are taken out, and with cells."""
        cost = np.broadcast_to(self.cells.cost[:, None], (self.cells.width, *self.cells.rhs.shape))
        moved = chains.factor.solve(cost)
        row = self.cells.energy_rows(moved)
        return row, chains.solve_chain(row), moved, cost

    def _dense(self, s: int) -> FloatArray:
        rows = self.market.met[s]
        found = np.zeros((rows.size, rows.size))
        plain = slice(0, rows.size - self.market.counts_profit)
        for link, members in zip(self.market.links, self.members, strict=True):
            half = link @ self.chains[s].together(members)
            found[plain, plain] += (link @ half.T).T
        if self.market.counts_profit:
            row, through, moved, cost = self.of_wear[s]
            basic = np.stack([moved[DISCHARGE] - moved[CHARGE], *moved[CARRIED:]])
            found[-1, plain] = found[plain, -1] = self._gathered(basic - self.chains[s].from_chain(through))
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
        self.beside = self.each(lambda pair: cho_solve(*pair, check_finite=False), pairs)
        for (_, rows), beside in zip(pairs, self.beside, strict=True):
            small[: border.size, : border.size] += rows.T @ beside
        at = np.arange(border.size)
        small[at, at] += self.curvature[border] + TINY
        small[: border.size, border.size :] = -self.across_border.T
        small[border.size :, : border.size] = self.across_border
        at = border.size + np.arange(across.size)
        small[at, at] += 1.0 / self.slack_curvature[across] + TINY
        self.small = lu_factor(small, check_finite=True)

    def solve(self, side: Side, *, refined: bool) -> Side:
        """H dx - A'dy = columns' side, A dx + dy / slack curvature = rows' side; `refined`: then for what rows miss."""
        found = self._once(side)
        if not refined:
            return found
        scenarios = range(len(self.market.met))
        chain = self.each(lambda s: side.chain[s] - self.cells.energy_rows(found.cells[s]), scenarios)
        rows = side.rows - self.activity(found.cells, found.columns) - found.rows / self.slack_curvature
        nothing = [np.zeros_like(part) for part in side.cells]
        more = self._once(Side(nothing, chain, np.zeros_like(side.columns), rows))
        return Side(
            [one + other for one, other in zip(found.cells, more.cells, strict=True)],
            [one + other for one, other in zip(found.chain, more.chain, strict=True)],
            found.columns + more.columns,
            found.rows + more.rows,
        )

    def _once(self, side: Side) -> Side:
        market, scenarios = self.market, range(len(self.market.met))
        found = self.each(lambda s: self._taken_out(s, side), scenarios)
        right_rows = side.rows.copy()
        for s in scenarios:
            right_rows[market.met[s]] -= found[s][1]
        columns, rows = self._meet(side.columns, right_rows)

        def back(s: int) -> tuple[FloatArray, FloatArray]:
            chain = self._chain_prices(s, found[s][0], rows)
            return self.chains[s].factor.solve(side.cells[s] + self.prices_on_cells(s, rows, chain)), chain

        cells = self.each(back, scenarios)
        for s in scenarios:
            single = self.single[s]
            pulled = side.columns[single] + self.single_rows[s].T @ rows[market.met[s]]
            columns[single] = pulled / (self.curvature[single] + TINY)
        return Side([one[0] for one in cells], [one[1] for one in cells], columns, rows)

    def _taken_out(self, s: int, side: Side) -> tuple[FloatArray, FloatArray]:
        """What is left for the chains of a scenario, and (n,) what they and all else take from the met rows."""
        moved = self.chains[s].factor.solve(side.cells[s])
        chain = side.chain[s] - self.cells.energy_rows(moved)
        through = self.chains[s].solve_chain(chain)
        taken = self._of_cells(moved)
        plain = slice(0, taken.size - self.market.counts_profit)
        taken[plain] += self._gathered(self.chains[s].from_chain(through))
        if self.market.counts_profit:
            taken[-1] += float(np.vdot(self.of_wear[s][0], through))
        single = self.single[s]
        return chain, taken + self.single_rows[s] @ (side.columns[single] / (self.curvature[single] + TINY))

    def _chain_prices(self, s: int, right: FloatArray, rows: FloatArray) -> FloatArray:
        price = rows[self.market.met[s]]
        left = right - self.chains[s].to_chain(self.spread(price[: price.size - self.market.counts_profit]))
        if self.market.counts_profit:
            left = left - self.of_wear[s][0] * price[-1]
        return self.chains[s].solve_chain(left)

    def _meet(self, column_side: FloatArray, right_rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Moves of the border's columns and the prices of all rows of the market side."""
        market, border = self.market, self.border
        right = np.concatenate([column_side[border], right_rows[market.across]])
        pairs = [(dense, right_rows[rows]) for dense, rows in zip(self.dense, market.met, strict=True)]
        own = self.each(lambda pair: cho_solve(*pair, check_finite=False), pairs)
        for first, rows in zip(own, self.border_rows, strict=True):
            right[: border.size] += rows.T @ first
        found = lu_solve(self.small, right)
        columns, prices = np.zeros(self.free.size), np.zeros(right_rows.size)
        columns[border], prices[market.across] = found[: border.size], found[border.size :]
        for first, beside, met in zip(own, self.beside, market.met, strict=True):
            prices[met] = first - beside @ columns[border]
        return columns, prices
