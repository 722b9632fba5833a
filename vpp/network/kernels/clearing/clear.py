"""Clear, check by AC power flow, correct the rows, clear again; the cheapest plan that the check lets pass is kept.

Linear rows alone buy a third of what is needed (they leave out losses), and a guard band wide enough to be safe buys a
quarter too much. Rows that stand on the last AC solution need neither: docs/network.md has the formulation.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from vpp.network.kernels.clearing.columns import Columns, build_columns
from vpp.network.kernels.clearing.effects import Effects, bid_effects, injections
from vpp.network.kernels.clearing.linear_map import LinearMap, linear_map, probed
from vpp.network.kernels.clearing.milp import NoPlan, solve
from vpp.network.kernels.clearing.network_rows import Watched, grid_rows
from vpp.network.kernels.clearing.problem import ClearingBid, ClearingProblem, ClearingResult
from vpp.network.kernels.clearing.reasons import why_lost
from vpp.network.kernels.clearing.state import GridState, grid_state, violations
from vpp.network.kernels.feeder import Floats

SETTLED_PU = 2e-4  # a correction that changes the cost by less is the last one
NOTHING = 1e-9
CURED = 1e-6
FEW_WHOLE = 300


@dataclass(frozen=True)
class ClearingOptions:
    """Where the search ends.

    max_corrections : power flows at most. time_limit_s: for all of it, the last resort.
    mip_gap         : of each program, relative; coarse_gap in its place where more than 300 decisions are whole.
    probe           : take finite differences also where the feeder is radial (dearer, seldom better).
    """

    max_corrections: int = 12
    time_limit_s: float = 30.0
    mip_gap: float = 2e-4
    coarse_gap: float = 2e-3
    probe: bool = False


@dataclass(frozen=True)
class Plan:
    """Shares (B, T) with their AC answer. Better is: nothing made worse, less left broken, cheaper."""

    share: Floats
    state: GridState
    cost: float
    worse: bool
    unmet: float

    @property
    def key(self) -> tuple[bool, float, float, float]:
        return (self.worse, round(self.state.total_excess() / CURED) * CURED, round(self.unmet, 3), self.cost)


def clear(problem: ClearingProblem, options: ClearingOptions | None = None) -> ClearingResult:
    """The plan. Bids above the ceiling are left out; without anything to cure or demanded nothing is taken.

    Raises BadClearing.
    """
    options = options or ClearingOptions()
    problem = problem.validated()
    order = sorted(range(len(problem.bids)), key=lambda place: problem.bids[place].reference)
    sorted_problem = replace(problem, bids=[_within_ceiling(problem, place) for place in order])
    best, before, corrections, effects = _corrected(sorted_problem, options)
    back = np.argsort(order)
    share = best.share[back] if order else best.share
    p_kw, _ = injections(sorted_problem, effects, best.share)
    lost = why_lost(
        problem, replace(sorted_problem, bids=[problem.bids[place] for place in order]), best, before, effects
    )
    return ClearingResult(
        share=share,
        cost=_costs(problem, share),
        ac_valid=not best.worse,
        before=violations(problem, before, problem.base_p_kw),
        after=violations(problem, best.state, p_kw),
        corrections=corrections,
        lost=lost,
    )


def _within_ceiling(problem: ClearingProblem, place: int) -> ClearingBid:
    """The bid, offering nothing in the intervals where it asks more than the ceiling."""
    bid = problem.bids[place]
    dear = bid.price_per_mwh > problem.ceiling_per_mwh
    if not dear.any():
        return bid
    if bid.one_share and (dear & (bid.p_kw != 0)).any():
        dear = np.ones_like(dear)
    return replace(bid, p_kw=np.where(dear, 0.0, bid.p_kw), q_kvar=np.where(dear, 0.0, bid.q_kvar))


def _corrected(problem: ClearingProblem, options: ClearingOptions) -> tuple[Plan, GridState, int, Effects]:
    before = grid_state(problem, problem.base_p_kw, problem.base_q_kvar)
    effects = bid_effects(problem, _maps(problem, before, probe=options.probe))
    nothing = np.zeros((len(problem.bids), problem.n_intervals))
    best = Plan(nothing, before, 0.0, False, _unmet(problem, effects, nothing))
    watched = Watched()
    if not problem.bids or (watched.add(before) == 0 and not problem.demands):
        return best, before, 0, effects
    columns = build_columns(problem)
    last, ends = best, time.monotonic() + options.time_limit_s
    start: Floats | None = None
    done = 0
    for done in range(1, options.max_corrections + 1):
        plan, start = _next(
            problem,
            columns,
            effects,
            watched,
            last,
            before,
            start,
            replace(options, time_limit_s=ends - time.monotonic()),
        )
        if plan is None:
            break
        best = min(best, plan, key=lambda one: one.key)
        settled = abs(plan.cost - last.cost) <= SETTLED_PU * max(plan.cost, 1e-6)
        grown = watched.add(plan.state)
        last = plan
        if (settled and not grown and not plan.worse and done > 1) or time.monotonic() > ends:
            break
    return best, before, done, effects


def _maps(problem: ClearingProblem, before: GridState, *, probe: bool) -> list[LinearMap]:
    """Of each switching state, at the interval in which most is broken."""
    find = probed if probe else linear_map
    broken = (before.low + before.high).sum(axis=1) + before.loading.sum(axis=1)
    worst = [span.start + int(np.argmax(broken[span])) for span, _ in problem.stretches]
    return [
        find(model, problem.base_p_kw[at], problem.base_q_kvar[at])
        for (_, model), at in zip(problem.stretches, worst, strict=True)
    ]


def _next(
    problem: ClearingProblem,
    columns: Columns,
    effects: Effects,
    watched: Watched,
    last: Plan,
    before: GridState,
    start: Floats | None,
    options: ClearingOptions,
) -> tuple[Plan | None, Floats | None]:
    rows = grid_rows(problem, columns, effects, watched, last.state, before, last.share)
    gap = options.mip_gap if int(columns.integer.sum()) <= FEW_WHOLE else options.coarse_gap
    try:
        values = solve(problem, columns, rows, time_limit_s=options.time_limit_s, mip_gap=gap, start=start)
    except NoPlan:
        return None, start
    share = columns.shares(values)
    share[share < NOTHING] = 0.0
    for place, bid in enumerate(problem.bids):
        if bid.one_share and bid.step_pu > 0:
            share[place] = np.minimum(np.ceil(share[place] / bid.step_pu - 1e-6) * bid.step_pu, 1.0)
    state = grid_state(problem, *injections(problem, effects, share))
    cost = float(_costs(problem, share).sum())
    return Plan(share, state, cost, state.worse_than(before), _unmet(problem, effects, share)), values


def _unmet(problem: ClearingProblem, effects: Effects, share: Floats) -> float:
    """What the demands still want, kW and kvar summed over the intervals."""
    places = {bid.reference: place for place, bid in enumerate(problem.bids)}
    total = 0.0
    for demand in problem.demands:
        members = [places[name] for name in demand.bids]
        series = effects.q_kvar if demand.reactive else effects.p_kw
        given = -(share[members] * series[members]).sum(axis=0) if members else np.zeros(problem.n_intervals)
        total += float(np.maximum(demand.quantity - given, 0.0).sum())
    return total


def _costs(problem: ClearingProblem, share: Floats) -> Floats:
    """(B,) EUR: what is taken at its price, and the start where anything is."""
    costs = [
        float(share[place] @ bid.cost_of_full(problem.step_hours)) + bid.start_cost * bool((share[place] > 0).any())
        for place, bid in enumerate(problem.bids)
    ]
    return np.array(costs, dtype=np.float64)
