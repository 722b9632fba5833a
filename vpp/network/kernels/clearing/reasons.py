"""Why a bid was not taken, in one code and one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vpp.network.kernels.clearing.effects import Effects, injections
from vpp.network.kernels.clearing.problem import ClearingProblem, LostBid
from vpp.network.kernels.clearing.state import GridState, grid_state, limited_element
from vpp.network.kernels.feeder import Floats

if TYPE_CHECKING:
    from vpp.network.kernels.clearing.clear import Plan

MOST_TRIALS = 40  # power flows spent on finding out whether a cheaper bid would have broken something


def why_lost(
    original: ClearingProblem, problem: ClearingProblem, best: Plan, before: GridState, effects: Effects
) -> dict[str, LostBid]:
    """A reason for every bid of `problem` without a share in the plan. `effects` know what the ceiling left of them."""
    taken = best.share.max(axis=1, initial=0.0) > 0
    relief = _relief(problem, before, effects)
    dearest = _dearest_taken(problem, relief, taken)
    reasons: dict[str, LostBid] = {}
    trials = MOST_TRIALS
    for place, bid in enumerate(problem.bids):
        if taken[place]:
            continue
        reason = _plain_reason(original, problem, effects, before, relief, taken, place)
        if reason is None and (price := _price_of_relief(problem, relief, place)) > dearest:
            reason = LostBid("too_dear", f"{price:.2f} EUR per MWh of relief; the dearest bid taken cost {dearest:.2f}")
        if reason is None and trials > 0:
            trials -= 1
            reason = _would_break(problem, best, effects, place)
        reasons[bid.reference] = reason or LostBid(
            "covered", "the bids taken cover the need; more would only cost more"
        )
    return reasons


def _plain_reason(
    original: ClearingProblem,
    problem: ClearingProblem,
    effects: Effects,
    before: GridState,
    relief: Floats,
    taken: Floats,
    place: int,
) -> LostBid | None:
    bid = problem.bids[place]
    offered = (bid.p_kw != 0) | (bid.q_kvar != 0)
    if not offered.any():
        return LostBid("nothing_offered", "every quantity is zero")
    if not ((effects.p_kw[place] != 0) | (effects.q_kvar[place] != 0)).any():
        price, ceiling = float(bid.price_per_mwh[offered].min()), original.ceiling_per_mwh
        return LostBid("above_ceiling", f"{price:.2f} EUR/MWh; the ceiling is {ceiling:.2f}")
    if not (_needed(problem, before, bid.reference) & offered).any():
        return LostBid("not_needed", "no limit is broken and nothing is demanded in its intervals")
    if relief[place].max(initial=0.0) <= 1e-9:
        return LostBid("no_effect", "it relieves none of the broken limits from its place and in its direction")
    for other in np.flatnonzero(taken).tolist():
        if bid.exclusive_group and problem.bids[other].exclusive_group == bid.exclusive_group:
            return LostBid("exclusive", f"{problem.bids[other].reference} of the same group was taken")
    return None


def _needed(problem: ClearingProblem, before: GridState, reference: str) -> Floats:
    """(T,) True where something is broken, or demanded of this bid."""
    needed = (before.low > 0).any(axis=1) | (before.high > 0).any(axis=1)
    needed |= (before.loading > 0).any(axis=1) | (before.power > 0).any(axis=1)
    for demand in problem.demands:
        if reference in demand.bids:
            needed |= demand.quantity > 0
    return np.asarray(needed)


def _relief(problem: ClearingProblem, before: GridState, effects: Effects) -> Floats:
    """(B, T) relief that all of a bid gives the broken limit it helps most, as kW of the best placed node's change."""
    relief = np.zeros(effects.p_kw.shape)

    def count(per_p: Floats, per_q: Floats, interval: int) -> None:
        scale = max(float(np.abs(per_p).max(initial=0.0)), 1e-12)
        falls = -(per_p * effects.p_kw[:, interval] + per_q * effects.q_kvar[:, interval]) / scale
        relief[:, interval] = np.maximum(relief[:, interval], falls)

    for excess, sign in ((before.low, -1.0), (before.high, 1.0)):
        for interval in np.flatnonzero((excess > 0).any(axis=1)):
            node = int(np.argmax(excess[interval]))
            response = effects.at(int(interval))
            count(sign * response.v2_p[:, node], sign * response.v2_q[:, node], int(interval))
    for interval, place in np.argwhere(before.loading > 0):
        p, q = before.flow_p[interval, place], before.flow_q[interval, place]
        apparent = max(float(np.hypot(p, q)), 1e-9)
        response = effects.at(int(interval))
        count(p / apparent * response.flow_p[:, place], q / apparent * response.flow_q[:, place], int(interval))
    for interval, place in np.argwhere(before.power > 0):
        element, response = limited_element(problem, int(place)), effects.at(int(interval))
        per_p = response.source_p if element < 0 else response.flow_p[:, element]
        count(np.sign(before.limit_kw[interval, place]) * per_p, np.zeros_like(per_p), int(interval))
    places = {bid.reference: place for place, bid in enumerate(problem.bids)}
    for demand in problem.demands:
        for name in demand.bids:
            own = (effects.q_kvar if demand.reactive else effects.p_kw)[places[name]]
            relief[places[name]] = np.maximum(relief[places[name]], np.where(demand.quantity > 0, -own, 0.0))
    return relief


def _price_of_relief(problem: ClearingProblem, relief: Floats, place: int) -> float:
    """EUR per MWh of relief in the interval where it is cheapest, start cost spread over the day's relief."""
    bid = problem.bids[place]
    energy_mwh = relief[place] * problem.step_hours / 1e3
    useful = energy_mwh > 1e-12
    if not useful.any():
        return float("inf")
    start = bid.start_cost / float(energy_mwh.sum())
    costs = bid.cost_of_full(problem.step_hours)
    if bid.one_share:
        return float(costs.sum() / energy_mwh.sum()) + start
    return float((costs[useful] / energy_mwh[useful]).min()) + start


def _dearest_taken(problem: ClearingProblem, relief: Floats, taken: Floats) -> float:
    prices = [_price_of_relief(problem, relief, int(place)) for place in np.flatnonzero(taken)]
    return max((price for price in prices if np.isfinite(price)), default=0.0)


def _would_break(problem: ClearingProblem, best: Plan, effects: Effects, place: int) -> LostBid | None:
    """Does the grid bear the plan with the least of this bid on top?"""
    share = best.share.copy()
    share[place] = max(problem.bids[place].min_pu, 0.1)
    state = grid_state(problem, *injections(problem, effects, share))
    if not state.worse_than(best.state):
        return None
    least = "all of it" if problem.bids[place].min_pu >= 1 else "even the least of it"
    return LostBid("would_break", f"{least} on top of the plan would break a limit that the plan keeps")
