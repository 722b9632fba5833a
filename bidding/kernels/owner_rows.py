"""Rows of what owners allow; numbers refer to docs/bid.md.

They count what dispatch counts of a device: any movement, either way, and reserve that is held as if it were called. A
group's share of its peak power stands for the share of its devices that move: ten devices of which five move for two
hours have used one hour each, and half a start each. A single device at part power counts in part.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pulp

from bidding.kernels.problem import DOWN, UP, BidProblem, FlexGroup
from bidding.kernels.rows import Terms, add_row
from bidding.kernels.variables import Variables
from vpp.lib.units import KW_PER_MW


def add_owner_rows(lp: pulp.LpProblem, problem: BidProblem, made: Variables) -> None:
    """(5) Owner terms: hours of use and starts a day, rest between movements."""
    for g, group in enumerate(problem.groups):
        if group.max_hours < problem.n_intervals * problem.step_hours:
            terms: Terms = []
            for t in range(problem.n_intervals):
                in_use = used_share(problem, made, g, t)
                terms += [(variable, problem.step_hours * share) for variable, share in in_use]
            add_row(lp, terms, -1, group.max_hours)
        if group.max_starts < problem.n_intervals:
            add_start_rows(lp, problem, made, g, group)
        if group.rest_hours > 0:
            add_rest_rows(lp, problem, made, g, group)


def add_start_rows(lp: pulp.LpProblem, problem: BidProblem, made: Variables, g: int, group: FlexGroup) -> None:
    """(5b) Every movement goes away from the baseline once and back once, so upward steps of the net movement (back to
    nothing at the day's end) count them; a change from one side to the other counts as two. Reserve counts by its own
    steps.
    """
    peaks = [peak for peak in peaks_kw(group).values() if peak > 0]
    if not peaks:
        return
    share = KW_PER_MW / min(peaks)
    total: Terms = []
    for name, series in _series(problem, made, g):
        before: Terms = []
        for t in range(problem.n_intervals + 1):
            now = [(variable, sign * share) for variable, sign in series(t)] if t < problem.n_intervals else []
            begun = pulp.LpVariable(f"starts_{name}_g{g}_t{t}", 0)
            add_row(lp, [(begun, 1.0), *((v, -factor) for v, factor in now), *before], 1, 0.0)
            total.append((begun, 1.0))
            before = now
    add_row(lp, total, -1, group.max_starts)


def add_rest_rows(lp: pulp.LpProblem, problem: BidProblem, made: Variables, g: int, group: FlexGroup) -> None:
    """(5c) Devices that ended a movement within their rest do not move: their share and that of those in use are at
    most all (the minimum down time of Rajan and Takriti 2005, IBM RC23628). Reserve is in use while it is held.
    """
    steps = int(np.ceil(group.rest_hours / problem.step_hours - 1e-9))
    before: Terms = []
    ended: list[pulp.LpVariable] = []
    for t in range(problem.n_intervals):
        now = used_share(problem, made, g, t, held=True)
        if t:
            ended.append(pulp.LpVariable(f"ended_g{g}_t{t}", 0))
            add_row(lp, [(ended[-1], 1.0), *now, *((variable, -share) for variable, share in before)], 1, 0.0)
            add_row(lp, [*now, *((variable, 1.0) for variable in ended[-steps:])], -1, 1.0)
        before = now


def _series(problem: BidProblem, made: Variables, g: int) -> list[tuple[str, Callable[[int], Terms]]]:
    """What is watched for starts: the net movement, and each reserve that is carried."""
    found: list[tuple[str, Callable[[int], Terms]]] = [
        ("move", lambda t: [(made.up[g][t], 1.0), (made.down[g][t], -1.0)])
    ]
    for product in problem.reserves:
        carried = made.carried[product.code][g]
        found.append((product.code, lambda t, carried=carried: [(carried[t], 1.0)]))  # type: ignore[misc]
    return found


def used_share(problem: BidProblem, made: Variables, g: int, t: int, *, held: bool = False) -> Terms:
    """Share of the group's devices in use in interval t: both ways, and of reserve what is expected to be called, or
    all that is `held`.
    """
    peak = peaks_kw(problem.groups[g])
    terms: Terms = []
    for direction, column in ((UP, made.up[g]), (DOWN, made.down[g])):
        if peak[direction] > 0:
            terms.append((column[t], KW_PER_MW / peak[direction]))
    for product in problem.reserves:
        power_kw = max(peak[direction] for direction in (UP, DOWN) if product.covers(direction))
        called_pu = 1.0 if held else product.activation_pu
        if called_pu and power_kw > 0:
            terms.append((made.carried[product.code][g][t], called_pu * KW_PER_MW / power_kw))
    return terms


def peaks_kw(group: FlexGroup) -> dict[str, float]:
    return {UP: float(group.up_limit_kw.max(initial=0.0)), DOWN: float(group.down_limit_kw.max(initial=0.0))}
