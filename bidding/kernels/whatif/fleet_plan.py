"""Which what-if problems are solved as whole fleets, what comes of it, and the plan of the point that is found."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from bidding.kernels.problem import FloatArray
from bidding.kernels.solver import SolverFailed
from bidding.kernels.whatif.columns import Columns
from bidding.kernels.whatif.fleet_cells import CARRIED, CHARGE, DISCHARGE, ENERGY
from bidding.kernels.whatif.fleet_market import Index, without_idle_limits
from bidding.kernels.whatif.scoring import WhatIfPlan
from bidding.kernels.whatif.stated import Fleet, WhatIf
from vpp.lib.units import KW_PER_MW

MOST_ROWS = 2_500  # in which storages of one scenario meet: factored densely
MOST_CELLS = 2_000_000  # a storage, an interval, a scenario: about two kilobytes each


class FleetUnfinished(SolverFailed):
    """No plan in time, or no convergence; `bound` (as a maximisation, infinite for none) is proven all the same."""

    def __init__(self, cause: SolverFailed, bound: float) -> None:
        super().__init__(cause.status, str(cause))
        self.bound = bound


@dataclass(frozen=True)
class FleetSolved:
    """As a maximisation."""

    plan: WhatIfPlan
    objective: float
    bound: float
    seconds: dict[str, float]


def solvable(problem: WhatIf) -> bool:
    """Whether it may be solved whole: no owner's limits over the day, each storage able on its own, not too large."""
    fleet, count, limited = problem.fleet, problem.intervals, without_idle_limits(problem)
    limits = np.isfinite(limited.export_limit_kw).sum() + np.isfinite(limited.import_limit_kw).sum()
    rows = count * (1 + len(problem.reserves) + int(limits)) + sum(ask.intervals.size for ask in problem.asks)
    free = (fleet.max_hours >= problem.hours * count) & (fleet.max_starts >= count)
    small = rows <= MOST_ROWS and fleet.size * count * problem.scenarios <= MOST_CELLS
    return bool(free.all()) and small and fleet.size > 0 and _able(problem)


def _able(problem: WhatIf) -> bool:
    """Whether every storage alone can keep its energy limits: the reach of its energy, interval by interval."""
    fleet = problem.fleet
    low = high = fleet.energy_start_kwh
    for t in range(problem.intervals):
        high = fleet.retention * high + problem.hours * fleet.charge_efficiency * fleet.charge_kw[:, t]
        low = fleet.retention * low - problem.hours * fleet.discharge_kw[:, t] / fleet.discharge_efficiency
        high = np.minimum(high - fleet.draw_kwh[:, t], fleet.energy_max_kwh)
        low = np.maximum(low - fleet.draw_kwh[:, t], fleet.energy_min_kwh)
        if np.any(high < low - 1e-6):
            return False
    end = fleet.energy_end_kwh
    return bool(np.all(high >= end - 1e-6) and np.all((low <= end + 1e-6) | ~fleet.ends_exactly))


def ordered(fleet: Fleet, order: Index) -> Fleet:
    parts = {one.name: getattr(fleet, one.name)[order] for one in fields(Fleet) if one.name not in ("name", "held_pu")}
    return replace(fleet, name=tuple(fleet.name[int(n)] for n in order), **parts)


def plan_of(problem: WhatIf, columns: Columns, x: list[FloatArray], values: FloatArray, order: Index) -> WhatIfPlan:
    """x (m, T, N) of each scenario's cells, the storages in `order`; values of the market side's columns; MW."""
    cells_kw = np.maximum(np.stack(x).swapaxes(2, 3), 0.0)[:, :, np.argsort(order)] * KW_PER_MW  # (S, m, N, T)
    names = [item.name for item in problem.reserves]
    line = (problem.scenarios, problem.intervals)

    def kw(index: Index | None, shape: tuple[int, ...] = ()) -> FloatArray:
        return np.zeros(shape) if index is None else values[index] * KW_PER_MW

    return WhatIfPlan(
        position_kw=kw(columns.position),
        reserve_kw={name: kw(index) for name, index in zip(names, columns.reserve, strict=True)},
        charge_kw=cells_kw[:, CHARGE],
        discharge_kw=cells_kw[:, DISCHARGE],
        energy_kwh=cells_kw[:, ENERGY],
        carried_kw={name: cells_kw[:, CARRIED + number] for number, name in enumerate(names)},
        used_kw=kw(columns.used),
        deviation_kw=kw(columns.surplus, line) - kw(columns.deficit, line),
        ask_share={ask.id: float(values[columns.ask[n]]) for n, ask in enumerate(problem.asks)},
        block_chosen={one.name: float(values[columns.block[n]]) for n, one in enumerate(problem.blocks)},
        relief_kwh=np.zeros_like(cells_kw[:, CHARGE]),
        excess_kwh=np.zeros_like(cells_kw[:, CHARGE]),
    )
