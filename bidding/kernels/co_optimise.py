"""Energy, reserves and the utilities' asks of one portfolio in one optimisation (docs/bid.md has the formulation).

The problem is stated as a minimisation of cost; profit is its negative. Price taker: with a spread on recovery and no
recourse, the expected price stands for the price scenarios of a risk-neutral bidder.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
import pulp

from bidding.kernels.certify import QUICK, Certified, relax_fix_certify
from bidding.kernels.coarse_lots import CoarseAnswer, as_in
from bidding.kernels.coarsen import coarsen
from bidding.kernels.constraints import add_all_rows
from bidding.kernels.obligations import obligation_costs
from bidding.kernels.plan import BidPlan, Shortfall, read_plan
from bidding.kernels.price_maker import step_costs
from bidding.kernels.problem import BidProblem
from bidding.kernels.reading import read_model
from bidding.kernels.risk import risk_averse_objective
from bidding.kernels.rounding import both_ways, dives, lot_runs, one_way, whole_asks
from bidding.kernels.solver import LinearModel, SolverFailed, SolverOptions, Status, relative_gap, solve, within_gap
from bidding.kernels.variables import Variables, make_variables, take
from vpp.lib.units import KW_PER_MW

__all__ = ["BidPlan", "Shortfall", "build", "co_optimise", "cost_terms"]

MAX_DIRECTION_ROUNDS = 3
ROUGH_GAP = 0.02
MUCH_WORSE_PU = 0.01
TRIFLE_EUR_PER_MWH = 0.005  # of a day at full power; what is left below is not worth branching for


def build(problem: BidProblem, exclusive: frozenset[tuple[int, int]] = frozenset()) -> tuple[pulp.LpProblem, Variables]:
    """The PuLP minimisation and its variables."""
    lp = pulp.LpProblem("bid", pulp.LpMinimize)
    made = make_variables(problem, exclusive)
    lp.setObjective(pulp.LpAffineExpression(risk_averse_objective(lp, problem, made, cost_terms(problem, made))))
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
    for item in problem.products:
        terms += step_costs(
            made.steps.get(item.code, []), np.bincount(item.block_of_interval).astype(np.float64) * hours
        )
    for ask in problem.asks:
        terms += [(variable, -hours * ask.ceiling_eur_per_mwh) for variable in made.asked[ask.reference]]
    price, spread = problem.imbalance_price_eur_per_mwh, problem.imbalance_spread_eur_per_mwh
    for t in range(problem.n_intervals):
        terms.append((made.surplus[t], -hours * float(price[t] - spread)))
        terms.append((made.deficit[t], hours * float(price[t] + spread)))
        terms += [(made.missed_up[t], hours * penalty), (made.missed_down[t], hours * penalty)]
    for column in made.reserve_missed.values():
        terms += [(variable, hours * penalty) for variable in column]
    return terms + obligation_costs(problem, made)


def co_optimise(
    problem: BidProblem, options: SolverOptions, *, gap_target: float = 1e-3, thorough: bool = True,
    trifle_eur_per_mwh: float = 0.0,
) -> BidPlan:  # fmt: skip
    """Solve, make directions exclusive, round asks to their lots; raises BadProblem or SolverFailed.

    First by market time units (`coarsen`): branch and bound there is quick, gives a proven bound and the lots to try.
    thorough : whether the problem in quarter hours is branched until the target, or only where the gap is above 2 %.
    trifle_eur_per_mwh : of the groups' rating over the day; a gap below that much money is within the target too.
    The bound is the best of all relaxations, so the stated gap covers every later repair.
    """
    problem.validated()
    deadline = time.perf_counter() + options.time_limit_s
    fine_bound = solve(read_model(build(problem)[0]), options, relax=True).bound
    options = replace(options, mip_abs_gap=trifle_eur_per_mwh * rating_mwh(problem))
    coarse = _coarse(problem, options, gap_target, fine_bound)
    branch_to = gap_target if thorough else max(gap_target, ROUGH_GAP)
    best, bound, stages = _one_way_point(problem, options, coarse, deadline, gap_target, branch_to)
    left = replace(options, time_limit_s=max(deadline - time.perf_counter(), 0.5))
    certified = whole_asks(problem, best.made, best.model, best.certified, left, gap_target)
    gap = relative_gap(certified.objective, bound)
    status = Status.OPTIMAL if within_gap(certified.objective, bound, gap_target, options) else Status.FEASIBLE
    certified = replace(certified, bound=bound, gap=gap, status=status, stages=stages)
    return read_plan(problem, best.made, best.model, certified, options.engine)


@dataclass(frozen=True)
class _Point:
    """A point and the model it is one of."""

    certified: Certified
    model: LinearModel
    made: Variables


def _one_way_point(
    problem: BidProblem, options: SolverOptions, coarse: CoarseAnswer | None, deadline: float, gap_target: float,
    branch_to: float,
) -> tuple[_Point, float, dict[str, float]]:  # fmt: skip
    """The best point in which no lossy group moves both ways at once, the best bound, and the seconds of each step.

    Directions are made exclusive only where a round's point breaks that. Raises SolverFailed.
    """
    exclusive: frozenset[tuple[int, int]] = frozenset()
    best: _Point | None = None
    bound, stages = (-np.inf, dict[str, float]()) if coarse is None else (coarse.bound, {"coarse": coarse.seconds})
    for _ in range(MAX_DIRECTION_ROUNDS):
        left = replace(options, time_limit_s=max(deadline - time.perf_counter(), 0.5))
        lp, made = build(problem, exclusive)
        model = read_model(lp)
        try:
            found = _certified(model, made, coarse, left, branch_to, bound)
        except SolverFailed:
            if best is None:
                raise
            break  # the time is up: what the first round found stands, with its gap
        stages |= {name: stages.get(name, 0.0) + seconds for name, seconds in found.stages.items()}
        bound = max(bound, found.bound)
        offenders = both_ways(problem, made, model, found.values)
        repaired = one_way(problem, made, model, found, left, offenders)
        if repaired is not None and (best is None or repaired.objective < best.certified.objective):
            best = _Point(repaired, model, made)
        done = best is not None and within_gap(best.certified.objective, bound, gap_target, options)
        if not offenders or done or (best is not None and time.perf_counter() > deadline):
            break
        exclusive |= every_pair(problem) if repaired is None else offenders
    if best is None:
        raise SolverFailed(Status.NO_SOLUTION, "no schedule without simultaneous charge and discharge was found")
    return best, bound, stages


def _certified(
    model: LinearModel, made: Variables, coarse: CoarseAnswer | None, options: SolverOptions, branch_to: float,
    known_bound: float,
) -> Certified:  # fmt: skip
    """The best point of the model with whole lots, the coarse answer's tried first."""
    ways = dives(made, model) if coarse is None else [as_in(coarse, made, model), *dives(made, model)]
    return relax_fix_certify(
        model, options, ways, gap_target=branch_to, known_bound=known_bound, quick=coarse is None or coarse.closed,
        runs=lot_runs(made, model),
    )  # fmt: skip


def rating_mwh(problem: BidProblem) -> float:
    """What the groups could move at full power over the whole time, the larger way each."""
    peaks_kw = sum(float(np.maximum(g.up_limit_kw, g.down_limit_kw).max(initial=0.0)) for g in problem.groups)
    return peaks_kw / KW_PER_MW * problem.n_intervals * problem.step_hours


def every_pair(problem: BidProblem) -> frozenset[tuple[int, int]]:
    """All (group, interval) where moving both ways at once would burn energy."""
    return frozenset(
        (g, t)
        for g, group in enumerate(problem.groups)
        if group.loses_energy
        for t in np.flatnonzero((group.up_limit_kw > 0) & (group.down_limit_kw > 0)).tolist()
    )


def _coarse(problem: BidProblem, options: SolverOptions, gap_target: float, fine_bound: float) -> CoarseAnswer | None:
    """The problem by market time units, branched briefly; None where there is none, it failed, or its relaxation is
    much further from the truth than that of the quarter hours.
    """
    if (smaller := coarsen(problem)) is None:
        return None
    began = time.perf_counter()
    lp, made = build(smaller)
    model = read_model(lp)
    try:
        bound = solve(model, options, relax=True).bound
        if bound < fine_bound - MUCH_WORSE_PU * abs(fine_bound):
            return None  # room that comes and goes within a unit: its means promise too much to be of use
        nodes = min(QUICK.node_limit, options.node_limit)
        limited = replace(options, node_limit=nodes, search=QUICK.search, mip_abs_gap=options.mip_abs_gap / 2)
        found = relax_fix_certify(model, limited, dives(made, model), gap_target=gap_target / 2, quick=False)
    except SolverFailed:
        return None
    lots = tuple(np.round(take(model, position.lots, found.values)) for position in made.positions)
    closed = found.status is Status.OPTIMAL
    return CoarseAnswer(lots, found.bound, time.perf_counter() - began, closed)
