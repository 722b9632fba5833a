"""Energy, reserves and the utilities' asks of one portfolio in one optimisation (docs/bid.md has the formulation).

The problem is stated as a minimisation of cost; profit is its negative. Price taker: with a spread on recovery and no
recourse, the expected price stands for the price scenarios of a risk-neutral bidder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pulp

from bidding.kernels.certify import Certified, relax_fix_certify, solve_fixed
from bidding.kernels.constraints import add_all_rows
from bidding.kernels.problem import DOWN, UP, BidProblem, FloatArray
from bidding.kernels.solver import LinearModel, SolverFailed, SolverOptions, Status, read_model, relative_gap
from bidding.kernels.variables import KW_PER_MW, Column, Position, Variables, make_variables

MOVE_TOLERANCE_MW = 1e-6
MAX_DIRECTION_ROUNDS = 3


@dataclass(frozen=True)
class Shortfall:
    """What cannot be met: which group or promise, from which interval, the limit and how much is missing."""

    subject: str
    interval: int
    limit: str
    missing: float


@dataclass(frozen=True)
class BidPlan:
    """Positions and the plan behind them; all series (T,) kW, relative to the baseline.

    status "optimal" (gap within target), "feasible" (gap as stated) or "degraded" (see shortfalls).
    sell_kw, buy_kw : energy; reserve_kw by product code; ask_kw by reference; group_up_kw, group_down_kw (G, T);
    group_energy_kwh (G, T), NaN for sources; recovery_kw : movement outside promised hours, up positive.
    """

    status: str
    profit_eur: float
    bound_profit_eur: float
    gap: float
    sell_kw: FloatArray
    buy_kw: FloatArray
    reserve_kw: dict[str, FloatArray]
    ask_kw: dict[str, FloatArray]
    group_up_kw: FloatArray
    group_down_kw: FloatArray
    group_energy_kwh: FloatArray
    recovery_kw: FloatArray
    shortfalls: tuple[Shortfall, ...] = ()
    stages_s: dict[str, float] = field(default_factory=dict)
    engine: str = ""


def build(problem: BidProblem, exclusive: frozenset[tuple[int, int]] = frozenset()) -> tuple[pulp.LpProblem, Variables]:
    """The PuLP minimisation and its variables."""
    lp = pulp.LpProblem("bid", pulp.LpMinimize)
    made = make_variables(problem, exclusive)
    lp.setObjective(pulp.LpAffineExpression(cost_terms(problem, made)))
    add_all_rows(lp, problem, made)
    return lp, made


def cost_terms(problem: BidProblem, made: Variables) -> list[tuple[pulp.LpVariable, float]]:
    """EUR per unit of each column: wear and fuel, recovery, shortfalls, less the revenue of every promise."""
    hours, penalty = problem.step_hours, problem.shortfall_penalty_eur_per_mwh
    terms: list[tuple[pulp.LpVariable, float]] = []
    for g, group in enumerate(problem.groups):
        terms += [(variable, hours * group.up_cost_eur_per_mwh) for variable in made.up[g]]
        terms += [(variable, hours * group.down_cost_eur_per_mwh) for variable in made.down[g]]
        terms += [(variable, penalty) for variable in made.missing[g]]
    if problem.energy is not None and made.sell is not None and made.buy is not None:
        energy_hours = np.bincount(problem.energy.block_of_interval) * hours
        for block, price in enumerate(problem.energy.price_eur_per_mwh):
            worth = float(price * energy_hours[block])
            terms += made.sell.terms(block, -worth) + made.buy.terms(block, worth)
    for product in problem.reserves:
        block_hours = np.bincount(product.block_of_interval) * hours
        for block, price in enumerate(product.price_eur_per_mw_h):
            terms += made.reserve[product.code].terms(block, -float(price * block_hours[block]))
    for ask in problem.asks:
        terms += [(variable, -hours * ask.ceiling_eur_per_mwh) for variable in made.asked[ask.reference]]
    price, spread = problem.imbalance_price_eur_per_mwh, problem.imbalance_spread_eur_per_mwh
    for t in range(problem.n_intervals):
        terms.append((made.surplus[t], -hours * float(price[t] - spread)))
        terms.append((made.deficit[t], hours * float(price[t] + spread)))
        terms += [(made.missed_up[t], hours * penalty), (made.missed_down[t], hours * penalty)]
    for column in made.reserve_missed.values():
        terms += [(variable, hours * penalty) for variable in column]
    return terms


def co_optimise(problem: BidProblem, options: SolverOptions, *, gap_target: float = 1e-3) -> BidPlan:
    """Solve, make directions exclusive, round asks to their lots; raises BadProblem or SolverFailed.

    The bound is that of the first relaxation, so the stated gap covers every later repair.
    """
    problem.validated()
    exclusive: frozenset[tuple[int, int]] = frozenset()
    best: tuple[Certified, LinearModel, Variables] | None = None
    bound = -np.inf
    for _ in range(MAX_DIRECTION_ROUNDS):
        lp, made = build(problem, exclusive)
        model = read_model(lp)
        found = relax_fix_certify(model, options, _roundings(made, model), gap_target=gap_target)
        bound = max(bound, found.bound)
        both_ways = _both_ways(problem, made, model, found.values)
        repaired = _one_way(problem, made, model, found, options, both_ways)
        if repaired is not None and (best is None or repaired.objective < best[0].objective):
            best = (repaired, model, made)
        if not both_ways or (best is not None and relative_gap(best[0].objective, bound) <= gap_target):
            break
        exclusive |= both_ways
    if best is None:
        raise SolverFailed(Status.NO_SOLUTION, "no schedule without simultaneous charge and discharge was found")
    certified, model, made = best
    certified = _whole_asks(problem, made, model, certified, options)
    gap = relative_gap(certified.objective, bound)
    certified = replace(
        certified, bound=bound, gap=gap, status=Status.OPTIMAL if gap <= gap_target else Status.FEASIBLE
    )
    return _plan(problem, made, model, certified, options.engine)


def _roundings(made: Variables, model: LinearModel) -> Callable[[FloatArray], list[FloatArray]]:
    """Candidates for the whole columns: floor to the lot, nearest lot, nothing at all. Below the minimum goes to zero."""

    def candidates(relaxed: FloatArray) -> list[FloatArray]:
        answers = []
        for mode in ("floor", "nearest", "nothing"):
            point = relaxed.copy()
            for position in made.positions:
                _round_position(position, model, point, mode)
            _net_energy(made, model, point)
            for (g, t), binary in made.direction.items():
                up, down = point[model.column(made.up[g][t])], point[model.column(made.down[g][t])]
                point[model.column(binary)] = float(up >= down)
            answers.append(point[model.integer])
        return answers

    return candidates


def _round_position(position: Position, model: LinearModel, point: FloatArray, mode: str) -> None:
    for lots, on in zip(position.lots, position.on, strict=True):
        wanted = point[model.column(lots)]
        count = {"floor": np.floor(wanted + 1e-6), "nearest": np.floor(wanted + 0.5), "nothing": 0.0}[mode]
        if count * position.lot_mw < position.min_mw - 1e-9:
            count = 0.0
        point[model.column(lots)] = count
        point[model.column(on)] = float(count > 0)


def _net_energy(made: Variables, model: LinearModel, point: FloatArray) -> None:
    """A relaxed point may sell and buy the same lot; keep the net side only."""
    if made.sell is None or made.buy is None:
        return
    for block in range(len(made.sell.lots)):
        sell, buy = model.column(made.sell.lots[block]), model.column(made.buy.lots[block])
        net = point[sell] - point[buy]
        for side, count, position in ((sell, max(net, 0.0), made.sell), (buy, max(-net, 0.0), made.buy)):
            point[side] = 0.0 if count * position.lot_mw < position.min_mw - 1e-9 else count
            point[model.column(position.on[block])] = float(point[side] > 0)


def _both_ways(
    problem: BidProblem, made: Variables, model: LinearModel, values: FloatArray
) -> frozenset[tuple[int, int]]:
    """Where a lossy group moves up and down at once."""
    found = set()
    for g, group in enumerate(problem.groups):
        if group.loses_energy:
            up, down = take(model, made.up[g], values), take(model, made.down[g], values)
            found |= {(g, int(t)) for t in np.flatnonzero(np.minimum(up, down) > MOVE_TOLERANCE_MW)}
    return frozenset(found)


def _one_way(
    problem: BidProblem,
    made: Variables,
    model: LinearModel,
    found: Certified,
    options: SolverOptions,
    both_ways: frozenset[tuple[int, int]],
) -> Certified | None:
    """The same whole columns with the weaker direction of each offender closed, and every other one kept one-way too."""
    if not both_ways:
        return found
    upper = model.upper.copy()
    for g, group in enumerate(problem.groups):
        if group.loses_energy:
            for up, down in zip(made.up[g], made.down[g], strict=True):
                u, d = model.column(up), model.column(down)
                upper[d if found.values[u] >= found.values[d] else u] = 0.0
    fixed = solve_fixed(model.with_bounds(model.lower, upper), found.values[model.integer], options)
    if fixed.status is not Status.OPTIMAL:
        return None
    return replace(found, objective=fixed.objective, values=fixed.values)


def _whole_asks(
    problem: BidProblem, made: Variables, model: LinearModel, found: Certified, options: SolverOptions
) -> Certified:
    """Ask quantities down to their lot, below the minimum to zero, and the rest solved again with them fixed."""
    lower, upper, moved = model.lower.copy(), model.upper.copy(), False
    for ask in problem.asks:
        for variable in made.asked[ask.reference]:
            column = model.column(variable)
            whole_kw = np.floor(found.values[column] * KW_PER_MW / ask.lot_kw + 1e-6) * ask.lot_kw
            whole_kw = 0.0 if whole_kw < ask.min_quantity_kw - 1e-9 else whole_kw
            moved |= abs(whole_kw / KW_PER_MW - found.values[column]) > 1e-9
            lower[column] = upper[column] = whole_kw / KW_PER_MW
    if not moved:
        return found
    for g, group in enumerate(problem.groups):
        if group.loses_energy:
            for up, down in zip(made.up[g], made.down[g], strict=True):
                u, d = model.column(up), model.column(down)
                upper[d if found.values[u] >= found.values[d] else u] = 0.0
    fixed = solve_fixed(model.with_bounds(lower, upper), found.values[model.integer], options)
    if fixed.status is not Status.OPTIMAL:
        raise SolverFailed(fixed.status, "the asks cannot be rounded to their lots")
    return replace(found, objective=fixed.objective, values=fixed.values)


def take(model: LinearModel, column: Column, values: FloatArray) -> FloatArray:
    return values[[model.column(variable) for variable in column]] if column else np.empty(0)


def _plan(problem: BidProblem, made: Variables, model: LinearModel, found: Certified, engine: str) -> BidPlan:
    def series(column: Column) -> FloatArray:
        return np.round(take(model, column, found.values) * KW_PER_MW, 6) + 0.0

    def position_kw(position: Position | None, blocks: np.ndarray | None) -> FloatArray:
        if position is None or blocks is None:
            return np.zeros(problem.n_intervals)
        return np.round(take(model, position.lots, found.values))[blocks] * position.lot_mw * KW_PER_MW

    blocks = None if problem.energy is None else problem.energy.block_of_interval
    shape = (len(problem.groups), problem.n_intervals)
    up_kw = np.array([series(column) for column in made.up]).reshape(shape)
    down_kw = np.array([series(column) for column in made.down]).reshape(shape)
    both_kw = np.minimum(up_kw, down_kw)  # only where nothing is lost by it: lossless groups and sources
    nan = np.full(problem.n_intervals, np.nan)
    shortfalls = tuple(_shortfalls(problem, made, model, found.values))
    return BidPlan(
        status="degraded" if shortfalls else found.status.value,
        profit_eur=-found.objective,
        bound_profit_eur=-found.bound,
        gap=found.gap,
        sell_kw=position_kw(made.sell, blocks),
        buy_kw=position_kw(made.buy, blocks),
        reserve_kw={p.code: position_kw(made.reserve[p.code], p.block_of_interval) for p in problem.reserves},
        ask_kw={ask.reference: series(made.asked[ask.reference]) for ask in problem.asks},
        group_up_kw=up_kw - both_kw,
        group_down_kw=down_kw - both_kw,
        group_energy_kwh=np.array([series(column) if column else nan for column in made.energy]).reshape(shape),
        recovery_kw=series(made.surplus) - series(made.deficit),
        shortfalls=shortfalls,
        stages_s=found.stages,
        engine=engine,
    )


def _shortfalls(problem: BidProblem, made: Variables, model: LinearModel, values: FloatArray) -> list[Shortfall]:
    found = []

    def note(subject: str, column: Column, limit: str) -> None:
        missing = take(model, column, values) * KW_PER_MW
        found.extend(
            Shortfall(subject, min(int(t), problem.n_intervals - 1), limit, float(missing[t]))
            for t in np.flatnonzero(missing > 1e-3)
        )

    for g, group in enumerate(problem.groups):
        note(group.name, made.missing[g][:-1], "energy_min_kwh")
        if group.has_energy and (short := take(model, made.missing[g][-1:], values)[0] * KW_PER_MW) > 1e-3:
            found.append(Shortfall(group.name, problem.n_intervals - 1, "energy_end_kwh", float(short)))
    note("committed", made.missed_up, f"committed_{UP.lower()}_kw")
    note("committed", made.missed_down, f"committed_{DOWN.lower()}_kw")
    for code, column in made.reserve_missed.items():
        note(code, column, "committed_reserve_kw")
    return found
