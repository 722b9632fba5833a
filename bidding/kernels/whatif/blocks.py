"""An interior point method for many scenarios: the same linear programme, solved along its own structure.

Storages of a scenario meet in a few rows per interval (balance, reserves carried, feeders), intervals in the energy
row, scenarios in the positions. Mehrotra's predictor and corrector (1992, doi:10.1137/0802028) with the Newton system
reduced in that order: inequalities within a cell (scenario, storage, interval) into its small Hessian, cells into a
band per scenario (factored by LAPACK), bands into a dense system of the positions. Time grows with scenarios and
intervals in proportion, where a general solver's fill-in does not.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from bidding.kernels.solver import FloatArray, LinearModel, Solution, Status, relative_gap
from bidding.kernels.whatif.newton import Newton
from bidding.kernels.whatif.sides import Sides
from bidding.kernels.whatif.stairs import Stairs

MAX_ITERATIONS = 120
FEASIBLE = 1e-8
GAP = 1e-6
MOST_IDLE = 4  # iterations that bring nothing: rounding has the last word
STEP = 0.9995


def solve_blocks(model: LinearModel, stairs: Stairs, *, time_limit_s: float, gap: float = GAP) -> Solution:
    """The relaxation's optimum, inside its bounds, with a bound that is proven in plain arithmetic (`proven_bound`).

    Status NO_SOLUTION where it does not converge: the caller then asks a general solver.
    """
    deadline = time.perf_counter() + time_limit_s
    with threadpool_limits(1), np.errstate(all="ignore"):  # small matrices: threads would wait for each other
        return _solve(_Interior(model, stairs), deadline, gap)


def _solve(at: _Interior, deadline: float, gap: float) -> Solution:
    best, since_best = Solution(Status.NO_SOLUTION, np.inf, -np.inf, np.inf, 0.0, np.empty(0), np.empty(0)), 0
    for _ in range(MAX_ITERATIONS):
        left, mean = at.residuals(), at.mean()
        if not np.isfinite(mean):
            break  # no interior: rows or bounds contradict each other
        if at.is_feasible(left) and (point := at.point()).gap < best.gap:
            best, since_best = point, 0
        since_best += best.gap < np.inf
        if best.gap <= gap or since_best > MOST_IDLE or time.perf_counter() > deadline:
            break
        try:
            at.factor()
        except LinAlgError:
            break  # as near as rounding lets it come
        at.advance(left, mean)
    return best


@dataclass(frozen=True)
class _Residuals:
    """What is missing still: rows (R,) in the units of the rows, columns (C,) and slacks (R,) in their prices."""

    rows: FloatArray
    columns: FloatArray
    slacks: FloatArray


@dataclass(frozen=True)
class _Step:
    columns: FloatArray
    slacks: FloatArray
    rows: FloatArray
    column_prices: tuple[FloatArray, FloatArray]
    slack_prices: tuple[FloatArray, FloatArray]


class _Interior:
    """Where the iteration stands: columns (C,) and slacks of the rows (R,) off their bounds, and row_price (R,)."""

    def __init__(self, model: LinearModel, stairs: Stairs) -> None:
        self.newton = newton = Newton(model, stairs)
        self.cost, self.equal = model.cost[newton.free], newton.equal
        self.columns = Sides.within(np.zeros(self.cost.size), newton.lower, newton.upper, 1.0)
        lower, upper = np.where(self.equal, -np.inf, newton.row_lower), np.where(self.equal, np.inf, newton.row_upper)
        self.slacks = Sides.within(newton.matrix @ self.columns.x, lower, upper, 1.0)
        self.slacks.x = np.where(self.equal, newton.row_lower, self.slacks.x)
        self.row_price = np.zeros(newton.rows)

    def residuals(self) -> _Residuals:
        columns, slacks, matrix = self.columns, self.slacks, self.newton.matrix
        return _Residuals(
            slacks.x - matrix @ columns.x,
            self.cost - matrix.T @ self.row_price - columns.at_lower + columns.at_upper,
            np.where(self.equal, 0.0, self.row_price - slacks.at_lower + slacks.at_upper),
        )

    def pairs(self) -> int:
        """How many bounds there are."""
        return self.columns.count() + self.slacks.count()

    def mean(self) -> float:
        """Of all products of a distance and its price."""
        return (self.columns.complementarity() + self.slacks.complementarity()) / max(self.pairs(), 1)

    def is_feasible(self, left: _Residuals) -> bool:
        largest = np.abs(self.slacks.x[np.isfinite(self.slacks.x)]).max(initial=0.0)
        return bool(np.abs(left.rows).max(initial=0.0) <= FEASIBLE * (1.0 + largest))

    def point(self) -> Solution:
        objective = float(self.cost @ self.columns.x) + self.newton.constant
        bound, values = self.newton.proven_bound(self.row_price), self.newton.whole_point(self.columns.x)
        return Solution(
            Status.OPTIMAL, objective, bound, relative_gap(objective, bound), 0.0, values, self.row_price
        )  # fmt: skip

    def factor(self) -> None:
        """Raises LinAlgError."""
        self.newton.factor(self.columns.curvature(), np.where(self.equal, np.inf, self.slacks.curvature()))

    def advance(self, left: _Residuals, mean: float) -> None:
        """Mehrotra's predictor, and his corrector as far as it goes."""
        step = self._direction(left, 0.0, None)
        after = self._after(step, self._reach(step))
        centre = mean * (after / max(mean * self.pairs(), 1e-300)) ** 3
        step = self._direction(left, centre, step)
        primal, dual = (min(1.0, STEP * reach) for reach in self._reach(step))
        self.columns.move(primal, dual, step.columns, *step.column_prices)
        self.slacks.move(primal, dual, step.slacks, *step.slack_prices)
        self.row_price = self.row_price + dual * step.rows

    def _direction(self, left: _Residuals, centre: float, before: _Step | None) -> _Step:
        """One Newton step towards products of `centre`; `before` gives the second-order correction."""
        newton, columns, slacks = self.newton, self.columns, self.slacks
        second_c = second_s = None
        if before is not None:
            second_c = (before.columns * before.column_prices[0], -before.columns * before.column_prices[1])
            second_s = (before.slacks * before.slack_prices[0], -before.slacks * before.slack_prices[1])
        low_c, high_c = columns.targets(centre, second_c)
        low_s, high_s = slacks.targets(centre, second_s)
        column_side = -left.columns + columns.pull(low_c, high_c)
        slack_side = -left.slacks + slacks.pull(low_s, high_s)
        move, rows = newton.solve(column_side, left.rows, np.where(self.equal, 0.0, slack_side))
        curvature = np.where(self.equal, 1.0, newton.slack_curvature)
        slack_move = np.where(self.equal, 0.0, (slack_side - rows) / curvature)
        prices = columns.prices(move, low_c, high_c), slacks.prices(slack_move, low_s, high_s)
        return _Step(move, slack_move, rows, *prices)

    def _reach(self, step: _Step) -> tuple[float, float]:
        """Largest steps that keep distances, and prices, positive."""
        first = self.columns.longest(step.columns, *step.column_prices)
        second = self.slacks.longest(step.slacks, *step.slack_prices)
        return min(first[0], second[0]), min(first[1], second[1])

    def _after(self, step: _Step, reach: tuple[float, float]) -> float:
        """The sum of products after a pure Newton step."""
        total = 0.0
        for sides, move, (low, high) in (
            (self.columns, step.columns, step.column_prices),
            (self.slacks, step.slacks, step.slack_prices),
        ):
            below = sides.below + reach[0] * np.where(np.isfinite(sides.lower), move, 0.0)
            above = sides.above - reach[0] * np.where(np.isfinite(sides.upper), move, 0.0)
            total += float((sides.at_lower + reach[1] * low * np.isfinite(sides.lower)) @ below)
            total += float((sides.at_upper + reach[1] * high * np.isfinite(sides.upper)) @ above)
        return total
