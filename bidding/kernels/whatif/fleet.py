"""A what-if problem of many storages that all differ, solved whole: every storage with its own limits, no grouping.

The relaxation is solved along the storages (`fleet_interior`). Near its optimum minimums and directions are fixed as
the point has them, and the iteration goes on from there; its prices still prove the bound of the open problem.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError

from bidding.kernels.solver import LinearModel, SolverFailed, SolverOptions, Status, relative_gap
from bidding.kernels.whatif.fleet_cells import CARRIED, CHARGE, DISCHARGE, FleetCells
from bidding.kernels.whatif.fleet_interior import solve_fleet
from bidding.kernels.whatif.fleet_market import Index, feeder_classes, market_side, without_idle_limits
from bidding.kernels.whatif.fleet_newton import FleetNewton
from bidding.kernels.whatif.fleet_plan import FleetSolved, FleetUnfinished, ordered, plan_of
from bidding.kernels.whatif.fleet_presolve import settled
from bidding.kernels.whatif.fleet_progress import OFF, FleetPoint, FleetState
from bidding.kernels.whatif.fleet_rows import Each, serially
from bidding.kernels.whatif.fleet_state import CellState
from bidding.kernels.whatif.stated import WhatIf
from bidding.kernels.whatif.whole import rounded

AIM = 2e-4
SETTLED_AT = 6e-3  # gap of the relaxation at which directions and minimums are plain
NEAR_GAP, NEAR_OFF = 2e-2, 0.05  # from where it goes on with these: gap, and MW that rows may miss
WIDE = 1e-3  # a proof wider than that is sought again with open directions
CLOSING = 4.0  # what a closed direction costs, in the largest price of energy in store


def solve_whole_fleet(problem: WhatIf, options: SolverOptions) -> FleetSolved:
    """Raises FleetUnfinished where the iteration does not converge, or not in time."""
    workers = min(problem.scenarios, os.cpu_count() or 1)
    if workers == 1:
        return _Run(problem, options, serially).solved()
    with ThreadPoolExecutor(workers) as pool:
        return _Run(problem, options, lambda function, parts: list(pool.map(function, parts))).solved()


class _Run:
    def __init__(self, problem: WhatIf, options: SolverOptions, each: Each) -> None:
        self.began, self.options, self.each = time.perf_counter(), options, each
        problem = without_idle_limits(problem)
        class_of = feeder_classes(problem)
        self.order: Index = np.argsort(class_of, kind="stable")
        self.problem = replace(problem, fleet=ordered(problem.fleet, self.order))
        class_of = class_of[self.order]
        edges = [np.searchsorted(class_of, [one, one + 1]) for one in np.unique(class_of)]
        self.members = [slice(int(first), int(last)) for first, last in edges]
        self.cells, self.market = FleetCells(self.problem), market_side(self.problem, class_of)
        self.model = self.market.model.relaxed()
        self.seconds = {"build": time.perf_counter() - self.began}
        self.bound = -np.inf

    def solved(self) -> FleetSolved:
        try:
            return self._solved()
        except LinAlgError as error:
            raise FleetUnfinished(SolverFailed(Status.NO_SOLUTION, str(error)), -self.bound) from error
        except SolverFailed as error:
            raise FleetUnfinished(error, -self.bound) from error

    def _solved(self) -> FleetSolved:
        weights = np.zeros_like(self.problem.probability) if self.market.counts_profit else self.problem.probability
        cells = [CellState(self.cells, self.cells.still, float(weight)) for weight in weights]
        first = FleetState(self._newton(self.model), cells)
        point, near = self._run("relax", first.copied(), NEAR_GAP, NEAR_OFF)
        self.bound = point.bound
        point, decided = self._run("relax", near.copied(), SETTLED_AT, NEAR_OFF)
        self.bound = max(self.bound, point.bound)
        try:
            best, last = self._closed(near, decided)
        except SolverFailed:  # too near the rows that moved: from the start, with the same directions
            near = first
            best, last = self._closed(near, decided, afresh=True)
        bound = max(self.bound, last.opened(near).point().bound)
        if relative_gap(best.objective, bound) > WIDE and self._left_s() > 0:
            best, bound = self._again(near, decided, best, bound)
        self.seconds["total"] = time.perf_counter() - self.began
        plan = plan_of(self.problem, self.market.columns, best.x, best.values, self.order)
        return FleetSolved(plan, -best.objective, -bound, self.seconds)

    def _again(self, near: FleetState, decided: FleetState, best: FleetPoint, bound: float) -> tuple[FleetPoint, float]:
        """The bound from open directions to its end, and what is closed as that point has it."""
        try:
            tight, last = self._run("bound", decided, AIM)
            bound = max(bound, tight.bound)
            if relative_gap(best.objective, bound) <= WIDE:
                return best, bound
            return min(best, self._closed(near, last)[0], key=lambda one: one.objective), bound
        except SolverFailed:
            return best, bound  # what stands already is a point and a bound

    def _left_s(self) -> float:
        return self.options.time_limit_s - (time.perf_counter() - self.began)

    def _newton(self, model: LinearModel) -> FleetNewton:
        return FleetNewton(self.cells, self.market, model, self.members, self.each)

    def _run(self, stage: str, state: FleetState, gap: float, off: float = OFF) -> tuple[FleetPoint, FleetState]:
        """The best point and the state it was found in."""
        began = time.perf_counter()
        point, found = solve_fleet(state, time_limit_s=max(self._left_s(), 1.0), gap=gap, off=off)
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - began
        if point.status is not Status.OPTIMAL:
            if stage == "relax":
                self.bound = max(self.bound, point.bound)
            raise SolverFailed(point.status, f"the fleet was not solved ({stage})")
        return point, found

    def _closed(self, near: FleetState, decided: FleetState, *, afresh: bool = False) -> tuple[FleetPoint, FleetState]:
        """One direction in every cell and whole minimums, as they are `decided`, and on from `near` or from a start."""
        model, still = self._settled(decided)
        charges = [one.x[CHARGE] >= one.x[DISCHARGE] for one in decided.cells]
        if afresh:
            cells = [
                CellState(self.cells, self.cells.still | kept | _lost(kept, way), one.weight)
                for one, kept, way in zip(near.cells, still, charges, strict=True)
            ]
            return self._run("fix", FleetState(self._newton(model), cells), AIM)
        dearest = max(float(np.abs(one.chain).max()) for one in near.cells) * self.problem.hours
        price, mean = CLOSING * max(dearest, 1e-6), near.mean()
        cells = [one.closed(kept, way, price, mean) for one, kept, way in zip(near.cells, still, charges, strict=True)]
        return self._run("fix", near.onwards(self._newton(model), cells), AIM)

    def _settled(self, decided: FleetState) -> tuple[LinearModel, NDArray[np.bool_]]:
        """The market side with its minimums whole, and by scenario (m, T, N) reserves that are not sold at all."""
        columns, values = self.market.columns, decided.point().values
        model = settled(self.model, self.market.across, rounded(self.problem, columns, values, 0.5))
        still = np.zeros((self.problem.scenarios, *self.cells.still.shape), dtype=bool)
        for number, (item, position) in enumerate(zip(self.problem.reserves, columns.reserve, strict=True)):
            still[:, CARRIED + number] = (model.upper[position] <= 0)[item.block][:, None]
        return model, still


def _lost(like: NDArray[np.bool_], charges: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(m, T, N) the flow against the direction of each cell."""
    lost = np.zeros_like(like)
    lost[CHARGE], lost[DISCHARGE] = ~charges, charges
    return lost
