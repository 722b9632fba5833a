"""The two solvers behind `solver.solve`: HiGHS in one bulk call, CBC through PuLP."""

from __future__ import annotations

from typing import Any

import numpy as np
import pulp
from numpy.typing import NDArray

from bidding.kernels.solver import FloatArray, LinearModel, Solution, SolverOptions, Status, relative_gap

EMPTY: FloatArray = np.empty(0)
LEAST_ABS_GAP = 1e-6  # HiGHS's own
#: Where a good start is given and the tree is small, searching for other points costs more than branching.
QUICK_BRANCHING = (
    ("mip_heuristic_run_rins", False),
    ("mip_heuristic_run_rens", False),
    ("mip_heuristic_run_root_reduced_cost", False),
)
LP_METHODS: dict[str, tuple[tuple[str, str], ...]] = {
    "choose": (),
    "simplex": (("solver", "simplex"),),
    "ipx": (("solver", "ipx"),),
    "interior": (("solver", "ipx"), ("run_crossover", "off")),
}


def solve_with_highs(model: LinearModel, options: SolverOptions, start: FloatArray | None) -> Solution:
    """One `passModel` of the arrays; without whole columns the answer carries row duals."""
    import highspy

    highs = _highs(model, options, highspy)
    if start is not None and model.integer.any():
        point = highspy.HighsSolution()
        point.col_value = list(start)
        highs.setSolution(point)
    highs.run()
    return _highs_answer(model, highs, highspy)


class HighsSession:
    """The relaxation solved again and again under other bounds, each time from the last basis."""

    def __init__(self, model: LinearModel, options: SolverOptions) -> None:
        import highspy

        self._highspy = highspy
        self._model = model.relaxed()
        self._highs = _highs(self._model, options, highspy)
        self._limit_s = max(options.time_limit_s, 5.0)
        self._columns = np.arange(model.cost.size, dtype=np.int32)

    def solve(self, lower: FloatArray, upper: FloatArray) -> Solution:
        spent_s = self._highs.getRunTime()  # HiGHS counts its time limit over all runs of an instance
        self._highs.setOptionValue("time_limit", spent_s + self._limit_s)
        self._highs.changeColsBounds(self._columns.size, self._columns, lower, upper)
        self._highs.run()
        return _highs_answer(self._model.with_bounds(lower, upper), self._highs, self._highspy)


def _highs(model: LinearModel, options: SolverOptions, highspy: Any) -> Any:
    highs = highspy.Highs()
    highs.silent()
    for name, value in (
        ("threads", options.threads),
        ("time_limit", max(options.time_limit_s, 0.05)),
        ("mip_rel_gap", options.mip_gap),
        ("mip_abs_gap", max(options.mip_abs_gap, LEAST_ABS_GAP)),
        ("mip_max_nodes", options.node_limit),
        ("random_seed", 1),
        ("mip_root_presolve_only", True),
        *(() if options.search else QUICK_BRANCHING),
        *(() if model.integer.any() else LP_METHODS[options.lp_method]),
        ("primal_feasibility_tolerance", 1e-7),
        ("mip_feasibility_tolerance", 1e-7),
    ):
        highs.setOptionValue(name, value)
    highs.passModel(_highs_lp(model, highspy))
    return highs


def _highs_lp(model: LinearModel, highspy: Any) -> Any:
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = model.cost.size, model.row_lower.size
    lp.col_cost_, lp.offset_ = model.cost, model.constant
    lp.col_lower_, lp.col_upper_ = model.lower, model.upper
    lp.row_lower_, lp.row_upper_ = model.row_lower, model.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = model.rows.indptr
    lp.a_matrix_.index_ = model.rows.indices
    lp.a_matrix_.value_ = model.rows.data
    if model.integer.any():
        kinds = highspy.HighsVarType
        lp.integrality_ = [kinds.kInteger if whole else kinds.kContinuous for whole in model.integer]
    return lp


def _highs_answer(model: LinearModel, highs: Any, highspy: Any) -> Solution:
    info = highs.getInfo()
    outcome = highs.getModelStatus()
    statuses = highspy.HighsModelStatus
    has_point = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    is_mip = bool(model.integer.any())
    if outcome == statuses.kOptimal:
        status = Status.OPTIMAL
    elif outcome == statuses.kInfeasible:
        status = Status.INFEASIBLE
    elif outcome in (statuses.kUnbounded, statuses.kUnboundedOrInfeasible):
        status = Status.UNBOUNDED
    else:
        status = Status.FEASIBLE if has_point else Status.NO_SOLUTION
    if not has_point or status in (Status.INFEASIBLE, Status.UNBOUNDED):
        return _no_point(status, model)
    solution = highs.getSolution()
    values = np.clip(np.asarray(solution.col_value, dtype=np.float64), model.lower, model.upper)
    objective = float(info.objective_function_value)
    bound = float(info.mip_dual_bound) if is_mip else (objective if status is Status.OPTIMAL else -np.inf)
    duals = np.full(model.row_lower.size, np.nan) if is_mip else np.asarray(solution.row_dual, dtype=np.float64)
    return Solution(status, objective, bound, relative_gap(objective, bound), 0.0, _whole(values, model.integer), duals)


def solve_with_cbc(model: LinearModel, options: SolverOptions) -> Solution:
    """CBC through PuLP's file interface. PuLP says Optimal of a run that hit its limit: `sol_status` decides."""
    problem, variables, constraints = _as_pulp(model)
    problem.solve(
        pulp.PULP_CBC_CMD(
            msg=False,
            timeLimit=max(options.time_limit_s, 0.05),
            gapRel=options.mip_gap,
            gapAbs=max(options.mip_abs_gap, LEAST_ABS_GAP),
            threads=options.threads,
        )  # fmt: skip
    )
    if problem.status == pulp.LpStatusInfeasible:
        return _no_point(Status.INFEASIBLE, model)
    if problem.status == pulp.LpStatusUnbounded:
        return _no_point(Status.UNBOUNDED, model)
    if problem.sol_status not in (pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible):
        return _no_point(Status.NO_SOLUTION, model)
    proven = problem.sol_status == pulp.LpSolutionOptimal
    values = np.array([np.nan if v.varValue is None else v.varValue for v in variables], dtype=np.float64)
    unused = np.isnan(values)  # CBC leaves out columns that stand in no row and cost nothing
    values[unused] = np.clip(0.0, model.lower[unused], model.upper[unused])
    values = np.clip(values, model.lower, model.upper)
    objective = float(model.cost @ values + model.constant)
    is_mip = bool(model.integer.any())
    slack = max(options.mip_gap * abs(objective), options.mip_abs_gap) if is_mip else 0.0
    bound = objective - slack if proven else -np.inf
    duals = np.array([np.nan if is_mip or row.pi is None else row.pi for row in constraints], dtype=np.float64)
    status = Status.OPTIMAL if proven else Status.FEASIBLE
    return Solution(status, objective, bound, relative_gap(objective, bound), 0.0, _whole(values, model.integer), duals)


def _as_pulp(model: LinearModel) -> tuple[pulp.LpProblem, list[pulp.LpVariable], list[pulp.LpConstraint]]:
    """The arrays as a PuLP problem again, with the bounds and integrality of this solve; two-sided rows do
    not occur.
    """
    problem = pulp.LpProblem("fallback", pulp.LpMinimize)
    variables = [
        pulp.LpVariable(
            f"x{column:07d}",
            None if np.isneginf(model.lower[column]) else float(model.lower[column]),
            None if np.isposinf(model.upper[column]) else float(model.upper[column]),
            pulp.LpInteger if model.integer[column] else pulp.LpContinuous,
        )
        for column in range(model.cost.size)
    ]
    problem.setObjective(pulp.LpAffineExpression(list(zip(variables, model.cost.tolist(), strict=True))))
    constraints = []
    rows = model.rows
    for row in range(model.row_lower.size):
        span = slice(rows.indptr[row], rows.indptr[row + 1])
        terms = [(variables[c], float(a)) for c, a in zip(rows.indices[span], rows.data[span], strict=True)]
        low, high = model.row_lower[row], model.row_upper[row]
        sense = 0 if low == high else (1 if np.isfinite(low) else -1)
        constraint = pulp.LpConstraint(
            pulp.LpAffineExpression(terms), sense=sense, rhs=float(high if sense <= 0 else low)
        )
        problem.addConstraint(constraint)
        constraints.append(constraint)
    return problem, variables, constraints


def _no_point(status: Status, model: LinearModel) -> Solution:
    return Solution(status, np.inf, -np.inf, np.inf, 0.0, EMPTY.copy(), np.full(model.row_lower.size, np.nan))


def _whole(values: FloatArray, integer: NDArray[np.bool_]) -> FloatArray:
    """Whole columns at their exact whole value where the solver left them within its tolerance."""
    rounded = np.round(values)
    return np.where(integer & (np.abs(values - rounded) <= 1e-6), rounded, values)
