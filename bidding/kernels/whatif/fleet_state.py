"""One scenario's cells on their way through the interior: slack and price of every rule stay above zero."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError

from bidding.kernels.problem import FloatArray
from bidding.kernels.whatif.fleet_cells import CHARGE, DISCHARGE, FleetCells

TINY = 1e-11
HELD = 1e25  # curvature of what stands still
SPREAD = 10.0  # products further than that from the centre are drawn back


@dataclass(frozen=True)
class CellStep:
    """moved (m, T, N), chain (T, N) prices of the energy rows; slack, price (J, T, N) of the rules."""

    moved: FloatArray
    chain: FloatArray
    slack: FloatArray
    price: FloatArray


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
        self.closing: FloatArray | None = None

    @property
    def pinned(self) -> FloatArray:
        return np.where(self.still, HELD, TINY)

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

    def pulled(self, price: FloatArray, *, rows_only: bool = False) -> FloatArray:
        """(m, T, N): what prices of the rules (J, T, N) are to the columns."""
        found = np.zeros_like(self.x)
        for rule, value in zip(self.cells.rules, price, strict=True):
            if rule.is_row or not rows_only:
                for column, factor in rule.terms:
                    found[column] += factor * value
        return found

    def side(self, unpriced: FloatArray, wanted: FloatArray | None) -> FloatArray:
        """(m, T, N) right-hand side: towards products `wanted` (J, T, N) of slack and price, none: towards zero."""
        side = -unpriced if self.closing is None else -unpriced - self.closing
        return side if wanted is None else side + self.pulled(wanted / self.slack)

    def step(self, moved: FloatArray, chain: FloatArray, wanted: FloatArray | None) -> CellStep:
        slack = np.stack([rule.move(moved) for rule in self.cells.rules])
        price = slack * self.price
        if wanted is None:
            np.negative(price, out=price)
        else:
            np.subtract(wanted, price, out=price)
        price /= self.slack
        price -= self.price
        return CellStep(moved, chain, slack, price)

    def reach(self, step: CellStep) -> tuple[float, float]:
        return _shortest(self.slack, step.slack), _shortest(self.price, step.price)

    def after(self, step: CellStep, primal: float, dual: float) -> float:
        return float(np.vdot(self.slack + primal * step.slack, self.price + dual * step.price))

    def drawn_back(self, step: CellStep, wanted: FloatArray, centre: float, reach: tuple[float, float]) -> FloatArray:
        return wanted + drawn_back(self.slack, step.slack, self.price, step.price, centre, reach)

    def move(self, step: CellStep, primal: float, dual: float) -> None:
        self.x = self.x + primal * step.moved
        self.slack = self.slack + primal * step.slack
        self.price = self.price + dual * step.price
        self.chain = self.chain + dual * step.chain

    def bound(self, unpriced: FloatArray) -> float:
        """What the cells never cost less than at these prices; what was closed later is open here."""
        lower = np.where(self.cells.still, self.x, self.cells.lower)
        upper = np.where(self.cells.still, self.x, self.cells.upper)
        price = np.where(self.idle, 0.0, self.price)
        reduced = unpriced - self.pulled(price, rows_only=True)
        total = float(np.minimum(reduced * lower, reduced * upper).sum()) + float(np.vdot(self.chain, self.cells.rhs))
        for rule, value in zip(self.cells.rules, price, strict=True):
            if rule.is_row:
                total -= float((value * rule.const).sum())
        return total


def drawn_back(
    slack: FloatArray,
    move: FloatArray,
    price: FloatArray,
    change: FloatArray,
    centre: float,
    reach: tuple[float, float],
) -> FloatArray:
    """Gondzio (1996, doi:10.1007/BF00249643): what a longer step would throw far from the centre is drawn back."""
    product = (slack + reach[0] * move) * (price + reach[1] * change)
    return np.maximum(np.clip(product, centre / SPREAD, centre * SPREAD) - product, -SPREAD * centre)


def _shortest(value: FloatArray, step: FloatArray) -> float:
    return 1.0 / max(1.0, -float((step / value).min(initial=0.0)))
