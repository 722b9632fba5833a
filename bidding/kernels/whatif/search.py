"""One what-if problem, its deadline and the best point so far: relax, fix, re-solve, certify, branch where needed."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np

from bidding.kernels.problem import FloatArray
from bidding.kernels.solver import (
    LinearModel,
    Solution,
    SolverFailed,
    SolverOptions,
    Status,
    check_point,
    relative_gap,
    solve,
)
from bidding.kernels.whatif.blocks import solve_blocks
from bidding.kernels.whatif.columns import Columns, DirectionAt
from bidding.kernels.whatif.matrix import build
from bidding.kernels.whatif.stairs import stairs_of
from bidding.kernels.whatif.stated import WhatIf
from bidding.kernels.whatif.whole import offenders, rounded

INTERIOR_FROM = 3_000  # columns; below, the simplex method is quicker
CROSSOVER_TO = 60_000  # columns; above, the interior point is good enough to round from and to certify
SMALL = 3_000
FINE_GAP, LARGE_GAP = 1e-7, 5e-5
MAX_ROUNDS = 6
BLOCKS_FROM = 20_000  # columns of a problem with scenarios
BLOCKS_GAP = 2e-3  # a wider proof of the relaxation is asked from the general solver
BLOCKS_AIM = 1e-4
BRANCH_TO = 60_000  # columns; above, a tree does not get beyond its root in the time there is
LAST_PU = 0.3  # of the time limit; within it a feasible point with a wide gap is better than none
MANY_GAP = 1e-3  # what is aimed at with many scenarios: branching them would not end in time


@dataclass(frozen=True)
class Solved:
    """The point with the columns it belongs to; objective and bound as a maximisation."""

    columns: Columns
    values: FloatArray
    objective: float
    bound: float
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def gap(self) -> float:
        return relative_gap(-self.objective, -self.bound)


class Search:
    """One problem, its deadline, the best point and bound so far (as a minimisation)."""

    def __init__(self, problem: WhatIf, options: SolverOptions, *, elastic: FloatArray | bool) -> None:
        self.problem, self.options, self.elastic = problem, options, elastic
        self.deadline = time.perf_counter() + options.time_limit_s
        self.seconds: dict[str, float] = {}
        self.bound = -np.inf
        self.best: tuple[Solution, Columns] | None = None

    def run(self) -> Solved:
        model, columns = self.built(None)
        self.set_target(model)
        relaxed = self.relaxation("relax", model, columns)
        if relaxed.status is not Status.OPTIMAL:
            raise SolverFailed(relaxed.status, "the relaxation was not solved")
        self.bound = relaxed.bound
        self._fix(model, columns, relaxed.values)
        exclusive = offenders(self.problem, columns, relaxed.values)
        for _ in range(MAX_ROUNDS):
            if self._good_enough() or (self.best is not None and model.cost.size > BRANCH_TO):
                break
            exclusive = self._branch(exclusive)
        if self.best is None:
            raise SolverFailed(Status.NO_SOLUTION, "no point with one direction and whole minimums was found in time")
        solution, columns = self.best
        return Solved(columns, solution.values, -solution.objective, -self.bound, self.seconds)

    def set_target(self, model: LinearModel) -> None:
        self.target = FINE_GAP if model.cost.size < SMALL else LARGE_GAP
        if self._many(model):
            self.target = MANY_GAP

    def built(self, exclusive: DirectionAt | None) -> tuple[LinearModel, Columns]:
        began = time.perf_counter()
        made, columns = build(self.problem, exclusive=exclusive, elastic=self.elastic)
        model = made.model()
        self.seconds["build"] = self.seconds.get("build", 0.0) + time.perf_counter() - began
        return model, columns

    def _many(self, model: LinearModel) -> bool:
        """Whether scenarios are worth taking apart (`blocks`); such a point lies inside, every cell moves both ways."""
        return self.problem.scenarios > 1 and model.cost.size > BLOCKS_FROM

    def relaxation(self, stage: str, model: LinearModel, columns: Columns) -> Solution:
        """The relaxation, along the scenarios where there are many columns and by a general solver else."""
        if not self._many(model):
            return self._timed(stage, model, relax=True)
        began = time.perf_counter()
        left_s = max(self.deadline - began, 1.0)
        answer = solve_blocks(model.relaxed(), stairs_of(model, columns), time_limit_s=left_s, gap=BLOCKS_AIM)
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - began
        late = time.perf_counter() > self.deadline - LAST_PU * self.options.time_limit_s
        believed = answer.status is Status.OPTIMAL and not check_point(model.relaxed(), answer.values)
        if believed and (answer.gap <= BLOCKS_GAP or late):
            return answer
        return self._timed(stage, model, relax=True)

    def _timed(self, stage: str, model: LinearModel, *, relax: bool, start: FloatArray | None = None) -> Solution:
        left_s = max(self.deadline - time.perf_counter(), 1.0)
        lp_method = "simplex" if model.cost.size < INTERIOR_FROM else "ipx"
        if model.cost.size > CROSSOVER_TO:
            lp_method = "interior"
        options = replace(self.options, time_limit_s=left_s, lp_method=lp_method, mip_gap=self.target / 2)
        answer = solve(model, options, relax=relax, start=start)
        self.seconds[stage] = self.seconds.get(stage, 0.0) + answer.seconds
        return answer

    def _good_enough(self) -> bool:
        if self.best is None:
            return time.perf_counter() > self.deadline
        done = relative_gap(self.best[0].objective, self.bound) <= self.target
        return done or time.perf_counter() > self.deadline

    def _fix(self, model: LinearModel, columns: Columns, values: FloatArray) -> None:
        """Minimums on or off and directions as the point has them, and the rest solved again."""
        for share in (0.5, 1.0):
            whole = rounded(self.problem, columns, values, share)
            point = values
            closed = offenders(self.problem, columns, values)
            for attempt in range(4):
                if attempt == 3 or self._many(model):
                    closed = np.ones_like(closed)
                lower, upper = model.lower.copy(), model.upper.copy()
                for index, value in whole:
                    lower[index] = upper[index] = value
                charges = values[columns.charge] >= values[columns.discharge]
                upper[columns.discharge[closed & charges]] = 0.0
                upper[columns.charge[closed & ~charges]] = 0.0
                if not closed.any() and not whole:
                    self._consider(columns, model, point)
                    return
                answer = self.relaxation("fix", model.with_bounds(lower, upper), columns)
                if answer.status is not Status.OPTIMAL:
                    break
                again = offenders(self.problem, columns, answer.values)
                if not again.any():
                    self._keep(columns, answer)
                    break
                closed = closed | again
            if self.best is not None and (self._good_enough() or not columns.lots):
                return

    def _consider(self, columns: Columns, model: LinearModel, values: FloatArray) -> None:
        objective = float(model.cost @ values)
        point = Solution(Status.OPTIMAL, objective, self.bound, 0.0, 0.0, values, np.empty(0))
        self._keep(columns, point)

    def _keep(self, columns: Columns, answer: Solution) -> None:
        if self.best is None or answer.objective < self.best[0].objective:
            self.best = (answer, columns)

    def _branch(self, exclusive: DirectionAt) -> DirectionAt:
        """Branch and bound with direction binaries where they proved necessary; more of them for the next round."""
        wanted = exclusive if exclusive.size > 2_000 else np.ones_like(exclusive)
        model, columns = self.built(wanted)
        start = None
        answer = self._timed("branch", model, relax=False, start=start)
        self.bound = max(self.bound, answer.bound)
        if not answer.values.size:
            raise SolverFailed(answer.status, "branch and bound found no point in time")
        again = offenders(self.problem, columns, answer.values)
        if not again.any():
            self._keep(columns, answer)
        else:
            fixed = model.with_bounds(
                np.where(model.integer, answer.values, model.lower), np.where(model.integer, answer.values, model.upper)
            ).relaxed()
            self._fix_directions(fixed, columns, answer.values)
        return exclusive | again

    def _fix_directions(self, model: LinearModel, columns: Columns, values: FloatArray) -> None:
        upper = model.upper.copy()
        charges = values[columns.charge] >= values[columns.discharge]
        upper[columns.discharge[charges]] = 0.0
        upper[columns.charge[~charges]] = 0.0
        answer = self._timed("fix", model.with_bounds(model.lower, upper), relax=True)
        if answer.status is Status.OPTIMAL:
            self._keep(columns, answer)
