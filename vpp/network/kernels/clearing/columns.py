"""The decisions of a clearing as columns of a mixed-integer program, and the rows that bids bring themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vpp.network.kernels.clearing.problem import ClearingBid, ClearingProblem
from vpp.network.kernels.feeder import Floats, Ints

#: Equal costs fall to the earlier rank: each rank adds this share of the mean cost.
TIE_PU = 1e-7
CAPABILITY_SIDES = 16
NewColumns = Callable[[Floats, bool], Ints]


@dataclass
class Rows:
    """Rows as they are added: lower <= sum of coefficients times columns <= upper."""

    columns: list[Ints] = field(default_factory=list)
    coefficients: list[Floats] = field(default_factory=list)
    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)

    def add(self, columns: Ints, coefficients: Floats, lower: float, upper: float) -> None:
        self.columns.append(np.asarray(columns, dtype=np.int64))
        self.coefficients.append(np.asarray(coefficients, dtype=np.float64))
        self.lower.append(lower)
        self.upper.append(upper)


@dataclass(frozen=True)
class Columns:
    """share (B, T): the column that holds a bid's share in an interval, -1 where it offers nothing.

    cost, lower, upper, integer : (C,). used (B,): column of the bid's yes or no, -1 if it needs none.
    """

    share: Ints
    used: Ints
    cost: Floats
    upper: Floats
    integer: NDArray[np.bool_]
    rows: Rows

    def shares(self, values: Floats) -> Floats:
        """(B, T) from a solution (C,)."""
        return np.where(self.share >= 0, values[np.maximum(self.share, 0)], 0.0)


def build_columns(problem: ClearingProblem) -> Columns:
    """Columns and the bids' own rows; bids in the problem's order."""
    bids, count = problem.bids, problem.n_intervals
    share = np.full((len(bids), count), -1, dtype=np.int64)
    used = np.full(len(bids), -1, dtype=np.int64)
    cost: list[Floats] = []
    integer: list[NDArray[np.bool_]] = []
    rows, size = Rows(), 0
    full_cost = [bid.cost_of_full(problem.step_hours) for bid in bids]
    ties = _ties(bids, full_cost)
    crowded = _crowded_groups(bids)

    def new(costs: Floats, whole: bool) -> Ints:
        nonlocal size
        cost.append(costs)
        integer.append(np.full(costs.size, whole))
        size += costs.size
        return np.arange(size - costs.size, size)

    for place, bid in enumerate(bids):
        offered = np.flatnonzero((bid.p_kw != 0) | (bid.q_kvar != 0))
        if not offered.size:
            continue
        if bid.one_share:
            share[place, :] = new(np.array([full_cost[place].sum() + ties[place]]), False)
        else:
            share[place, offered] = new(full_cost[place][offered] + ties[place] / offered.size, False)
        group = bid.exclusive_group in crowded
        if bid.start_cost > 0 or group or (bid.one_share and bid.min_pu > 0):
            used[place] = new(np.array([bid.start_cost]), True)[0]
        _bid_rows(rows, bid, share[place], used[place], offered, new, problem.step_hours)
    _group_rows(rows, bids, used, crowded)
    _capability_rows(rows, problem, share)
    return Columns(share, used, np.concatenate(cost or [np.zeros(0)]), np.ones(size), _joined(integer), rows)


def _joined(integer: list[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    return np.concatenate(integer) if integer else np.zeros(0, dtype=bool)


def _ties(bids: Sequence[ClearingBid], full_cost: list[Floats]) -> Floats:
    """(B,) a cost too small to matter that grows with rank and reference."""
    order = sorted(range(len(bids)), key=lambda place: (bids[place].rank, bids[place].reference))
    mean = float(np.mean([costs.sum() for costs in full_cost])) if full_cost else 0.0
    ties = np.zeros(len(bids))
    ties[order] = np.arange(len(bids)) * TIE_PU * max(mean, 1e-3)
    return ties


def _crowded_groups(bids: Sequence[ClearingBid]) -> set[str]:
    members: dict[str, int] = defaultdict(int)
    for bid in bids:
        members[bid.exclusive_group] += 1
    return {group for group, count in members.items() if group and count > 1}


def _bid_rows(
    rows: Rows, bid: ClearingBid, share: Ints, used: int, offered: Ints, new: NewColumns, step_hours: float
) -> None:
    own = share[offered][:1] if bid.one_share else share[offered]
    if bid.one_share and bid.min_pu > 0:
        rows.add(np.array([own[0], used]), np.array([1.0, -bid.min_pu]), 0.0, np.inf)
    if used >= 0:
        for column in own:
            rows.add(np.array([column, used]), np.array([1.0, -1.0]), -np.inf, 0.0)
    if not bid.one_share and bid.min_pu > 0:
        on = new(np.zeros(own.size), True)
        for column, switch in zip(own, on, strict=True):
            rows.add(np.array([column, switch]), np.array([1.0, -bid.min_pu]), 0.0, np.inf)
            rows.add(np.array([column, switch]), np.array([1.0, -1.0]), -np.inf, 0.0)
    energy_kwh = np.abs(bid.p_kw[offered]) * step_hours
    if np.isfinite(bid.energy_limit_kwh):
        if bid.one_share:
            rows.add(own, np.array([energy_kwh.sum()]), -np.inf, bid.energy_limit_kwh)
        else:
            rows.add(own, energy_kwh, -np.inf, bid.energy_limit_kwh)
    if np.isfinite(bid.ramp_kw) and not bid.one_share:
        for here, following in zip(offered, offered[1:], strict=False):
            if following == here + 1:
                pair = np.array([share[following], share[here]])
                rows.add(pair, np.array([bid.p_kw[following], -bid.p_kw[here]]), -bid.ramp_kw, bid.ramp_kw)


def _group_rows(rows: Rows, bids: Sequence[ClearingBid], used: Ints, crowded: set[str]) -> None:
    for group in sorted(crowded):
        members = [used[place] for place, bid in enumerate(bids) if bid.exclusive_group == group and used[place] >= 0]
        if len(members) > 1:
            rows.add(np.array(members), np.ones(len(members)), -np.inf, 1.0)


def _capability_rows(rows: Rows, problem: ClearingProblem, share: Ints) -> None:
    """P and Q of an inverter inside its rating: a polygon within the circle, so never beyond it."""
    angles = 2 * np.pi * np.arange(CAPABILITY_SIDES) / CAPABILITY_SIDES
    for number, inverter in enumerate(problem.inverters):
        members = [place for place, bid in enumerate(problem.bids) if bid.inverter == number]
        for interval in range(problem.n_intervals):
            here = [place for place in members if share[place, interval] >= 0]
            if not here:
                continue
            p = np.array([problem.bids[place].p_kw[interval] for place in here])
            q = np.array([problem.bids[place].q_kvar[interval] for place in here])
            base_p, base_q = inverter.base_kw[interval], inverter.base_kvar[interval]
            for angle in angles:
                reach = inverter.rated_kva * np.cos(np.pi / CAPABILITY_SIDES)
                held = np.cos(angle) * base_p + np.sin(angle) * base_q
                # An inverter that is full already may not be driven further, and need not be driven back.
                rows.add(share[here, interval], np.cos(angle) * p + np.sin(angle) * q, -np.inf, max(reach - held, 0.0))
