"""The narrow door between PuLP models and solvers.

A PuLP *minimisation* is read once into arrays (`reading`); every solve after that (relaxed, with columns fixed, with
a warm start) is one bulk call of the arrays. HiGHS is the solver, CBC the fallback for installations without highspy.
A status is never believed: `check_point` tests rows, bounds and integrality in our own code.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pulp
from numpy.typing import NDArray
from scipy import sparse

FloatArray = NDArray[np.float64]
FEASIBILITY_TOLERANCE = 1e-5
COLUMN_TOLERANCE = 1e-7  # MW, what the solvers allow
INTEGRALITY_TOLERANCE = 1e-5
ENGINES = ("highs", "cbc")


class Status(enum.StrEnum):
    OPTIMAL = "optimal"
    FEASIBLE = "feasible"  # a point that keeps all rows, optimality not proven in the time given
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    NO_SOLUTION = "no_solution"  # the time ran out before any point was found


class SolverFailed(RuntimeError):
    """No usable point; `status` says why."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


@dataclass(frozen=True)
class SolverOptions:
    """engine "highs" or "cbc"; `mip_gap` relative; one thread, so that workers do not fight for cores.

    mip_abs_gap : in the objective's unit; what is closer to the bound is close enough too.
    node_limit : where branch and bound ends, whatever the machine's speed: with one thread and a fixed seed a repeat
        then finds the same answer. The time limit is the last resort.
    search : whether branch and bound looks for better points beside branching (RINS, RENS, restarts).
    lp_method : of a relaxation solved once: "choose", "simplex", "ipx" (interior point and crossover to a corner)
        or "interior" (without crossover).
    """

    engine: str = "highs"
    time_limit_s: float = 30.0
    mip_gap: float = 1e-4
    mip_abs_gap: float = 0.0
    threads: int = 1
    node_limit: int = 2_000
    search: bool = True
    lp_method: str = "choose"


@dataclass(frozen=True)
class LinearModel:
    """minimise cost @ x + constant, row_lower <= rows @ x <= row_upper, lower <= x <= upper, x[integer] whole.

    rows is (R, C) sparse, row-wise; `column_of` maps id(LpVariable) to its column.
    """

    cost: FloatArray
    constant: float
    rows: sparse.csr_matrix
    row_lower: FloatArray
    row_upper: FloatArray
    lower: FloatArray
    upper: FloatArray
    integer: NDArray[np.bool_]
    row_names: Sequence[str]
    column_of: dict[int, int] = field(repr=False)

    def column(self, variable: pulp.LpVariable) -> int:
        return self.column_of[id(variable)]

    def with_bounds(self, lower: FloatArray, upper: FloatArray) -> LinearModel:
        return replace(self, lower=lower, upper=upper)

    def relaxed(self) -> LinearModel:
        return replace(self, integer=np.zeros_like(self.integer))

    def without_cost(self, columns: Sequence[int]) -> LinearModel:
        cost = self.cost.copy()
        cost[list(columns)] = 0.0
        return replace(self, cost=cost)


@dataclass(frozen=True)
class Solution:
    """values (C,) or empty; bound is a proven lower bound (-inf if none); gap is relative to |objective|.

    row_duals (R,): d objective / d right-hand side of the minimisation; NaN for a problem with whole columns.
    """

    status: Status
    objective: float
    bound: float
    gap: float
    seconds: float
    values: FloatArray
    row_duals: FloatArray


def relative_gap(objective: float, bound: float) -> float:
    """(objective - bound) / |objective|, 0 when they agree to solver tolerance, inf when nothing is proven."""
    if not np.isfinite(objective) or not np.isfinite(bound):
        return float("inf")
    difference = objective - bound
    return 0.0 if difference <= 1e-9 else float(difference / max(abs(objective), 1e-9))


def within_gap(objective: float, bound: float, gap_target: float, options: SolverOptions) -> bool:
    """Whether a point is close enough to the bound, by its share of the objective or by the absolute gap allowed."""
    return relative_gap(objective, bound) <= gap_target or objective - bound <= options.mip_abs_gap


def check_point(model: LinearModel, values: FloatArray) -> list[str]:
    """Every broken row, bound or integrality of a point, in plain arithmetic; empty when it is feasible.

    A row with a large coefficient, as one over a small power, may be off by what 0.1 W of its column moves it.
    """
    if values.shape != model.cost.shape or not np.all(np.isfinite(values)):
        return ["the point has missing values"]
    activity = model.rows @ values
    largest = abs(model.rows).max(axis=1).toarray().ravel() if model.rows.shape[0] else activity
    scale = np.maximum(FEASIBILITY_TOLERANCE * (1.0 + np.abs(activity)), COLUMN_TOLERANCE * largest)
    broken = np.flatnonzero((activity < model.row_lower - scale) | (activity > model.row_upper + scale))
    findings = [f"row {model.row_names[int(row)]}: {activity[row]:.6g}" for row in broken]
    slack = FEASIBILITY_TOLERANCE * (1.0 + np.abs(values))
    outside = np.flatnonzero((values < model.lower - slack) | (values > model.upper + slack))
    findings += [f"column {column} out of bounds: {values[column]:.6g}" for column in outside]
    fractional = np.flatnonzero(model.integer & (np.abs(values - np.round(values)) > INTEGRALITY_TOLERANCE))
    return findings + [f"column {column} not whole: {values[column]:.6g}" for column in fractional]


def solve(
    model: LinearModel, options: SolverOptions, *, relax: bool = False, start: FloatArray | None = None
) -> Solution:
    """Solve the model, or its relaxation; `start` is a feasible point to begin branch and bound from.

    Raises SolverFailed if a point the solver calls feasible breaks a row, bound or integrality.
    """
    from bidding.kernels.engines import solve_with_cbc, solve_with_highs

    model = model.relaxed() if relax else model
    began = time.perf_counter()
    if options.engine == "highs":
        answer = solve_with_highs(model, options, start)
    elif options.engine == "cbc":
        answer = solve_with_cbc(model, options)
    else:
        raise ValueError(f"unknown engine {options.engine!r}, want one of {ENGINES}")
    believe(model, answer)
    return replace(answer, seconds=time.perf_counter() - began)


def believe(model: LinearModel, answer: Solution) -> None:
    if answer.values.size and (findings := check_point(model, answer.values)):
        raise SolverFailed(answer.status, f"{len(findings)} findings, first {findings[0]}")


def available_engine() -> str:
    """The engine this installation can run, HiGHS first; SolverFailed if there is none."""
    try:
        import highspy

        highspy.Highs()
    except (ImportError, OSError):
        if pulp.PULP_CBC_CMD(msg=False).available():
            return "cbc"
        raise SolverFailed(Status.NO_SOLUTION, "neither highspy nor CBC can be started") from None
    return "highs"
