"""Operating envelopes: how much more each node may consume or produce than forecast, all of them at once.

Room is given out evenly (each node the same share of what its devices can do) until a limit binds, then what is left to
the nodes that strain the limits least. Both corners, everybody consuming and everybody producing all their room,
pass an AC power flow; the limits are corrected by it and the room is filled again until they do. On a radial feeder
voltages and flows are monotone in the injections, so whatever lies between the corners is safe too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vpp.network.kernels.clearing.linear_map import LinearMap, linear_map
from vpp.network.kernels.clearing.problem import ClearingProblem
from vpp.network.kernels.clearing.state import GridState, grid_state, limited_element
from vpp.network.kernels.feeder import FeederModel, Floats
from vpp.network.kernels.limits_rows import Limit, all_limits
from vpp.network.kernels.screening import PowerLimit, away_from_source

CORRECTIONS = 6
SHRINK = 0.97
MOST_SHRINKS = 80
KEPT_PU = 0.999  # of the room that the rows leave


@dataclass(frozen=True)
class NodeRoom:
    """(T, N) kW, non-negative: more consumption, more production than forecast."""

    consume_kw: Floats
    produce_kw: Floats


def operating_envelopes(
    model: FeederModel,
    p_kw: Floats,
    q_kvar: Floats,
    *,
    can_consume_kw: Floats,
    can_produce_kw: Floats,
    power_limits: Sequence[PowerLimit] = (),
    max_loading_pu: float = 1.0,
) -> NodeRoom:
    """Room under a forecast (T, N); ``can_*`` (T, N): what the devices at a node could do at most, >= 0.

    Where the forecast itself breaks a limit, there is no room in the direction that would break it further.
    """
    problem = ClearingProblem(
        model, p_kw, q_kvar, [], 1.0, power_limits=power_limits, max_loading_pu=max_loading_pu
    )  # fmt: skip
    before = grid_state(problem, p_kw, q_kvar)
    heaviest = int(np.argmax(np.abs(p_kw.sum(axis=1))))
    linear = linear_map(model, p_kw[heaviest], q_kvar[heaviest])
    limits = all_limits(problem)
    return NodeRoom(
        _room(problem, linear, before, limits, np.asarray(can_consume_kw, dtype=np.float64), 1.0),
        _room(problem, linear, before, limits, np.asarray(can_produce_kw, dtype=np.float64), -1.0),
    )


def _room(
    problem: ClearingProblem,
    linear: LinearMap,
    before: GridState,
    limits: Sequence[Limit],
    cap_kw: Floats,
    sign: float,
) -> Floats:
    harm = _harm(problem, linear, limits, sign)
    strained = harm.max(axis=1) > 1e-12
    watched = [limit for limit, counts in zip(limits, strained, strict=True) if counts]
    harm = harm[strained]
    headroom = _headroom(problem, before, watched, sign)
    room = np.zeros_like(cap_kw)
    correction = np.zeros_like(headroom)
    for _ in range(CORRECTIONS):
        free = np.maximum(KEPT_PU * (headroom - correction), 0.0)
        room = _fill(harm, free, cap_kw)
        state = grid_state(problem, problem.base_p_kw + sign * room, problem.base_q_kvar)
        if not _worse(state, before).any():
            return room
        # What the AC answer took of the headroom beyond what the rows thought.
        taken = headroom - _headroom(problem, state, watched, sign)
        correction = np.where(np.isfinite(taken), taken - room @ harm.T, correction)
    return _shrunk(problem, before, room, sign)


def _harm(problem: ClearingProblem, linear: LinearMap, limits: Sequence[Limit], sign: float) -> Floats:
    """(R, N) how a kW in this direction at each node moves each limited value towards its limit; 0 where it helps."""
    rows = []
    for limit in limits:
        if limit.kind in ("low", "high"):
            rows.append((-1.0 if limit.kind == "low" else 1.0) * sign * linear.v2_p[limit.place])
        elif limit.kind == "loading":
            rows.append(np.abs(linear.flow_p[limit.place]))
        else:
            rows.append(np.abs(_flow_of_limit(problem, linear, limit)))
    return np.maximum(np.array(rows), 0.0)


def _flow_of_limit(problem: ClearingProblem, linear: LinearMap, limit: Limit) -> Floats:
    element = limited_element(problem, limit.place)
    return linear.source_p if element < 0 else linear.flow_p[element]


def _headroom(problem: ClearingProblem, state: GridState, limits: Sequence[Limit], sign: float) -> Floats:
    """(T, R) room of each limited value in this direction, in squared pu or kW; negative where it is broken."""
    nodes, columns = problem.model.nodes, []
    v2 = np.nan_to_num(state.result.voltage_pu, nan=1.0) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        per_loading = np.where(state.loading_pu > 1e-9, np.hypot(state.flow_p, state.flow_q) / state.loading_pu, np.inf)
    allowed = per_loading * problem.max_loading_pu
    active = np.sqrt(np.maximum(np.where(np.isfinite(allowed), allowed, 0.0) ** 2 - state.flow_q**2, 0.0))
    for limit in limits:
        place = limit.place
        if limit.kind == "low":
            columns.append(v2[:, place] - nodes.v_min_pu[place] ** 2)
        elif limit.kind == "high":
            columns.append(nodes.v_max_pu[place] ** 2 - v2[:, place])
        elif limit.kind == "power":
            columns.append(problem.power_limits[place].limit_kw - sign * state.limit_kw[:, place])
        else:
            towards = _away(problem, place) * sign
            room = active[:, place] - towards * state.flow_p[:, place]
            columns.append(np.where(np.isfinite(allowed[:, place]), room, np.inf))
    return np.stack(columns, axis=1) if columns else np.zeros((v2.shape[0], 0))


def _away(problem: ClearingProblem, place: int) -> float:
    """-1 for a branch whose from-node is the far one."""
    n_branches = len(problem.model.branches.codes)
    return float(away_from_source(problem.model, "branch_overload")[place]) if place < n_branches else 1.0


def _fill(harm: Floats, free: Floats, cap_kw: Floats) -> Floats:
    """(T, N) even shares until the first limit binds, then the rest to those that strain least."""
    used = cap_kw @ harm.T
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(used > 1e-12, free / used, np.inf).min(axis=1, initial=1.0)
    room = cap_kw * np.clip(share, 0.0, 1.0)[:, None]
    left = np.maximum(free - room @ harm.T, 0.0)
    for node in np.argsort(harm.sum(axis=0), kind="stable"):
        strains = harm[:, node] > 1e-12
        if not strains.any() or not cap_kw[:, node].any():
            continue
        more = np.minimum(cap_kw[:, node] - room[:, node], (left[:, strains] / harm[strains, node]).min(axis=1))
        more = np.maximum(more, 0.0)
        room[:, node] += more
        left = np.maximum(left - more[:, None] * harm[:, node], 0.0)
    return room


def _worse(state: GridState, before: GridState) -> Floats:
    """(T,) True where a limit is broken that was kept, or further."""
    return np.asarray(
        (state.low > before.low + 1e-9).any(axis=1)
        | (state.high > before.high + 1e-9).any(axis=1)
        | (state.loading > before.loading + 1e-9).any(axis=1)
        | (state.power > before.power + 1e-9).any(axis=1)
        | ~state.solved
    )


def _shrunk(problem: ClearingProblem, before: GridState, room: Floats, sign: float) -> Floats:
    """Room cut interval by interval until the AC power flow passes; none where it never does."""
    for _ in range(MOST_SHRINKS):
        state = grid_state(problem, problem.base_p_kw + sign * room, problem.base_q_kvar)
        worse = _worse(state, before)
        if not worse.any():
            return room
        room = np.where(worse[:, None], room * SHRINK, room)
    room[worse] = 0.0
    return room
