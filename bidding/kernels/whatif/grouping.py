"""Alike storages as one: members of a group move in proportion to their size, so what the group does they can do.

Group limits are the least of its members' limits over their shares: feasible for everyone by construction. For members
that differ in size only this is exact; else the sum of limits (`outer`) gives the bound, and so the loss is proven.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bidding.kernels.problem import FloatArray
from bidding.kernels.whatif.document import Fleet, WhatIf

EXACT_DIGITS = 9


@dataclass(frozen=True)
class Grouping:
    """group_of (N,) number of each storage's group, share (N,) its part; `exact`: members differ in size only."""

    group_of: NDArray[np.int64]
    share: FloatArray
    inner: WhatIf
    outer: WhatIf
    exact: bool

    @property
    def size(self) -> int:
        return self.inner.fleet.size


def group_alike(problem: WhatIf, tolerance: float) -> Grouping:
    """Groups of one feeder, efficiency, retention, wear and end rule whose other figures, per kWh of size, fall into
    the same class of `tolerance` (relative; 0 wants them equal).
    """
    fleet = problem.fleet
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
    classes = np.round(ratios, EXACT_DIGITS) if tolerance == 0 else np.round(ratios / tolerance)
    keys = [
        (
            fleet.feeder[i], fleet.charge_efficiency[i], fleet.discharge_efficiency[i], fleet.retention[i],
            fleet.wear_per_mwh[i], bool(fleet.ends_exactly[i]), classes[i].tobytes(),
        )
        for i in range(fleet.size)
    ]  # fmt: skip
    numbers: dict[object, int] = {}
    group_of = np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)
    total = np.bincount(group_of, weights=size_kwh, minlength=len(numbers))
    share = size_kwh / total[group_of] if fleet.size else size_kwh
    exact = tolerance == 0 or len(numbers) == fleet.size
    inner = replace(problem, fleet=_merged(fleet, group_of, share, len(numbers), outer=False))
    outer = inner if exact else replace(problem, fleet=_merged(fleet, group_of, share, len(numbers), outer=True))
    return Grouping(group_of, share, inner, outer, exact)


def _merged(fleet: Fleet, group_of: NDArray[np.int64], share: FloatArray, count: int, *, outer: bool) -> Fleet:
    first = np.unique(group_of, return_index=True)[1]

    def summed(values: FloatArray) -> FloatArray:
        total = np.zeros((count, *values.shape[1:]))
        np.add.at(total, group_of, values)
        return total

    def extreme(values: FloatArray, *, least: bool) -> FloatArray:
        if outer:
            return summed(values)
        scaled = values / share.reshape(-1, *([1] * (values.ndim - 1)))
        found = np.full((count, *values.shape[1:]), np.inf if least else -np.inf)
        (np.minimum if least else np.maximum).at(found, group_of, scaled)
        return found

    return replace(
        fleet,
        name=tuple(fleet.name[int(row)] if np.sum(group_of == g) == 1 else f"group {g}" for g, row in enumerate(first)),
        feeder=fleet.feeder[first],
        charge_kw=extreme(fleet.charge_kw, least=True),
        discharge_kw=extreme(fleet.discharge_kw, least=True),
        energy_min_kwh=extreme(fleet.energy_min_kwh, least=False),
        energy_max_kwh=extreme(fleet.energy_max_kwh, least=True),
        energy_start_kwh=summed(fleet.energy_start_kwh),
        energy_end_kwh=extreme(fleet.energy_end_kwh, least=False),
        ends_exactly=fleet.ends_exactly[first],
        charge_efficiency=fleet.charge_efficiency[first],
        discharge_efficiency=fleet.discharge_efficiency[first],
        retention=fleet.retention[first],
        wear_per_mwh=fleet.wear_per_mwh[first],
        draw_kwh=summed(fleet.draw_kwh),
    )
