"""Energy, reserves and the utilities' asks of one portfolio in one optimisation (docs/bid.md has the formulation).

The problem is stated as a minimisation of cost; profit is its negative. Price taker: with a spread on recovery and no
recourse, the expected price stands for the price scenarios of a risk-neutral bidder.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pulp

from bidding.kernels.certify import Certified, relax_fix_certify
from bidding.kernels.constraints import add_all_rows
from bidding.kernels.plan import BidPlan, Shortfall, read_plan
from bidding.kernels.problem import BidProblem
from bidding.kernels.rounding import both_ways, dives, one_way, whole_asks
from bidding.kernels.solver import LinearModel, SolverFailed, SolverOptions, Status, read_model, relative_gap
from bidding.kernels.variables import Variables, make_variables

__all__ = ["BidPlan", "Shortfall", "build", "co_optimise", "cost_terms"]

MAX_DIRECTION_ROUNDS = 3


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


def co_optimise(
    problem: BidProblem, options: SolverOptions, *, gap_target: float = 1e-3, branch: bool = True
) -> BidPlan:
    """Solve, make directions exclusive, round asks to their lots; raises BadProblem or SolverFailed.

    The bound is that of the first relaxation, so the stated gap covers every later repair.
    """
    problem.validated()
    deadline = time.perf_counter() + options.time_limit_s
    exclusive: frozenset[tuple[int, int]] = frozenset()
    best: tuple[Certified, LinearModel, Variables] | None = None
    bound, stages = -np.inf, dict[str, float]()
    for _ in range(MAX_DIRECTION_ROUNDS):
        left = replace(options, time_limit_s=max(deadline - time.perf_counter(), 0.5))
        lp, made = build(problem, exclusive)
        model = read_model(lp)
        try:
            found = relax_fix_certify(model, left, dives(made, model), gap_target=gap_target, branch=branch)
        except SolverFailed:
            if best is None:
                raise
            break  # the time is up: what the first round found stands, with its gap
        stages = {name: stages.get(name, 0.0) + seconds for name, seconds in found.stages.items()}
        bound = max(bound, found.bound)
        offenders = both_ways(problem, made, model, found.values)
        repaired = one_way(problem, made, model, found, left, offenders)
        if repaired is not None and (best is None or repaired.objective < best[0].objective):
            best = (repaired, model, made)
        done = best is not None and relative_gap(best[0].objective, bound) <= gap_target
        if not offenders or done or (best is not None and time.perf_counter() > deadline):
            break
        exclusive |= offenders
    if best is None:
        raise SolverFailed(Status.NO_SOLUTION, "no schedule without simultaneous charge and discharge was found")
    certified, model, made = best
    certified = whole_asks(problem, made, model, certified, options)
    gap = relative_gap(certified.objective, bound)
    status = Status.OPTIMAL if gap <= gap_target else Status.FEASIBLE
    certified = replace(certified, bound=bound, gap=gap, status=status, stages=stages)
    return read_plan(problem, made, model, certified, options.engine)
