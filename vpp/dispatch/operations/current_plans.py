"""The plans that hold now. A plan never changes once it is made, so what was read of it is kept; what the grid bears
beside it is found anew after a switching.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from vpp.dispatch import plan_rows
from vpp.dispatch.fleet import Fleet
from vpp.dispatch.grid_room import GridRoom, grid_room
from vpp.dispatch.models import Plan
from vpp.dispatch.operations.planning import plan_for
from vpp.dispatch.positions import Position
from vpp.enrollment.models import Portfolio
from vpp.enrollment.queries import device_table
from vpp.lib.periods import DeliveryDay
from vpp.network.queries import grid_states

Floats = NDArray[np.float64]

KEPT = 400


@dataclass(frozen=True)
class CurrentPlan:
    """A plan with its devices: device_id (N,), baseline_kw and target_kw (N, H), and what the grid bears.

    grid : by feeder code, the states that the room was found in.
    """

    plan: Plan
    device_id: NDArray[np.int64]
    baseline_kw: Floats
    target_kw: Floats
    room: GridRoom
    grid: dict[str, object]


_kept: dict[tuple[int, datetime], CurrentPlan] = {}


def current_plans(
    portfolios: Sequence[Portfolio], day: DeliveryDay, positions: dict[int, Position], at: datetime
) -> dict[int, CurrentPlan]:
    """The plan of each portfolio for the awards that stand; one whose awards have changed is planned again."""
    latest = (
        Plan.objects.filter(portfolio__in=portfolios, delivery_date=day.date)
        .order_by("portfolio_id", "-version")
        .distinct("portfolio_id")
        .values_list("portfolio_id", "pk", "created_at", "award_ids")
    )
    known = {portfolio_id: (pk, made, tuple(awards)) for portfolio_id, pk, made, awards in latest}
    current = {}
    for portfolio in portfolios:
        pk, made, awards = known.get(portfolio.pk, (0, day.start, None))
        kept = _kept.get((pk, made))
        if kept is None or awards != positions[portfolio.pk].award_ids:
            kept = _read(plan_for(portfolio, day, positions[portfolio.pk], at), day)
        current[portfolio.pk] = kept
    return _in_todays_grid(current, day)


def _in_todays_grid(current: dict[int, CurrentPlan], day: DeliveryDay) -> dict[int, CurrentPlan]:
    """With the room of the switching states and limits that hold now."""
    states = grid_states({code for one in current.values() for code in one.grid})
    return {
        portfolio_id: one if all(states.get(code) == seen for code, seen in one.grid.items()) else _read(one.plan, day)
        for portfolio_id, one in current.items()
    }


def planned_kw(plans: dict[int, CurrentPlan], fleet: Fleet, index: int) -> tuple[Floats, Floats]:
    """Baseline and planned power (N,) of the fleet in one interval; 0 for a device the plans do not know."""
    baseline_kw, target_kw = np.zeros(len(fleet.table)), np.zeros(len(fleet.table))
    if not plans:
        return baseline_kw, target_kw
    rows = fleet.rows_of(np.concatenate([one.device_id for one in plans.values()]))
    known = rows >= 0
    baseline_kw[rows[known]] = np.concatenate([one.baseline_kw[:, index] for one in plans.values()])[known]
    target_kw[rows[known]] = np.concatenate([one.target_kw[:, index] for one in plans.values()])[known]
    return baseline_kw, target_kw


def _read(plan: Plan, day: DeliveryDay) -> CurrentPlan:
    device_id, baseline_kw, target_kw = plan_rows.read(plan.pk, day.n_intervals)
    table = device_table(device_ids=device_id.tolist(), at=day.start)  # as many rows, in the same order
    feeders = set(table.feeder_code) - {""}
    states = grid_states(feeders)
    room = grid_room(table, baseline_kw, day, plan.created_at)
    grid: dict[str, object] = {code: states.get(code) for code in feeders}
    current = CurrentPlan(plan, device_id, baseline_kw, target_kw, room, grid)
    _kept[plan.pk, plan.created_at] = current
    while len(_kept) > KEPT:
        _kept.pop(next(iter(_kept)), None)
    return current
