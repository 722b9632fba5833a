"""Rows of the grid's limits around the last AC solution: value there, plus what the linear map says of the change."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from vpp.network.kernels.clearing.columns import Columns
from vpp.network.kernels.clearing.effects import Effects, Response
from vpp.network.kernels.clearing.problem import ClearingProblem
from vpp.network.kernels.clearing.state import GridState, limited_element
from vpp.network.kernels.feeder import Floats, Ints

#: How far inside its limit a row aims, so that the last correction ends on the safe side.
VOLTAGE_AIM_PU, LOADING_AIM_PU, POWER_AIM_KW = 2e-6, 1e-5, 1e-3
WORST_NODES = 4  # of an interval that are watched at once; more come in as they turn out to be broken
Place = tuple[str, int, int]


@dataclass(frozen=True)
class GridRow:
    """sum(coefficients * columns) <= upper + kept + beyond; kept goes up to ``before`` (what was broken anyway).

    In kW of the most effective bid, so that one price fits all rows."""

    columns: Ints
    coefficients: Floats
    upper: float
    before: float


@dataclass
class Watched:
    """The limits that have rows: (kind, interval, position)."""

    places: set[Place] = field(default_factory=set)

    def add(self, state: GridState) -> int:
        """Take in what is broken in this state; how many are new."""
        known = len(self.places)
        for kind, excess in (("low", state.low), ("high", state.high)):
            for interval in np.flatnonzero((excess > 0).any(axis=1)):
                worst = np.argsort(excess[interval], kind="stable")[::-1][:WORST_NODES]
                self.places |= {(kind, int(interval), int(node)) for node in worst if excess[interval, node] > 0}
        for kind, excess in (("loading", state.loading), ("power", state.power)):
            self.places |= {(kind, int(interval), int(place)) for interval, place in np.argwhere(excess > 0)}
        return len(self.places) - known


def grid_rows(
    problem: ClearingProblem,
    columns: Columns,
    effects: Effects,
    watched: Watched,
    state: GridState,
    before: GridState,
    share: Floats,
) -> list[GridRow]:
    """A row for every watched limit, around the state that the shares have led to."""
    rows = []
    for kind, interval, place in sorted(watched.places):
        if not state.solved[interval]:
            continue
        for per_p, per_q, room, broken in _limits(problem, effects.at(interval), state, before, kind, interval, place):
            row = _row(columns, effects, share, interval, per_p, per_q, room, broken)
            if row is not None:
                rows.append(row)
    return rows


def _row(
    columns: Columns,
    effects: Effects,
    share: Floats,
    interval: int,
    per_p: Floats,
    per_q: Floats,
    room: float,
    broken: float,
) -> GridRow | None:
    """`per_p`, `per_q` (B,): rise of the limited value per kW, kvar of a bid; `room`: what it may still rise."""
    bids = np.flatnonzero(columns.share[:, interval] >= 0)
    coefficients = per_p[bids] * effects.p_kw[bids, interval] + per_q[bids] * effects.q_kvar[bids, interval]
    active = effects.p_kw[bids, interval] != 0
    strength = max(
        float(np.abs(per_p[bids][active]).max(initial=0.0)), float(np.abs(per_q[bids][~active]).max(initial=0.0))
    )
    if strength <= 0 or not np.abs(coefficients).max(initial=0.0):
        return None
    upper = room + float(coefficients @ share[bids, interval])
    target = columns.share[bids, interval]
    return GridRow(target, coefficients / strength, upper / strength, max(broken, 0.0) / strength)


def _limits(
    problem: ClearingProblem,
    response: Response,
    state: GridState,
    before: GridState,
    kind: str,
    interval: int,
    place: int,
) -> list[tuple[Floats, Floats, float, float]]:
    """(rise per kW, rise per kvar, room, broken before) of one limit; two of them where both directions count."""
    nodes = problem.model.nodes
    if kind in ("low", "high"):
        squared = float(np.nan_to_num(state.result.voltage_pu[interval, place])) ** 2
        per_p, per_q = response.v2_p[:, place], response.v2_q[:, place]
        if kind == "low":
            limit = float(nodes.v_min_pu[place])
            broken = 2 * limit * float(before.low[interval, place])
            return [(-per_p, -per_q, squared - (limit + VOLTAGE_AIM_PU) ** 2, broken)]
        limit = float(nodes.v_max_pu[place])
        broken = 2 * limit * float(before.high[interval, place])
        return [(per_p, per_q, (limit - VOLTAGE_AIM_PU) ** 2 - squared, broken)]
    if kind == "power":
        return _power_limits(problem, response, state, before, interval, place)
    return _loadings(problem, response, state, before, interval, place)


def _power_limits(
    problem: ClearingProblem, response: Response, state: GridState, before: GridState, interval: int, place: int
) -> list[tuple[Floats, Floats, float, float]]:
    element = limited_element(problem, place)
    per_p = response.source_p if element < 0 else response.flow_p[:, element]
    value, limit = float(state.limit_kw[interval, place]), problem.power_limits[place].limit_kw - POWER_AIM_KW
    broken, none = float(before.power[interval, place]), np.zeros_like(per_p)
    return [(per_p, none, limit - value, broken), (-per_p, none, limit + value, broken)]


def _loadings(
    problem: ClearingProblem, response: Response, state: GridState, before: GridState, interval: int, place: int
) -> list[tuple[Floats, Floats, float, float]]:
    """Along the present direction of the apparent power, and against a reversal of the active one."""
    p, q = float(state.flow_p[interval, place]), float(state.flow_q[interval, place])
    apparent, loading = float(np.hypot(p, q)), float(state.loading_pu[interval, place])
    if apparent <= 1e-9 or loading <= 1e-9:
        return []
    per_p, per_q = response.flow_p[:, place], response.flow_q[:, place]
    allowed = apparent / loading * (problem.max_loading_pu - LOADING_AIM_PU)
    broken = float(before.loading[interval, place]) * apparent / loading
    back = -np.sign(p) or 1.0
    return [
        (p / apparent * per_p, q / apparent * per_q, allowed - apparent, broken),
        (back * per_p, np.zeros_like(per_q), allowed + abs(p), broken),
    ]
