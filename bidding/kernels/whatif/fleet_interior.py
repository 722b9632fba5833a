"""The interior point method of `blocks` for any number of storages that all differ: each is a chain of its own."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from scipy.linalg import LinAlgError
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from bidding.kernels.problem import FloatArray
from bidding.kernels.solver import Status
from bidding.kernels.whatif.blocks import MAX_ITERATIONS, MOST_IDLE, STEP
from bidding.kernels.whatif.fleet_progress import OFF, FleetPoint, FleetState, FleetStep, Wanted
from bidding.kernels.whatif.fleet_rows import Side, Wished
from bidding.kernels.whatif.fleet_step_loops import SPREAD
from bidding.kernels.whatif.fleet_terms import NOTHING
from bidding.kernels.whatif.sides import Sides

LONGER = 0.3  # a step that much longer is hoped for when products are drawn back
MOST_DRAWN_BACK, LEAST_GAIN = 3, 0.03
MOST_CENTRED = 0.2  # of the mean of all products
WORTH_A_PROOF = 0.1  # apart, as sums of products have it
REFINED_FROM = 3e-3  # apart; before that, rounding does not count
SHORT = 0.003  # steps that lead nowhere
CENTRED = 0.95  # a step of that length needs no drawing back


def solve_fleet(at: FleetState, *, time_limit_s: float, gap: float, off: float = OFF) -> tuple[FleetPoint, FleetState]:
    """The relaxation's optimum, inside its bounds, with a bound proven in plain arithmetic; and the state it was in.

    off : MW and MWh that its rows may miss. Status NO_SOLUTION where it does not converge, with a bound all the same.
    """
    with threadpool_limits(1), np.errstate(all="ignore"):
        return _solve(at, time_limit_s, gap, off)


def _solve(at: FleetState, time_limit_s: float, gap: float, off: float) -> tuple[FleetPoint, FleetState]:
    began, since_best, stuck, there, least = time.perf_counter(), 0, 0, at, np.inf
    best = FleetPoint(Status.NO_SOLUTION, [], np.empty(0), np.inf, -np.inf, np.inf)
    for number in range(MAX_ITERATIONS):  # `apart`: a closed problem is solved although its gap to the open one stays
        left, mean, spent_s = at.residuals(), at.mean(), time.perf_counter() - began
        if not np.isfinite(mean):
            break
        apart = mean * at.pairs() / max(abs(at.objective()), 1e-9)
        if at.off(left) <= off and apart < min(least, WORTH_A_PROOF):
            point = at.point(left)
            best, since_best, there, least = point, 0, at.copied(), min(apart, point.gap)
        since_best += least < np.inf
        if least <= gap or max(since_best, stuck) > MOST_IDLE or spent_s > time_limit_s:
            break
        try:
            at.factor()
        except (LinAlgError, ValueError):
            break  # as near as rounding lets it come
        step, reach = _step(at, left, mean, refined=apart <= REFINED_FROM)
        stuck = stuck + 1 if max(reach) < SHORT and number > MOST_IDLE else 0
        at.move(step, min(1.0, STEP * reach[0]), min(1.0, STEP * reach[1]))
    return (best if best.status is Status.OPTIMAL else replace(best, bound=_bound(at))), there


def _bound(at: FleetState) -> float:
    """What is proven wherever it stands."""
    bound = at.bound(at.residuals().cells)
    return bound if np.isfinite(bound) else -np.inf


def _step(at: FleetState, left: Side, mean: float, *, refined: bool) -> tuple[FleetStep, tuple[float, float]]:
    """Mehrotra's predictor and corrector, and then Gondzio's correctors as long as the step gains by them."""
    first = _direction(at, left, None, refined=False)
    centre = mean * min(MOST_CENTRED, (1.0 - min(_reach(at, first))) ** 2)
    wanted = _wanted(at, centre, first)
    step = _direction(at, left, wanted, refined=refined)
    reach = _reach(at, step)
    for _ in range(MOST_DRAWN_BACK):
        if min(reach) > CENTRED:
            break
        wanted = _more_central(at, step, wanted, centre, reach)
        again = _direction(at, left, wanted, refined=refined)
        longer = _reach(at, again)
        if sum(longer) < sum(reach) + LEAST_GAIN:
            break
        step, reach = again, longer
    return step, reach


def _wanted(at: FleetState, centre: float, before: FleetStep) -> Wanted:
    """`centre`, less the products of the pure Newton step: the second order."""
    columns, rows = before.columns, before.row_slack
    return Wanted(
        at.newton.each(lambda s: at.cells[s].wanted(before.cells[s], centre), range(len(at.cells))),
        (centre - columns * before.column_prices[0], centre + columns * before.column_prices[1]),
        (centre - rows * before.row_prices[0], centre + rows * before.row_prices[1]),
    )


def _more_central(at: FleetState, step: FleetStep, wanted: Wanted, centre: float, reach: tuple[float, float]) -> Wanted:
    hoped = min(1.0, reach[0] + LONGER), min(1.0, reach[1] + LONGER)

    def both(
        sides: Sides, move: FloatArray, prices: tuple[FloatArray, FloatArray], so_far: tuple[FloatArray, FloatArray]
    ) -> tuple[FloatArray, FloatArray]:
        low = _drawn_back(sides.below, move, sides.at_lower, prices[0], centre, hoped)
        high = _drawn_back(sides.above, -move, sides.at_upper, prices[1], centre, hoped)
        return so_far[0] + low, so_far[1] + high

    return Wanted(
        at.newton.each(lambda s: at.cells[s].drawn_back(step.cells[s], centre, hoped), range(len(at.cells))),
        both(at.columns, step.columns, step.column_prices, wanted.columns),
        both(at.rows, step.row_slack, step.row_prices, wanted.rows),
    )


def _drawn_back(
    slack: FloatArray,
    move: FloatArray,
    price: FloatArray,
    change: FloatArray,
    centre: float,
    reach: tuple[float, float],
) -> FloatArray:
    """As `drawn_back_cells`; distances to no bound are infinite, and nothing is wanted of them."""
    product = (slack + reach[0] * move) * (price + reach[1] * change)
    return np.maximum(np.clip(product, centre / SPREAD, centre * SPREAD) - product, -SPREAD * centre)


def _missing(sides: Sides, wanted: tuple[FloatArray, FloatArray] | None) -> tuple[FloatArray, FloatArray]:
    low, high = (0.0, 0.0) if wanted is None else wanted
    return (
        np.where(np.isfinite(sides.lower), low - sides.at_lower * sides.below, 0.0),
        np.where(np.isfinite(sides.upper), high - sides.at_upper * sides.above, 0.0),
    )


def _direction(at: FleetState, left: Side, wanted: Wanted | None, *, refined: bool) -> FleetStep:
    """One Newton step towards the products that are wanted, none: towards zero."""
    newton, columns, rows = at.newton, at.columns, at.rows
    low_c, high_c = _missing(columns, None if wanted is None else wanted.columns)
    low_r, high_r = _missing(rows, None if wanted is None else wanted.rows)
    row_dual = at.row_price - rows.at_lower + rows.at_upper
    row_side = np.where(newton.equal, 0.0, -row_dual + rows.pull(low_r, high_r))
    loose = np.where(newton.equal, 1.0, newton.slack_curvature)
    scenarios, goals = range(len(at.cells)), [NOTHING] * len(at.cells) if wanted is None else wanted.cells
    found = newton.solve(
        Wished(
            [at.cells[s].side(left.cells[s], goals[s]) for s in scenarios],
            left.chain,
            -left.columns + columns.pull(low_c, high_c),
            left.rows + np.where(newton.equal, 0.0, row_side / loose),
        ),
        refined=refined,
    )
    row_slack = np.where(newton.equal, 0.0, (row_side - found.rows) / loose)
    return FleetStep(
        newton.each(lambda s: at.cells[s].step(found.cells[s], found.chain[s], goals[s]), scenarios),
        found.columns, found.rows, row_slack,
        columns.prices(found.columns, low_c, high_c), rows.prices(row_slack, low_r, high_r),
    )  # fmt: skip


def _reach(at: FleetState, step: FleetStep) -> tuple[float, float]:
    """Largest steps that keep slacks and prices positive."""
    parts = [
        *(one.reach for one in step.cells),
        at.columns.longest(step.columns, *step.column_prices),
        at.rows.longest(step.row_slack, *step.row_prices),
    ]
    return min(part[0] for part in parts), min(part[1] for part in parts)
