"""The rows of the market side and the energy rows, as products with a fleet's cells and the market's free columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bidding.kernels.problem import FloatArray
from bidding.kernels.solver import LinearModel
from bidding.kernels.whatif.fleet_cells import CARRIED, CHARGE, DISCHARGE, FleetCells
from bidding.kernels.whatif.fleet_market import MarketSide
from bidding.kernels.whatif.fleet_terms import CellSide

Each = Callable[[Callable[[Any], Any], Iterable[Any]], list[Any]]


def serially(function: Callable[[Any], Any], parts: Iterable[Any]) -> list[Any]:
    return [function(part) for part in parts]


@dataclass
class Side:
    """What is missed, or moves: S of cells (m, T, N) and chain (T, N); columns (C,), rows (R,) of the market side."""

    cells: list[FloatArray]
    chain: list[FloatArray]
    columns: FloatArray
    rows: FloatArray


@dataclass
class Wished:
    """Right-hand sides of a Newton step; of the cells what they are made of."""

    cells: list[CellSide]
    chain: list[FloatArray]
    columns: FloatArray
    rows: FloatArray


class FleetRows:
    """The free columns of the market side are numbered anew; the rows as in the model."""

    def __init__(
        self, cells: FleetCells, market: MarketSide, model: LinearModel, members: list[slice], each: Each = serially
    ) -> None:
        """model : the market side's with its bounds of now; members: the storages of each class, in their order.

        each : maps over scenarios, on several cores if it likes.
        """
        self.cells, self.market, self.members, self.each = cells, market, members, each
        self.plain = market.met.shape[1] - market.counts_profit
        self.edges = np.array([0, *(one.stop for one in members)], dtype=np.int64)
        others = market.others
        self.free = others[model.upper[others] > model.lower[others]]
        number = np.full(model.cost.size, -1, dtype=np.int64)
        number[self.free] = np.arange(self.free.size)
        fixed = np.where(number >= 0, 0.0, model.lower)
        fixed[np.setdiff1d(np.arange(model.cost.size), others)] = 0.0
        part = model.rows @ fixed
        self.constant = model.constant + float(model.cost @ fixed)
        self.fixed, self.cost = fixed, model.cost[self.free]
        self.lower, self.upper = model.lower[self.free], model.upper[self.free]
        self.row_lower, self.row_upper = model.row_lower - part, model.row_upper - part
        empty = np.setdiff1d(np.flatnonzero(np.diff(model.rows[:, self.free].indptr) == 0), market.met)
        self.row_lower[empty], self.row_upper[empty] = -1.0, 1.0  # rows whose columns are all fixed: nothing to keep
        self.equal = self.row_lower >= self.row_upper - 1e-12
        self.matrix = model.rows[:, self.free].tocsr()
        self.transposed = self.matrix.T.tocsr()
        self.single = [kept[kept >= 0] for kept in number[market.single]]
        self.border = number[market.border][number[market.border] >= 0]
        self._prepare()

    def _prepare(self) -> None:
        market = self.market
        self.single_rows = [
            self.matrix[rows][:, single].tocsr() for rows, single in zip(market.met, self.single, strict=True)
        ]
        beside = [self.matrix[rows][:, self.border].toarray() for rows in market.met]
        self.touched = [np.flatnonzero(part.any(axis=0)) for part in beside]
        self.border_rows = [np.asfortranarray(part[:, at]) for part, at in zip(beside, self.touched, strict=True)]
        self.across_border = self.matrix[market.across][:, self.border].toarray()

    def activity(self, x: list[FloatArray], columns: FloatArray) -> FloatArray:
        """(R,) of the rows of the market side; x of the cells (m, T, N), by scenario."""
        found = self.matrix @ columns
        for rows, part in zip(self.market.met, self.each(self._of_cells, x), strict=True):
            found[rows] += part
        return np.asarray(found, dtype=np.float64)

    def _of_cells(self, x: FloatArray) -> FloatArray:
        """(n,) what one scenario's cells (m, T, N) add to the rows in which they meet."""
        found = self.gathered(self._sums(np.stack([x[DISCHARGE] - x[CHARGE], *x[CARRIED:]])))
        return np.append(found, self.cells.wear(x)) if self.market.counts_profit else found

    def _sums(self, basic: FloatArray) -> FloatArray:
        """(F, B, T) from basic movements (B, T, N)."""
        return np.stack([basic[..., members].sum(axis=2) for members in self.members])

    def gathered(self, sums: FloatArray) -> FloatArray:
        """(n',) from basic movements (F, B, T) of all storages of a class."""
        return np.asarray(sum(link @ own.T.ravel() for link, own in zip(self.market.links, sums, strict=True)))

    def shares(self, price: FloatArray) -> FloatArray:
        """(F, B, T): prices (n',) of the met rows on the basic movements of each class."""
        shape = (self.cells.rhs.shape[0], self.cells.width - CARRIED + 1)
        return np.stack([(link.T @ price).reshape(shape).T for link in self.market.links])

    def prices_on_cells(self, s: int, rows: FloatArray, chain: FloatArray) -> FloatArray:
        """(m, T, N): transposed rows times prices (R,) and, of the energy rows, (T, N)."""
        price = rows[self.market.met[s]]
        found = self.cells.energy_columns(chain)
        for members, basic in zip(self.members, self.shares(price[: self.plain]), strict=True):
            found[CHARGE, :, members] -= basic[0][:, None]
            found[DISCHARGE, :, members] += basic[0][:, None]
            found[CARRIED:, :, members] += basic[1:, :, None]
        if self.market.counts_profit:
            found += price[-1] * self.cells.cost[:, None]
        return found

    def market_guess(self, x: list[FloatArray]) -> FloatArray:
        """(C,) reserves sold as they are carried and deviations as the cells move: the rows begin nearly met."""
        columns, reserves, guess = self.market.columns, self.cells.problem.reserves, np.zeros(self.fixed.size)
        for number, (item, position) in enumerate(zip(reserves, columns.reserve, strict=True)):
            carried = np.mean([one[CARRIED + number].sum(axis=1) for one in x], axis=0)
            guess[position] = np.bincount(item.block, weights=carried) / np.bincount(item.block)
        if columns.surplus is not None and columns.deficit is not None:
            net = np.stack([(one[DISCHARGE] - one[CHARGE]).sum(axis=1) for one in x])
            guess[columns.surplus], guess[columns.deficit] = 1.0 + np.maximum(net, 0.0), 1.0 + np.maximum(-net, 0.0)
        return guess[self.free]
