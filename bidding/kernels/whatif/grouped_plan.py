"""The plan of a solved what-if problem, and what each member of a group does of its group's plan."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bidding.kernels.problem import FloatArray
from bidding.kernels.whatif.grouping import Grouping
from bidding.kernels.whatif.scoring import WhatIfPlan
from bidding.kernels.whatif.search import Solved
from bidding.kernels.whatif.stated import WhatIf
from vpp.lib.units import KW_PER_MW


def plan_of_columns(problem: WhatIf, solved: Solved) -> WhatIfPlan:
    columns = solved.columns

    def kw(index: np.ndarray | None, shape: tuple[int, ...] = ()) -> FloatArray:
        return np.zeros(shape) if index is None else solved.values[index] * KW_PER_MW

    line = (problem.scenarios, problem.intervals)
    names = [item.name for item in problem.reserves]
    return WhatIfPlan(
        position_kw=kw(columns.position),
        reserve_kw={name: kw(index) for name, index in zip(names, columns.reserve, strict=True)},
        charge_kw=kw(columns.charge),
        discharge_kw=kw(columns.discharge),
        energy_kwh=kw(columns.energy),
        carried_kw={name: kw(index) for name, index in zip(names, columns.carried, strict=True)},
        used_kw=kw(columns.used),
        deviation_kw=kw(columns.surplus, line) - kw(columns.deficit, line),
        ask_share={item.id: float(solved.values[columns.ask[n]]) for n, item in enumerate(problem.asks)},
        block_chosen={item.name: float(solved.values[columns.block[n]]) for n, item in enumerate(problem.blocks)},
        relief_kwh=kw(columns.relief, columns.energy.shape),
        excess_kwh=kw(columns.excess, columns.energy.shape),
    )


def shared_out(problem: WhatIf, plan: WhatIfPlan, grouping: Grouping) -> WhatIfPlan:
    """What each member does of its group's plan."""
    shares = grouping.shares

    def out(values: FloatArray, share: FloatArray) -> FloatArray:
        return values[:, grouping.group_of] * share[:, None]

    return replace(
        plan,
        charge_kw=out(plan.charge_kw, shares.charge),
        discharge_kw=out(plan.discharge_kw, shares.discharge),
        energy_kwh=out(plan.energy_kwh, shares.size) + shares.offset_kwh,
        carried_kw={
            item.name: out(plan.carried_kw[item.name], shares.discharge if item.is_up else shares.charge)
            for item in problem.reserves
        },
        relief_kwh=out(plan.relief_kwh, shares.size),
        excess_kwh=out(plan.excess_kwh, shares.size),
    )
