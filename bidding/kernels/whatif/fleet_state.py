"""One scenario's cells on their way through the interior: slack and price of every rule stay above zero."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError

from bidding.kernels.problem import FloatArray
from bidding.kernels.whatif.fleet_cells import CHARGE, DISCHARGE, FleetCells
from bidding.kernels.whatif.fleet_step_loops import (
    drawn_back_cells,
    moved_on,
    reach_of_cells,
    second_order,
)
from bidding.kernels.whatif.fleet_terms import NOTHING, CellSide, Terms


@dataclass(frozen=True)
class CellStep:
    """moved (m, T, N), chain (T, N) prices of the energy rows; wanted (J, T, N) products of slack and price of the
    rules; reach: the longest parts of the step, up to 1, that keep slacks and that keep prices positive.
    """

    moved: FloatArray
    chain: FloatArray
    wanted: FloatArray
    reach: tuple[float, float]


class CellState:
    """x (m, T, N); slack, price (J, T, N) of the rules; chain (T, N) prices of the energy rows."""

    def __init__(self, cells: FleetCells, still: NDArray[np.bool_], weight: float) -> None:
        """still (m, T, N): columns that keep their start; weight of the scenario's wear in the objective."""
        self.cells, self.still, self.weight = cells, still, weight
        self.x = cells.start(still)
        self.idle = np.stack(cells.idle(still))
        self.slack = np.where(self.idle, 1.0, np.stack([rule.value(self.x) for rule in cells.rules]))
        if not (self.slack > 0).all():
            raise LinAlgError("some storage has no inside")
        self.price = np.ones_like(self.slack)
        self.chain = np.zeros(cells.rhs.shape)
        self.cost = np.broadcast_to((weight * cells.cost)[:, None], self.x.shape)
        self.closing = NOTHING

    def copied(self) -> CellState:
        """Moves replace the arrays, so that a shallow copy stays where it is."""
        return copy(self)

    def closed(self, still: NDArray[np.bool_], charges: NDArray[np.bool_], cost: float, mean: float) -> CellState:
        """From here on with one direction, charging where `charges` (T, N), and more columns that stand still.

        Flows are netted but for so little that its product with `cost`, which the other flow has from here on,
        is `mean`.
        """
        found, removed = self.copied(), np.where(still & ~self.still, self.x, 0.0)
        moves = ~(still | self.still)
        lesser = np.minimum(self.x[CHARGE], self.x[DISCHARGE])
        removed[[CHARGE, DISCHARGE]] = np.maximum(lesser - mean / cost, 0.0)
        found.still, found.x = self.still | still, self.x - removed
        found.idle = np.stack(self.cells.idle(found.still))
        change = np.stack([rule.move(removed) for rule in self.cells.rules])
        found.slack = np.where(found.idle, 1.0, self.slack - change)
        found.closing, found.price = np.zeros_like(self.x), np.where(found.idle, mean, self.price)
        for way, lost in ((CHARGE, ~charges), (DISCHARGE, charges)):
            found.closing[way] = cost * (lost & moves[way])
            found.price[self.cells.bound_of(way)] += found.closing[way]
        return found

    def off(self) -> FloatArray:
        """(T, N) MWh that the energy rows miss."""
        return np.asarray(self.cells.rhs - self.cells.energy_rows(self.x), dtype=np.float64)

    def complementarity(self) -> float:
        return float(np.vdot(self.slack, self.price))

    def wear(self) -> float:
        return self.cells.wear(self.x)

    def side(self, unpriced: FloatArray, wanted: FloatArray) -> CellSide:
        """Towards products `wanted` (J, T, N) of slack and price, NOTHING: towards zero."""
        return CellSide(unpriced, self.closing, wanted, self.slack)

    def step(self, moved: FloatArray, chain: FloatArray, wanted: FloatArray) -> CellStep:
        primal, dual = reach_of_cells(self.cells.terms, moved, self.slack, self.price, wanted)
        return CellStep(moved, chain, wanted, (1.0 / max(1.0, -primal), 1.0 / max(1.0, -dual)))

    def wanted(self, step: CellStep, centre: float) -> FloatArray:
        """(J, T, N) products of slack and price, less what a pure Newton `step` leaves out: the second order."""
        found = np.empty_like(self.slack)
        second_order(*self._parts(step), centre, found)
        return found

    def drawn_back(self, step: CellStep, centre: float, reach: tuple[float, float]) -> FloatArray:
        found = np.empty_like(self.slack)
        drawn_back_cells(*self._parts(step), centre, *reach, found)
        return found

    def move(self, step: CellStep, primal: float, dual: float) -> None:
        slack, price = np.empty_like(self.slack), np.empty_like(self.price)
        moved_on(*self._parts(step), primal, dual, slack, price)
        self.slack, self.price = slack, price
        self.x = self.x + primal * step.moved
        self.chain = self.chain + dual * step.chain

    def _parts(self, step: CellStep) -> tuple[Terms, FloatArray, FloatArray, FloatArray, FloatArray]:
        return self.cells.terms, step.moved, self.slack, self.price, step.wanted

    def bound(self, unpriced: FloatArray) -> float:
        """What the cells never cost less than at these prices; what was closed later is open here."""
        lower = np.where(self.cells.still, self.x, self.cells.lower)
        upper = np.where(self.cells.still, self.x, self.cells.upper)
        price = np.where(self.idle, 0.0, self.price)
        reduced = unpriced.copy()
        for rule, value in zip(self.cells.rules, price, strict=True):
            if rule.is_row:
                for column, factor in rule.terms:
                    reduced[column] -= factor * value
        total = float(np.minimum(reduced * lower, reduced * upper).sum()) + float(np.vdot(self.chain, self.cells.rhs))
        for rule, value in zip(self.cells.rules, price, strict=True):
            if rule.is_row:
                total -= float((value * rule.const).sum())
        return total
