"""The mixed-integer program of one correction, solved by HiGHS in one bulk call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vpp.network.kernels.clearing.columns import Columns
from vpp.network.kernels.clearing.network_rows import GridRow
from vpp.network.kernels.clearing.problem import ClearingProblem
from vpp.network.kernels.feeder import Floats

NODES = 3_000
NEW_BREACH_FACTOR = 50.0  # a limit that was kept before is that much dearer to break than one that was broken anyway


class NoPlan(RuntimeError):
    """The solver gave no usable point; the status says why."""


@dataclass(frozen=True)
class _Program:
    """minimise cost @ x, lower_side <= rows @ x <= upper_side, 0 <= x <= upper, x[integer] whole.

    Per row the columns it touches and their coefficients.
    """

    cost: Floats
    upper: Floats
    integer: Any
    row_columns: Sequence[Any]
    coefficients: Sequence[Floats]
    lower_side: Floats
    upper_side: Floats


def solve(
    problem: ClearingProblem,
    columns: Columns,
    grid: Sequence[GridRow],
    *,
    time_limit_s: float,
    mip_gap: float,
    start: Floats | None,
) -> Floats:
    """(C,) the decisions. Raises NoPlan."""
    program = _program(problem, columns, grid)
    return _highs(program, time_limit_s, mip_gap, start)[: columns.cost.size]


def _program(problem: ClearingProblem, columns: Columns, grid: Sequence[GridRow]) -> _Program:
    """The decisions, and behind them what of each grid row stays broken, what breaks anew, and what demands lack."""
    own, priced = columns.rows, problem.step_hours / 1e3 * problem.violation_price_per_mwh
    size, demands = columns.cost.size, _demand_rows(problem, columns)
    n_grid, n_demand = len(grid), len(demands)
    cost = np.concatenate(
        [
            columns.cost,
            np.full(n_grid, priced),
            np.full(n_grid, priced * NEW_BREACH_FACTOR),
            [row[3] for row in demands],
        ]
    )
    upper = np.concatenate(
        [columns.upper, [row.before for row in grid], np.full(n_grid, np.inf), [row[2] for row in demands]]
    )
    kept, beyond, short = size, size + n_grid, size + 2 * n_grid
    row_columns = list(own.columns)
    values = list(own.coefficients)
    for number, row in enumerate(grid):
        row_columns.append(np.append(row.columns, [kept + number, beyond + number]))
        values.append(np.append(row.coefficients, [-1.0, -1.0]))
    for number, (where, what, _, _) in enumerate(demands):
        row_columns.append(np.append(where, short + number))
        values.append(np.append(what, 1.0))
    return _Program(
        cost=cost,
        upper=upper,
        integer=np.concatenate([columns.integer, np.zeros(cost.size - size, dtype=bool)]),
        row_columns=row_columns,
        coefficients=values,
        lower_side=np.array([*own.lower, *[-np.inf] * n_grid, *[row[2] for row in demands]]),
        upper_side=np.array([*own.upper, *[row.upper for row in grid], *[np.inf] * n_demand]),
    )


def _demand_rows(problem: ClearingProblem, columns: Columns) -> list[tuple[Any, Floats, float, float]]:
    """(columns, kW or kvar of each, wanted, cost per unit short) per demanded interval."""
    places = {bid.reference: place for place, bid in enumerate(problem.bids)}
    rows = []
    for demand in problem.demands:
        for interval in np.flatnonzero(demand.quantity > 0):
            members = [places[name] for name in demand.bids if columns.share[places[name], interval] >= 0]
            series = [problem.bids[m].q_kvar if demand.reactive else problem.bids[m].p_kw for m in members]
            what = np.array([-values[interval] for values in series])
            price = demand.ceiling_per_mwh * problem.step_hours / 1e3
            rows.append((columns.share[members, interval], what, float(demand.quantity[interval]), price))
    return rows


def _highs(program: _Program, time_limit_s: float, mip_gap: float, start: Floats | None) -> Floats:
    """(C,) the solver's point; `start` values of the first columns to begin branching from. Raises NoPlan."""
    import highspy

    highs = highspy.Highs()
    highs.silent()
    for name, value in (
        ("threads", 1),
        ("random_seed", 1),
        ("time_limit", max(time_limit_s, 0.1)),
        ("mip_rel_gap", mip_gap),
        ("mip_max_nodes", NODES),
        ("primal_feasibility_tolerance", 1e-9),
        ("mip_feasibility_tolerance", 1e-9),
    ):
        highs.setOptionValue(name, value)
    highs.passModel(_highs_model(program))
    if start is not None and program.integer.any():
        point = highspy.HighsSolution()
        point.col_value = list(np.concatenate([start, np.zeros(program.cost.size - start.size)]))
        highs.setSolution(point)
    highs.run()
    if highs.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        raise NoPlan(f"{highs.modelStatusToString(highs.getModelStatus())}")
    found = np.clip(np.asarray(highs.getSolution().col_value, dtype=np.float64), 0.0, program.upper)
    whole = np.round(found)
    return np.where(program.integer & (np.abs(found - whole) < 1e-6), whole, found)


def _highs_model(program: _Program) -> Any:
    import highspy

    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = program.cost.size, program.lower_side.size
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = program.cost, np.zeros(program.cost.size), program.upper
    lp.row_lower_, lp.row_upper_ = program.lower_side, program.upper_side
    sizes = [part.size for part in program.row_columns]
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    lp.a_matrix_.index_ = np.concatenate([*program.row_columns, np.zeros(0)]).astype(np.int32)
    lp.a_matrix_.value_ = np.concatenate([*program.coefficients, np.zeros(0)])
    if program.integer.any():
        kinds = highspy.HighsVarType
        lp.integrality_ = [kinds.kInteger if whole else kinds.kContinuous for whole in program.integer]
    return lp
