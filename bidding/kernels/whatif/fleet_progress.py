"""Where the interior point method of a fleet stands, and what a step of it is; a minimisation."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np

from bidding.kernels.problem import FloatArray
from bidding.kernels.solver import Status, relative_gap
from bidding.kernels.whatif.fleet_market import Index
from bidding.kernels.whatif.fleet_newton import FleetNewton
from bidding.kernels.whatif.fleet_rows import Side
from bidding.kernels.whatif.fleet_state import CellState, CellStep
from bidding.kernels.whatif.sides import Sides

NEAR = 1e-3  # MW from a bound that is new
OFF = 3e-7  # MW or MWh that rows may miss, and of money relatively


@dataclass(frozen=True)
class FleetPoint:
    """x (m, T, N) of the cells by scenario; values of the market side's columns; as a minimisation."""

    status: Status
    x: list[FloatArray]
    values: FloatArray
    objective: float
    bound: float
    gap: float


class FleetState:
    """Where the iteration stands: cells by scenario; columns and rows of the market side, prices of its rows."""

    def __init__(self, newton: FleetNewton, cells: list[CellState]) -> None:
        self.newton, self.cells = newton, cells
        guess = newton.market_guess([one.x for one in cells])
        self.columns = Sides.within(guess, newton.lower, newton.upper, 1.0)
        self.rows = Sides.within(
            newton.activity([one.x for one in cells], self.columns.x),
            np.where(newton.equal, -np.inf, newton.row_lower),
            np.where(newton.equal, np.inf, newton.row_upper),
            1.0,
        )
        self.rows.x = np.where(newton.equal, newton.row_lower, self.rows.x)
        for sides in (self.columns, self.rows):  # far from a bound, its price is little: products begin alike
            sides.at_lower, sides.at_upper = (
                sides.at_lower / np.maximum(sides.below, 1.0),
                sides.at_upper / np.maximum(sides.above, 1.0),
            )
        self.row_price = np.zeros(newton.row_lower.size)

    def copied(self) -> FleetState:
        found = copy(self)
        found.cells = [one.copied() for one in self.cells]
        found.columns, found.rows = copy(self.columns), copy(self.rows)
        return found

    def onwards(self, newton: FleetNewton, cells: list[CellState]) -> FleetState:
        """On with other bounds of the market side, and other cells; what changes begins as central as the rest is."""
        found, before, mean = self.copied(), self.newton, self.mean()
        found.newton, found.cells = newton, cells
        number = np.full(before.fixed.size, -1, dtype=np.int64)
        number[before.free] = np.arange(before.free.size)
        kept = number[newton.free]
        found.columns = _carried_on(self.columns, kept, self.columns.x[kept], newton.lower, newton.upper, mean)
        activity = newton.activity([one.x for one in cells], found.columns.x)
        low = np.where(newton.equal, -np.inf, newton.row_lower)
        high = np.where(newton.equal, np.inf, newton.row_upper)
        found.rows = _carried_on(self.rows, np.arange(activity.size), activity, low, high, mean)
        found.rows.x = np.where(newton.equal, newton.row_lower, found.rows.x)
        return found

    def residuals(self) -> Side:
        """What rows miss, and cost less what rows pay, of cells and columns."""
        newton = self.newton
        primal = self.rows.x - newton.activity([one.x for one in self.cells], self.columns.x)
        dual = newton.cost - newton.transposed @ self.row_price - self.columns.at_lower + self.columns.at_upper
        unpriced = newton.each(
            lambda s: self.cells[s].cost - newton.prices_on_cells(s, self.row_price, self.cells[s].chain),
            range(len(self.cells)),
        )
        return Side(unpriced, newton.each(CellState.off, self.cells), dual, primal)

    def off(self, left: Side) -> float:
        """MW or MWh that the rows of things miss; money is counted again in the end."""
        missed = np.abs(left.rows)
        if self.newton.market.counts_profit:
            missed[self.newton.market.met[:, -1]] *= 1.0 / (1.0 + abs(self.objective()))
        return max(missed.max(initial=0.0), max(float(np.abs(part).max()) for part in left.chain))

    def opened(self, before: FleetState) -> FleetState:
        """The same prices, for the bounds of the market side that were there before."""
        found = self.copied()
        found.newton, found.columns = before.newton, before.columns
        return found

    def point(self, left: Side | None = None) -> FleetPoint:
        left = self.residuals() if left is None else left
        values = self.newton.fixed.copy()
        values[self.newton.free] = np.clip(self.columns.x, self.newton.lower, self.newton.upper)
        objective, bound = self.objective(), self.bound(left.cells)
        return FleetPoint(
            Status.OPTIMAL, [one.x for one in self.cells], values, objective, bound, relative_gap(objective, bound)
        )

    def factor(self) -> None:
        newton = self.newton
        curvature = np.where(newton.equal, np.inf, self.rows.curvature())
        newton.factor(self.cells, self.columns.curvature(), curvature)

    def pairs(self) -> int:
        return sum(one.slack.size for one in self.cells) + self.columns.count() + self.rows.count()

    def mean(self) -> float:
        inside = sum(self.newton.each(CellState.complementarity, self.cells))
        return float(inside + self.columns.complementarity() + self.rows.complementarity()) / self.pairs()

    def objective(self) -> float:
        wear = sum(one.weight * one.wear() for one in self.cells)
        return float(self.newton.cost @ self.columns.x) + self.newton.constant + wear

    def bound(self, unpriced: list[FloatArray]) -> float:
        """What no point costs less than: weak duality over the bounds of all columns, in plain arithmetic."""
        newton = self.newton
        y = np.where(np.isneginf(newton.row_lower), np.minimum(self.row_price, 0.0), self.row_price)
        y = np.where(np.isposinf(newton.row_upper), np.maximum(y, 0.0), y)
        reduced = newton.cost - newton.transposed @ y
        total = newton.constant + float(np.minimum(reduced * newton.lower, reduced * newton.upper).sum())
        side = np.where(y >= 0, newton.row_lower, newton.row_upper)
        total += float(y @ np.where(y != 0, side, 0.0))

        def of_cells(s: int) -> float:
            change = newton.prices_on_cells(s, y - self.row_price, np.zeros(self.cells[s].chain.shape))
            return self.cells[s].bound(unpriced[s] - change)

        return total + float(sum(newton.each(of_cells, range(len(self.cells)))))

    def move(self, step: FleetStep, primal: float, dual: float) -> None:
        for one, part in zip(self.cells, step.cells, strict=True):
            one.move(part, primal, dual)
        self.columns.move(primal, dual, step.columns, *step.column_prices)
        self.rows.move(primal, dual, step.row_slack, *step.row_prices)
        self.row_price = self.row_price + dual * step.rows


def _carried_on(
    sides: Sides, kept: Index, guess: FloatArray, lower: FloatArray, upper: FloatArray, mean: float
) -> Sides:
    """`sides` of `kept`; where their bounds are others now, near `guess` with products of `mean`."""
    width = np.where(np.isfinite(lower) & np.isfinite(upper), upper - lower, np.inf)
    margin = np.minimum(0.25 * width, NEAR)
    fresh = Sides(np.clip(guess, lower + margin, upper - margin), lower, upper, lower, upper)
    same = (sides.lower[kept] == lower) & (sides.upper[kept] == upper)
    return Sides(
        np.where(same, sides.x[kept], fresh.x), lower, upper,
        np.where(same, sides.at_lower[kept], mean / fresh.below * np.isfinite(lower)),
        np.where(same, sides.at_upper[kept], mean / fresh.above * np.isfinite(upper)),
    )  # fmt: skip


@dataclass(frozen=True)
class FleetStep:
    cells: list[CellStep]
    columns: FloatArray
    rows: FloatArray
    row_slack: FloatArray
    column_prices: tuple[FloatArray, FloatArray]
    row_prices: tuple[FloatArray, FloatArray]


@dataclass(frozen=True)
class Wanted:
    """What products of slack and price shall become: of the cells' rules, of columns and rows below and above."""

    cells: list[FloatArray]
    columns: tuple[FloatArray, FloatArray]
    rows: tuple[FloatArray, FloatArray]
