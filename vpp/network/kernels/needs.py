"""What a forecast day needs: which limits break, what change at which node cures them, checked by AC power flow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vpp.network.kernels.clearing.linear_map import LinearMap, linear_map
from vpp.network.kernels.clearing.problem import ClearingProblem
from vpp.network.kernels.clearing.state import (
    LOADING_SLACK_PU,
    POWER_SLACK_KW,
    UNSOLVED,
    VOLTAGE_SLACK_PU,
    GridState,
    grid_state,
)
from vpp.network.kernels.feeder import Bools, FeederModel, Floats
from vpp.network.kernels.limits_rows import KINDS, Limit, all_limits, excess_of, rise_of
from vpp.network.kernels.need import BestNode, Need
from vpp.network.kernels.screening import PowerLimit
from vpp.network.kernels.stretches import Stretch

ROUNDS = 8
SLACK = {"low": VOLTAGE_SLACK_PU, "high": VOLTAGE_SLACK_PU, "loading": LOADING_SLACK_PU, "power": POWER_SLACK_KW}
#: One number to compare limits of different units by, when the worst is looked for.
WEIGHT = {"low": 20.0, "high": 20.0, "loading": 1.0, "power": 0.01}
MOST_NEEDS = 20


def find_needs(
    model: FeederModel,
    p_kw: Floats,
    q_kvar: Floats,
    *,
    power_limits: Sequence[PowerLimit] = (),
    max_loading_pu: float = 1.0,
    candidates: Bools | None = None,
    reactive_voltage: bool = False,
    states: Sequence[Stretch] = (),
) -> list[Need]:
    """Needs of a day (T, N), the worst first; each counts on those before it, so together they cure once.

    candidates       : (N,) True where flexibility is; everywhere without it.
    reactive_voltage : cure voltages by reactive instead of active power.
    states           : stretches of intervals with their own switching state; each has its own needs, as another node
        may be the best one, zero in the others' intervals, the largest first. Empty: `model` all day.
    """
    found: list[Need] = []
    for span, switched in states or ((slice(0, p_kw.shape[0]), model),):
        here = _needs_of_state(
            switched,
            p_kw[span],
            q_kvar[span],
            power_limits=power_limits,
            max_loading_pu=max_loading_pu,
            candidates=candidates,
            reactive_voltage=reactive_voltage,
        )
        found += [_in_day(need, span, p_kw.shape[0]) for need in here]
    return sorted(found, key=lambda need: -float(need.quantity.sum())) if len(states) > 1 else found


def _in_day(need: Need, span: slice, n_intervals: int) -> Need:
    def padded(values: Floats) -> Floats:
        whole = np.zeros(n_intervals)
        whole[span] = values
        return whole

    return replace(need, quantity=padded(need.quantity), excess=padded(need.excess))


def _needs_of_state(
    model: FeederModel,
    p_kw: Floats,
    q_kvar: Floats,
    *,
    power_limits: Sequence[PowerLimit],
    max_loading_pu: float,
    candidates: Bools | None,
    reactive_voltage: bool,
) -> list[Need]:
    allowed = np.ones(len(model.nodes.codes), dtype=bool) if candidates is None else np.asarray(candidates, dtype=bool)
    problem = ClearingProblem(model, p_kw, q_kvar, [], 1.0, power_limits=power_limits, max_loading_pu=max_loading_pu)
    state = grid_state(problem, p_kw, q_kvar)
    limits, given_up = all_limits(problem, by_direction=True), set()
    needs: list[Need] = []
    while len(needs) < MOST_NEEDS:
        limit = _worst(state, [one for one in limits if one not in given_up])
        if limit is None:
            break
        interval = int(np.argmax(excess_of(state, limit)))
        linear = linear_map(model, problem.base_p_kw[interval], problem.base_q_kvar[interval])
        need, problem, state = _cure(problem, linear, state, limit, allowed, reactive_voltage)
        given_up.add(limit)
        if need is not None:
            needs.append(need)
    return needs


def _worst(state: GridState, limits: Sequence[Limit]) -> Limit | None:
    solved = state.solved
    scores = [WEIGHT[one.kind] * float(_beyond(state, one)[solved].sum()) for one in limits]
    worst = int(np.argmax(scores)) if scores else 0
    return limits[worst] if scores and scores[worst] > 0 else None


def _beyond(state: GridState, limit: Limit) -> Floats:
    excess = excess_of(state, limit)
    return np.where((excess > SLACK[limit.kind]) & (excess < UNSOLVED), excess, 0.0)


def _cure(
    problem: ClearingProblem,
    linear: LinearMap,
    state: GridState,
    limit: Limit,
    allowed: Bools,
    reactive_voltage: bool,
) -> tuple[Need | None, ClearingProblem, GridState]:
    """The change at the best node that keeps the limit, with the problem and the grid after it; None without a node."""
    excess = _beyond(state, limit)
    per_kw, per_kvar = rise_of(problem, linear, state, limit, int(np.argmax(excess)))
    reactive = reactive_voltage and limit.kind in ("low", "high")
    everywhere = per_kvar if reactive else per_kw
    rise = np.where(allowed, everywhere, 0.0)
    order = np.argsort(-np.abs(rise), kind="stable")
    slope = float(rise[order[0]])
    if abs(slope) < 1e-12:
        return None, problem, state
    change, after, state = _newton(problem, state, limit, int(order[0]), slope, reactive)
    peak, relief = float(np.abs(change).max(initial=0.0)), everywhere / slope
    need = Need(
        element_code=limit.code,
        kind=_kind(problem, limit, slope),
        reactive=reactive,
        up=slope > 0,
        quantity=np.abs(change),
        excess=excess,
        relief_pu=relief,
        best_nodes=tuple(
            BestNode(problem.model.nodes.codes[node], float(relief[node]), float(peak / relief[node]))
            for node in order[:5]
            if allowed[node] and relief[node] > 1e-6
        ),
        cured=not _beyond(state, limit).any(),
    )
    return need, after, state


def _newton(
    problem: ClearingProblem, state: GridState, limit: Limit, node: int, slope: float, reactive: bool
) -> tuple[Floats, ClearingProblem, GridState]:
    """(T,) kW or kvar at a node until the limit holds, by the AC value and the linear slope, all intervals at once; and
    the problem and the grid with it.
    """
    change, after = np.zeros(problem.n_intervals), problem
    for _ in range(ROUNDS):
        left = _beyond(state, limit)
        if not left.any():
            break
        change -= np.where(left > 0, left + SLACK[limit.kind], 0.0) / slope
        shift = np.zeros_like(problem.base_p_kw)
        shift[:, node] = change
        if reactive:
            after = replace(problem, base_q_kvar=problem.base_q_kvar + shift)
        else:
            after = replace(problem, base_p_kw=problem.base_p_kw + shift)
        state = grid_state(after, after.base_p_kw, after.base_q_kvar)
    return change, after, state


def _kind(problem: ClearingProblem, limit: Limit, rise: float) -> str:
    """An overload that more consumption cures is power that flows back."""
    return "reverse_flow" if limit.kind in ("loading", "power") and rise < 0 else KINDS[limit.kind]
