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
from bidding.kernels.whatif.stairs import Stairs

MAX_ITERATIONS = 120
FEASIBLE = 1e-8
GAP = 1e-6
MOST_IDLE = 4  # iterations that bring nothing: rounding has the last word
STEP = 0.9995
LEAST_DISTANCE = 1e-13  # what rounding leaves of x - bound may be nothing at all


@dataclass
class Sides:
    """Values between bounds with a price on each: x, lower, upper, at_lower, at_upper; infinite bounds have none."""

    x: FloatArray
    lower: FloatArray
    upper: FloatArray
    at_lower: FloatArray
    at_upper: FloatArray

    @classmethod
    def within(cls, guess: FloatArray, lower: FloatArray, upper: FloatArray, price: float) -> Sides:
        width = np.where(np.isfinite(lower) & np.isfinite(upper), upper - lower, 2.0)
        margin = np.minimum(0.25 * width, 1.0)
        x = np.clip(guess, lower + margin, upper - margin)
        return cls(x, lower, upper, price * np.isfinite(lower), price * np.isfinite(upper))

    @property
    def below(self) -> FloatArray:
        return np.where(np.isfinite(self.lower), np.maximum(self.x - self.lower, LEAST_DISTANCE), 1.0)

    @property
    def above(self) -> FloatArray:
        return np.where(np.isfinite(self.upper), np.maximum(self.upper - self.x, LEAST_DISTANCE), 1.0)

    def curvature(self) -> FloatArray:
        return self.at_lower / self.below + self.at_upper / self.above

    def complementarity(self) -> float:
        return float(self.at_lower @ self.below + self.at_upper @ self.above)

    def count(self) -> int:
        return int(np.isfinite(self.lower).sum() + np.isfinite(self.upper).sum())

    def pull(self, low: FloatArray, high: FloatArray) -> FloatArray:
        return low / self.below - high / self.above

    def targets(self, centre: float, second: tuple[FloatArray, FloatArray] | None) -> tuple[FloatArray, FloatArray]:
        """What the products of distance and price shall become, less what they are; with the second-order part."""
        low = np.where(np.isfinite(self.lower), centre - self.at_lower * self.below, 0.0)
        high = np.where(np.isfinite(self.upper), centre - self.at_upper * self.above, 0.0)
        return (low, high) if second is None else (low - second[0], high - second[1])

    def prices(self, step: FloatArray, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
        return (low - self.at_lower * step) / self.below, (high + self.at_upper * step) / self.above

    def longest(self, step: FloatArray, low: FloatArray, high: FloatArray) -> tuple[float, float]:
        """Largest steps that keep distances and prices positive."""
        primal = _ratio(self.below, np.where(np.isfinite(self.lower), step, 0.0))
        primal = min(primal, _ratio(self.above, np.where(np.isfinite(self.upper), -step, 0.0)))
        return primal, min(_ratio(self.at_lower, low), _ratio(self.at_upper, high))

    def move(self, primal: float, dual: float, step: FloatArray, low: FloatArray, high: FloatArray) -> None:
        self.x = self.x + primal * step
        self.at_lower = self.at_lower + dual * np.where(np.isfinite(self.lower), low, 0.0)
        self.at_upper = self.at_upper + dual * np.where(np.isfinite(self.upper), high, 0.0)


def _ratio(value: FloatArray, step: FloatArray) -> float:
    shrinking = step < 0
    return float(min(1.0, np.min(-value[shrinking] / step[shrinking], initial=1.0)))


def solve_blocks(model: LinearModel, stairs: Stairs, *, time_limit_s: float, gap: float = GAP) -> Solution:
    """The relaxation's optimum, inside its bounds, with a bound that is proven in plain arithmetic (`proven_bound`).

    Status NO_SOLUTION where it does not converge: the caller then asks a general solver.
    """
    with threadpool_limits(1), np.errstate(all="ignore"):  # small matrices: threads would wait for each other
        return _solve(model, stairs, time_limit_s, gap)


def _solve(model: LinearModel, stairs: Stairs, time_limit_s: float, gap: float) -> Solution:
    began = time.perf_counter()
    newton = Newton(model, stairs)
    cost, matrix = model.cost[newton.free], newton.matrix
    columns = Sides.within(np.zeros(cost.size), newton.lower, newton.upper, 1.0)
    equal = newton.equal
    slacks = Sides.within(
        matrix @ columns.x, np.where(equal, -np.inf, newton.row_lower), np.where(equal, np.inf, newton.row_upper), 1.0
    )
    slacks.x = np.where(equal, newton.row_lower, slacks.x)
    row_price = np.zeros(newton.rows)
    best = Solution(Status.NO_SOLUTION, np.inf, -np.inf, np.inf, 0.0, np.empty(0), np.empty(0))
    since_best = 0
    for _ in range(MAX_ITERATIONS):
        primal = slacks.x - matrix @ columns.x
        dual = cost - matrix.T @ row_price - columns.at_lower + columns.at_upper
        row_dual = np.where(equal, 0.0, row_price - slacks.at_lower + slacks.at_upper)
        mean = (columns.complementarity() + slacks.complementarity()) / max(columns.count() + slacks.count(), 1)
        if not np.isfinite(mean):
            break  # no interior: rows or bounds contradict each other
        objective = float(cost @ columns.x) + newton.constant
        if np.abs(primal).max(initial=0.0) <= FEASIBLE * (
            1.0 + np.abs(slacks.x[np.isfinite(slacks.x)]).max(initial=0.0)
        ):
            values = newton.whole_point(columns.x)
            bound = newton.proven_bound(row_price)
            found = relative_gap(objective, bound)
            if found < best.gap:
                best = Solution(Status.OPTIMAL, objective, bound, found, 0.0, values, row_price)
                since_best = 0
        since_best += best.gap < np.inf
        if best.gap <= gap or since_best > MOST_IDLE or time.perf_counter() - began > time_limit_s:
            break
        try:
            newton.factor(columns.curvature(), np.where(equal, np.inf, slacks.curvature()))
        except LinAlgError:
            break  # as near as rounding lets it come
        step = _direction(newton, columns, slacks, primal, dual, row_dual, 0.0, None)
        reach = _reach(columns, slacks, step)
        after = _after(columns, slacks, step, reach)
        centre = mean * (after / max(mean * (columns.count() + slacks.count()), 1e-300)) ** 3
        step = _direction(newton, columns, slacks, primal, dual, row_dual, centre, step)
        reach_p, reach_d = _reach(columns, slacks, step)
        take_p, take_d = min(1.0, STEP * reach_p), min(1.0, STEP * reach_d)
        columns.move(take_p, take_d, step.columns, *step.column_prices)
        slacks.move(take_p, take_d, step.slacks, *step.slack_prices)
        row_price = row_price + take_d * step.rows
    return best


@dataclass(frozen=True)
class Step:
    columns: FloatArray
    slacks: FloatArray
    rows: FloatArray
    column_prices: tuple[FloatArray, FloatArray]
    slack_prices: tuple[FloatArray, FloatArray]


def _direction(
    newton: Newton, columns: Sides, slacks: Sides, primal: FloatArray, dual: FloatArray, row_dual: FloatArray,
    centre: float, before: Step | None,
) -> Step:  # fmt: skip
    """One Newton step towards products of `centre`; `before` gives the second-order correction."""
    second_c = second_s = None
    if before is not None:
        second_c = (before.columns * before.column_prices[0], -before.columns * before.column_prices[1])
        second_s = (before.slacks * before.slack_prices[0], -before.slacks * before.slack_prices[1])
    low_c, high_c = columns.targets(centre, second_c)
    low_s, high_s = slacks.targets(centre, second_s)
    column_side = -dual + columns.pull(low_c, high_c)
    slack_side = -row_dual + slacks.pull(low_s, high_s)
    move, rows = newton.solve(column_side, primal, np.where(newton.equal, 0.0, slack_side))
    slack_move = np.where(newton.equal, 0.0, (slack_side - rows) / np.where(newton.equal, 1.0, newton.slack_curvature))
    return Step(move, slack_move, rows, columns.prices(move, low_c, high_c), slacks.prices(slack_move, low_s, high_s))


def _reach(columns: Sides, slacks: Sides, step: Step) -> tuple[float, float]:
    first = columns.longest(step.columns, *step.column_prices)
    second = slacks.longest(step.slacks, *step.slack_prices)
    return min(first[0], second[0]), min(first[1], second[1])


def _after(columns: Sides, slacks: Sides, step: Step, reach: tuple[float, float]) -> float:
    """The sum of products after a pure Newton step."""
    total = 0.0
    for sides, move, (low, high) in (
        (columns, step.columns, step.column_prices),
        (slacks, step.slacks, step.slack_prices),
    ):
        below = sides.below + reach[0] * np.where(np.isfinite(sides.lower), move, 0.0)
        above = sides.above - reach[0] * np.where(np.isfinite(sides.upper), move, 0.0)
        total += float((sides.at_lower + reach[1] * low * np.isfinite(sides.lower)) @ below)
        total += float((sides.at_upper + reach[1] * high * np.isfinite(sides.upper)) @ above)
    return total
