"""From a relaxed point to whole lots, one-way movement and whole asks; each repair is a re-solve, never a guess."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from bidding.kernels.certify import Certified, FixStep, relax_fix_certify, solve_fixed
from bidding.kernels.price_maker import settle_steps
from bidding.kernels.problem import BidProblem, FloatArray
from bidding.kernels.solver import LinearModel, SolverFailed, SolverOptions, Status, within_gap
from bidding.kernels.variables import Position, Variables, take
from vpp.lib.units import KW_PER_MW

MOVE_TOLERANCE_MW = 1e-6
ENERGY_STEPS = 8
FEW_LOTS = 8
LEAST_S = 0.5


def dives(made: Variables, model: LinearModel) -> list[list[FixStep]]:
    """Ways to whole lots, best guess first: reserves down and then the energy of a few hours at a time to the nearest
    lot (down where that has no point) with the rest re-solved; all positions down at once; no position at all. Below
    the minimum goes to zero.
    """
    energy = [position for position in (made.sell, made.buy) if position is not None]
    reserves = list(made.reserve.values())
    count = len(energy[0].lots) if energy else 0
    ends = sorted({-(-count * part // ENERGY_STEPS) for part in range(1, ENERGY_STEPS + 1)}) if count else []

    def step(energy_blocks: int, *modes: str) -> FixStep:
        with_energy = energy if energy_blocks else []
        return lambda point: [_fix(made, model, reserves, with_energy, energy_blocks, mode, point) for mode in modes]

    first = [step(0, "floor")] if reserves or not ends else []
    return [
        first + [step(end, "nearest", "floor", "nothing") for end in ends],
        [step(count, "floor")],
        [step(count, "nothing")],
    ]


def lot_runs(made: Variables, model: LinearModel) -> list[list[int]]:
    """Columns of the energy lots, sold and bought, in the order of their blocks, where a block takes two to eight: of
    more, one is a trifle, one alone is on or off, and the sums only make the problem larger.
    """
    both = [one for one in (made.sell, made.buy) if one is not None]
    few = [one for one in both if 1.5 < one.max_mw.max(initial=0.0) / one.lot_mw < FEW_LOTS + 0.5]
    return [[model.column(variable) for variable in position.lots] for position in few]


def _fix(
    made: Variables,
    model: LinearModel,
    reserves: list[Position],
    energy: list[Position],
    energy_blocks: int,
    mode: str,
    relaxed: FloatArray,
) -> FloatArray:
    """Values of the whole columns: reserves floored, the first blocks of energy by `mode`, the others NaN (free)."""
    point = relaxed.copy()
    free = model.integer.copy()
    for position in reserves:
        _round(position, model, point, "nothing" if mode == "nothing" else "floor", len(position.lots))
        free[_columns(position, model, len(position.lots))] = False
    if energy:
        _net_energy(energy, model, point, energy_blocks)
        for position in energy:
            _round(position, model, point, mode, energy_blocks)
            free[_columns(position, model, energy_blocks)] = False
    settle_steps(made.every_step, model, point, free)
    for (g, t), binary in made.direction.items():
        column = model.column(binary)
        point[column] = float(point[model.column(made.up[g][t])] >= point[model.column(made.down[g][t])])
        free[column] = bool(energy) and energy_blocks < len(energy[0].lots)
    return np.where(free, np.nan, point)[model.integer]


def _columns(position: Position, model: LinearModel, blocks: int) -> list[int]:
    return [model.column(variable) for variable in [*position.lots[:blocks], *position.on[:blocks]]]


def _round(position: Position, model: LinearModel, point: FloatArray, mode: str, blocks: int) -> None:
    for lots, on in zip(position.lots[:blocks], position.on[:blocks], strict=True):
        wanted = point[model.column(lots)]
        count = {"floor": np.floor(wanted + 1e-6), "nearest": np.floor(wanted + 0.5), "nothing": 0.0}[mode]
        if count * position.lot_mw < position.min_mw - 1e-9:
            count = 0.0
        point[model.column(lots)] = count
        point[model.column(on)] = float(count > 0)


def _net_energy(energy: list[Position], model: LinearModel, point: FloatArray, blocks: int) -> None:
    """A relaxed point may sell and buy the same lot; keep the net side only."""
    sell, buy = energy
    for block in range(blocks):
        net = point[model.column(sell.lots[block])] - point[model.column(buy.lots[block])]
        point[model.column(sell.lots[block])] = max(net, 0.0)
        point[model.column(buy.lots[block])] = max(-net, 0.0)


def both_ways(
    problem: BidProblem, made: Variables, model: LinearModel, values: FloatArray
) -> frozenset[tuple[int, int]]:
    """Where a lossy group moves up and down at once."""
    found = set()
    for g, group in enumerate(problem.groups):
        if group.loses_energy:
            up, down = take(model, made.up[g], values), take(model, made.down[g], values)
            found |= {(g, int(t)) for t in np.flatnonzero(np.minimum(up, down) > MOVE_TOLERANCE_MW)}
    return frozenset(found)


def one_way(
    problem: BidProblem,
    made: Variables,
    model: LinearModel,
    found: Certified,
    options: SolverOptions,
    offenders: frozenset[tuple[int, int]],
) -> Certified | None:
    """The same whole columns with the weaker direction of each offender closed, and every other one kept
    one-way too.
    """
    if not offenders:
        return found
    fixed = solve_fixed(_closed(problem, made, model, found.values), found.values[model.integer], options)
    if fixed.status is not Status.OPTIMAL:
        return None
    return replace(found, objective=fixed.objective, values=fixed.values)


def whole_asks(
    problem: BidProblem,
    made: Variables,
    model: LinearModel,
    found: Certified,
    options: SolverOptions,
    gap_target: float,
) -> Certified:
    """Ask quantities down to their lot, below the minimum to zero, and the rest solved again with them fixed.

    Where that has no point with the same lots of energy and reserve, or costs more than the gap, other lots are sought
    as well, and a plan without the asks; all of it within the time limit, but for a moment for each.
    """
    columns = [model.column(one) for ask in problem.asks for one in made.asked[ask.reference]]
    whole_mw = _whole_mw(problem, made, model, found.values)
    if np.abs(whole_mw - found.values[columns]).max(initial=0.0) <= 1e-9:
        return found
    deadline, closed = time.perf_counter() + options.time_limit_s, _closed(problem, made, model, found.values)
    kept = solve_fixed(_held(closed, columns, whole_mw), found.values[model.integer], options)
    best = replace(found, objective=kept.objective, values=kept.values) if kept.status is Status.OPTIMAL else None
    if best is not None and within_gap(best.objective, found.objective, gap_target, options):
        return best
    for asked_mw in (whole_mw, np.zeros(len(columns))):
        left = replace(options, time_limit_s=max(deadline - time.perf_counter(), LEAST_S))
        other = _sought(_held(closed, columns, asked_mw), made, left, gap_target)
        if other is not None and (best is None or other.objective < best.objective):
            best = replace(found, objective=other.objective, values=other.values)
    if best is None:
        raise SolverFailed(Status.NO_SOLUTION, "no plan with whole kilowatts of the asks was found")
    return best


def _whole_mw(problem: BidProblem, made: Variables, model: LinearModel, values: FloatArray) -> FloatArray:
    """What of each ask and interval is left in whole lots, in the order of the asks."""
    found = []
    for ask in problem.asks:
        kw = np.floor(take(model, made.asked[ask.reference], values) * KW_PER_MW / ask.lot_kw + 1e-6) * ask.lot_kw
        found.append(np.where(kw < ask.min_quantity_kw - 1e-9, 0.0, kw) / KW_PER_MW)
    return np.concatenate(found) if found else np.zeros(0)


def _closed(problem: BidProblem, made: Variables, model: LinearModel, values: FloatArray) -> LinearModel:
    """With the weaker direction of every lossy group closed in each interval."""
    upper = model.upper.copy()
    for g, group in enumerate(problem.groups):
        if group.loses_energy:
            for up, down in zip(made.up[g], made.down[g], strict=True):
                u, d = model.column(up), model.column(down)
                upper[d if values[u] >= values[d] else u] = 0.0
    return model.with_bounds(model.lower, upper)


def _held(model: LinearModel, columns: list[int], values: FloatArray) -> LinearModel:
    lower, upper = model.lower.copy(), model.upper.copy()
    lower[columns] = upper[columns] = values
    return model.with_bounds(lower, upper)


def _sought(model: LinearModel, made: Variables, options: SolverOptions, gap_target: float) -> Certified | None:
    try:
        return relax_fix_certify(model, options, dives(made, model), gap_target=gap_target)
    except SolverFailed:
        return None
