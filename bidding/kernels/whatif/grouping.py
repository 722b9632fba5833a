"""Alike storages as one: members of a group share its flows into and out of the store in proportion to their size.

What the group does everyone can do, by construction: group limits are the least of the members' limits over their
shares (`merging`). For members that differ in size only this is exact; else a group of sums gives the bound, and so the
loss is proven.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bidding.kernels.problem import FloatArray
from bidding.kernels.whatif.merging import Shares, outer_fleet, shares_of, spill_mwh, within_everyone
from bidding.kernels.whatif.stated import Fleet, WhatIf

EXACT_DIGITS = 9
WEAR_PER_MWH = 10.0  # a class of tolerance 0.1 is 1 wide
EFFICIENCY = 0.1  # and 0.01 wide in efficiency: its members' losses differ by less than their other figures


@dataclass(frozen=True)
class Grouping:
    """group_of (N,) number of each storage's group; `exact`: members differ in size only.

    inner : what all members can follow. outer : what their sum cannot exceed, if `allowed` (2, S, I, T) MWh are got
    from nowhere (none) and lost (what the worse efficiencies lose); False where all are equal.
    """

    group_of: NDArray[np.int64]
    shares: Shares
    inner: WhatIf
    outer: WhatIf
    exact: bool
    allowed: FloatArray | bool

    @property
    def size(self) -> int:
        return self.inner.fleet.size


def group_alike(problem: WhatIf, tolerance: float) -> Grouping:
    """Groups of one feeder, retention, owner terms and end rule whose other figures, per kWh of size, fall into the
    same class of `tolerance` (relative; 0 wants them equal).
    """
    group_of = _numbers(problem.fleet, tolerance, with_reserves=bool(problem.reserves))
    count = int(group_of.max(initial=-1)) + 1
    exact = tolerance == 0 or count == problem.fleet.size
    shares = shares_of(problem.fleet, group_of, count)
    inner = replace(problem, fleet=within_everyone(problem, group_of, shares, count))
    outer = inner if exact else replace(problem, fleet=outer_fleet(problem, group_of, count))
    allowed: FloatArray | bool = False
    if not exact and shares.efficiencies_differ:
        lost = spill_mwh(problem, group_of, count)
        allowed = np.stack([np.zeros((problem.scenarios, *lost.shape)), np.stack([lost] * problem.scenarios)])
    return Grouping(group_of, shares, inner, outer, exact, allowed)


def _numbers(fleet: Fleet, tolerance: float, *, with_reserves: bool) -> NDArray[np.int64]:
    """(N,) group numbers in the order of their first members.

    What only charges holds up reserve out of its charging, to the last kW: where there are reserves, one-way storages
    share a group only with equal efficiencies.
    """
    size_kwh = np.maximum(fleet.energy_max_kwh, 1e-9)
    ratios = np.column_stack(
        [
            fleet.energy_min_kwh / size_kwh,
            fleet.energy_start_kwh / size_kwh,
            fleet.energy_end_kwh / size_kwh,
            fleet.charge_kw / size_kwh[:, None],
            fleet.discharge_kw / size_kwh[:, None],
            fleet.draw_kwh / size_kwh[:, None],
        ]
    )
    own = np.column_stack(
        [
            fleet.charge_efficiency / EFFICIENCY,
            fleet.discharge_efficiency / EFFICIENCY,
            fleet.wear_per_mwh / WEAR_PER_MWH,
        ]
    )
    ways = np.array((fleet.charge_kw > 0).any(axis=1) * 2 + (fleet.discharge_kw > 0).any(axis=1), dtype=np.int64)
    exact = np.round(np.column_stack([ratios, own]), EXACT_DIGITS)
    classes = exact if tolerance == 0 else np.round(np.column_stack([ratios, own]) / tolerance)
    if with_reserves:
        classes[ways < 3, -3:-1] = exact[ways < 3, -3:-1]
    keys = [
        (
            fleet.feeder[i], fleet.retention[i], fleet.max_hours[i], fleet.max_starts[i], int(ways[i]),
            bool(fleet.ends_exactly[i]), (exact if fleet.ends_exactly[i] else classes)[i].tobytes(),
        )
        for i in range(fleet.size)
    ]  # fmt: skip
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)
