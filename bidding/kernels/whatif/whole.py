"""From a relaxed what-if point to whole decisions: minimums on or off, and where a storage moves both ways at once."""

from __future__ import annotations

import numpy as np

from bidding.kernels.problem import FloatArray
from bidding.kernels.whatif.block_choice import chosen
from bidding.kernels.whatif.columns import Columns, DirectionAt
from bidding.kernels.whatif.stated import WhatIf
from vpp.lib.units import KW_PER_MW

BOTH_WAYS_MW = 1e-7


def offenders(problem: WhatIf, columns: Columns, values: FloatArray) -> DirectionAt:
    """Where a lossy storage charges and discharges at once; a lossless one may be netted without loss."""
    fleet = problem.fleet
    lossy = (fleet.charge_efficiency * fleet.discharge_efficiency < 1.0 - 1e-12)[:, None]
    both = np.minimum(values[columns.charge], values[columns.discharge]) > BOTH_WAYS_MW
    return np.asarray(both & lossy)


def rounded(problem: WhatIf, columns: Columns, values: FloatArray, share: float) -> list[tuple[np.ndarray, FloatArray]]:
    """On where the relaxed position has at least `share` of the minimum."""
    whole = []
    energy_least = problem.energy.min_quantity_kw / KW_PER_MW
    reserve_least = [item.min_quantity_kw / KW_PER_MW for item in problem.reserves if item.min_quantity_kw > 0]
    leasts = reserve_least + [energy_least]
    for (position, on, buy), least in zip(columns.lots, leasts, strict=False):
        needed = least * share - 1e-9
        whole.append((on, (values[position] >= needed).astype(np.float64)))
        if buy is not None:
            whole.append((buy, (values[position] <= -needed).astype(np.float64)))
    if problem.blocks:
        whole.append((columns.block, chosen(problem, columns, values, share)))
    return whole + [(steps.within, steps.settled(values)) for steps in columns.steps]
