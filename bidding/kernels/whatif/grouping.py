"""Alike storages as one: members of a group share its flows into and out of the store in proportion to their size.

What the group does everyone can do, by construction: group limits are the least of the members' limits over their
shares (`merging`). For members that differ in size only this is exact; else a group of sums gives the bound, and so the
loss is proven.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bidding.kernels.problem import FloatArray
from bidding.kernels.whatif.merging import Shares, outer_fleet, shares_of, spill_mwh, within_everyone
from bidding.kernels.whatif.stated import Fleet, WhatIf

EXACT_DIGITS = 9
WEAR_PER_MWH = 10.0  # differences that weigh as much as one of 1 in the energy per size
EFFICIENCY = 0.1
POWER_PU = 0.5  # a group has the least power of its members, over their shares
MOST_APART = 3_000  # rows that are clustered pair by pair; more of them are rounded first
ROUNDED_TO = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)


Index = NDArray[np.int64]


@dataclass(frozen=True)
class Grouping:
    """group_of (N,) number of each storage's group; `exact`: members differ in size only.

    inner : what all members can follow. outer : what their sum cannot exceed, if `allowed` (2, S, I, T) MWh are got
    from nowhere (none) and lost (what the worse efficiencies lose); False where all are equal.
    """

    group_of: Index
    shares: Shares
    inner: WhatIf
    outer: WhatIf
    exact: bool
    allowed: FloatArray | bool

    @property
    def size(self) -> int:
        return self.inner.fleet.size


def group_alike(problem: WhatIf, most: int | None = None) -> Grouping:
    """Groups of storages that differ in size only or, with `most`, about so many groups of nearly alike ones: of one
    feeder, retention, owner terms, ways to move and rule for the end. More than `most` only where these differ more.
    """
    kept = _labels(_fixed(problem.fleet))
    features = _features(problem.fleet)
    alike = _labels([(key, row.tobytes()) for key, row in zip(kept, np.round(features, EXACT_DIGITS), strict=True)])
    exact = most is None or int(alike.max(initial=-1)) < most
    return _grouping(problem, alike if exact or most is None else _clustered(kept, features, most), exact=exact)


def _grouping(problem: WhatIf, group_of: Index, *, exact: bool) -> Grouping:
    count = int(group_of.max(initial=-1)) + 1
    shares = shares_of(problem.fleet, group_of, count)
    inner = replace(problem, fleet=within_everyone(problem, group_of, shares, count))
    outer = inner if exact else replace(problem, fleet=outer_fleet(problem, group_of, count))
    allowed: FloatArray | bool = False
    if not exact and shares.efficiencies_differ:
        lost = spill_mwh(problem, group_of, count)
        allowed = np.stack([np.zeros((problem.scenarios, *lost.shape)), np.stack([lost] * problem.scenarios)])
    return Grouping(group_of, shares, inner, outer, exact, allowed)


def _labels(keys: list[Hashable]) -> Index:
    """(N,) numbers of equal keys in the order of their first members."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def _fixed(fleet: Fleet) -> list[Hashable]:
    """What members of a group have alike. Where energy ends exactly, all gain as much over the day for their
    size, since their energies move in proportion.
    """
    size_kwh, kept = _size_kwh(fleet), np.ones(fleet.size)
    gained = fleet.energy_end_kwh.copy()
    for t in reversed(range(fleet.draw_kwh.shape[1])):
        gained += kept * fleet.draw_kwh[:, t]
        kept = kept * fleet.retention
    gained = np.round((gained - kept * fleet.energy_start_kwh) / size_kwh, EXACT_DIGITS)
    gained = np.where(fleet.ends_exactly, gained, 0.0) + 0.0
    ways = np.column_stack([(kw > 0).any(axis=1) for kw in (fleet.charge_kw, fleet.discharge_kw)])
    terms = (fleet.max_hours, fleet.max_starts, fleet.ends_exactly, gained)
    columns = (fleet.feeder, fleet.retention, ways[:, 0], ways[:, 1], *terms)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _features(fleet: Fleet) -> FloatArray:
    """(N, F) per kWh of size, scaled to what a difference costs a group."""
    size_kwh, steps = _size_kwh(fleet), np.sqrt(fleet.draw_kwh.shape[1])
    parts = [np.column_stack([fleet.energy_min_kwh, fleet.energy_start_kwh, fleet.energy_end_kwh]) / size_kwh[:, None]]
    for kw in (fleet.charge_kw, fleet.discharge_kw):
        ratio = kw / size_kwh[:, None]
        usual = float(np.median(ratio[ratio > 0])) if (ratio > 0).any() else 1.0
        parts.append(POWER_PU * ratio / usual / steps)
    parts.append(np.cumsum(fleet.draw_kwh, axis=1) / size_kwh[:, None] / steps)
    parts.append(np.column_stack([fleet.charge_efficiency, fleet.discharge_efficiency]) / EFFICIENCY)
    return np.column_stack([*parts, fleet.wear_per_mwh / WEAR_PER_MWH])


def _size_kwh(fleet: Fleet) -> FloatArray:
    return np.maximum(fleet.energy_max_kwh, 1e-9)


def _clustered(kept: Index, features: FloatArray, most: int) -> Index:
    """(N,) groups of least variance within (Ward 1963), never across what members have alike."""
    from scipy.cluster.hierarchy import fcluster, linkage

    rows, row_of = _few_rows(kept, features)
    apart = 1e3 * (1.0 + np.abs(features).max(initial=0.0))
    sorts = int(kept.max(initial=-1)) + 1
    tree = linkage(np.column_stack([apart * np.eye(sorts)[kept[rows]], features[rows]]), method="ward")
    cluster = fcluster(tree, t=max(most, sorts), criterion="maxclust")[row_of]
    return _labels(list(zip(kept.tolist(), cluster.tolist(), strict=True)))


def _few_rows(kept: Index, features: FloatArray) -> tuple[Index, Index]:
    """The first of each kind of row, and (N,) which of them stands for each storage; rounded until there are few."""
    for digits in (0.0, *ROUNDED_TO):
        rounded = features if digits == 0.0 else np.round(features / digits)
        label = _labels([(key, row.tobytes()) for key, row in zip(kept.tolist(), rounded, strict=True)])
        rows = np.unique(label, return_index=True)[1]
        if rows.size <= MOST_APART:
            break
    return rows.astype(np.int64), label
