"""Every limit of a feeder as one list: by how much a state exceeds it, and how it answers to each node."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vpp.network.kernels.clearing.linear_map import LinearMap
from vpp.network.kernels.clearing.problem import ClearingProblem
from vpp.network.kernels.clearing.state import GridState, limited_element
from vpp.network.kernels.feeder import Floats

KINDS = {"low": "undervoltage", "high": "overvoltage", "loading": "overload", "power": "power_limit"}


@dataclass(frozen=True)
class Limit:
    """kind: low, high, loading or power; place: node, branch-or-transformer, or number of the power limit.

    sense: of a loading or power limit that direction of flow alone (1 or -1); 0 for both.
    """

    kind: str
    place: int
    code: str
    sense: int = 0


def all_limits(problem: ClearingProblem, *, by_direction: bool = False) -> list[Limit]:
    """Of the grid; lines without a known rating have none. With by_direction, flows count apart each way: what cures a
    power that flows back at noon is not what cures an overload in the evening."""
    model = problem.model
    limits = [Limit(kind, n, code) for kind in ("low", "high") for n, code in enumerate(model.nodes.codes)]
    codes = (*model.branches.codes, *model.transformers.codes)
    rated = np.concatenate([np.isfinite(model.branches.rating_a), np.ones(len(model.transformers.codes), dtype=bool)])
    senses = (1, -1) if by_direction else (0,)
    limits += [Limit("loading", int(place), codes[place], sense) for place in np.flatnonzero(rated) for sense in senses]
    named = [(place, one.element_code or one.code) for place, one in enumerate(problem.power_limits)]
    return limits + [Limit("power", place, code, sense) for place, code in named for sense in senses]


def excess_of(state: GridState, limit: Limit) -> Floats:
    """(T,) pu or kW beyond the limit, 0 where it holds."""
    excess = np.asarray(getattr(state, limit.kind)[:, limit.place], dtype=np.float64)
    if not limit.sense:
        return excess
    flow = (state.limit_kw if limit.kind == "power" else state.flow_p)[:, limit.place]
    return np.where(np.where(flow < 0, -1, 1) == limit.sense, excess, 0.0)


def rise_of(
    problem: ClearingProblem, linear: LinearMap, state: GridState, limit: Limit, interval: int
) -> tuple[Floats, Floats]:
    """(N,) twice: how the limited value moves towards (positive) its limit per kW and per kvar more consumption."""
    place = limit.place
    if limit.kind in ("low", "high"):
        voltage = float(np.nan_to_num(state.result.voltage_pu[interval, place])) or 1.0
        sign = (-1.0 if limit.kind == "low" else 1.0) / (2 * voltage)
        return sign * linear.v2_p[place], sign * linear.v2_q[place]
    if limit.kind == "power":
        element = limited_element(problem, place)
        flow = linear.source_p if element < 0 else linear.flow_p[element]
        sign = 1.0 if state.limit_kw[interval, place] >= 0 else -1.0
        return sign * flow, np.zeros_like(flow)
    p, q = float(state.flow_p[interval, place]), float(state.flow_q[interval, place])
    apparent, loading = float(np.hypot(p, q)), float(state.loading_pu[interval, place])
    if apparent <= 1e-9:
        return np.zeros(linear.flow_p.shape[1]), np.zeros(linear.flow_p.shape[1])
    per_kva = loading / apparent
    return per_kva * p / apparent * linear.flow_p[place], per_kva * q / apparent * linear.flow_q[place]
