"""The day ahead: what each device is to do for the portfolio's commitments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from vpp.accounts.operations import audit
from vpp.dispatch import plan_rows
from vpp.dispatch.device_use import left_of_season
from vpp.dispatch.fleet import Fleet
from vpp.dispatch.fleet_state import STEP_HOURS, measured_before, merit_cost, not_usable, starting_state
from vpp.dispatch.grid_room import grid_room
from vpp.dispatch.kernels.day_plan import DayPlan, DayTask
from vpp.dispatch.kernels.day_plan import plan_day as split_day
from vpp.dispatch.models import Plan, Shortfall
from vpp.dispatch.positions import Position, baselines_of, position_of
from vpp.dispatch.restricted import restricted
from vpp.dispatch.stopped import is_short, told
from vpp.enrollment.models import Portfolio
from vpp.enrollment.queries import DeviceTable, device_table
from vpp.lib.periods import DeliveryDay

Floats = NDArray[np.float64]

LOCK_CLASS = 7401  # first key of the advisory locks on portfolios


def lock_portfolios(portfolio_ids: Sequence[int]) -> None:
    """One planner or control cycle of a portfolio at a time, until the transaction ends; always in the same order."""
    with connection.cursor() as cursor:
        for portfolio_id in sorted(portfolio_ids):
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_CLASS, portfolio_id])


def plan_day(portfolio_id: int, delivery_date: date, at: datetime) -> Plan:
    """The plan for the awards that stand; the existing one while they have not changed."""
    portfolio = Portfolio.objects.get(pk=portfolio_id)
    day = DeliveryDay(delivery_date, portfolio.time_zone)
    with transaction.atomic():
        lock_portfolios([portfolio_id])
        position = position_of(portfolio_id, day)
        return plan_for(portfolio, day, position, at)


def plan_for(portfolio: Portfolio, day: DeliveryDay, position: Position, at: datetime) -> Plan:
    """As plan_day, inside the caller's transaction and under its lock."""
    last = Plan.objects.filter(portfolio=portfolio, delivery_date=day.date).order_by("-version").first()
    if last is not None and tuple(last.award_ids) == position.award_ids:
        return last
    table = device_table(portfolio_id=portfolio.pk, at=day.start)
    baselines = baselines_of(portfolio.pk, day.date, table.device_id, day.n_intervals, at)
    split = _split(table, baselines.power_kw, position, day, at)
    plan = Plan.objects.create(
        portfolio=portfolio,
        delivery_date=day.date,
        version=1 if last is None else last.version + 1,
        forecast_run_id=baselines.run_id,
        award_ids=list(position.award_ids),
        baseline_kw=baselines.power_kw.sum(axis=0).tolist(),
        committed_up_kw=position.committed_up_kw.tolist(),
        target_kw=split.plan.target_kw.sum(axis=0).tolist(),
        residual_kw=split.plan.residual_kw.tolist(),
        least_stored_kwh=split.plan.corridor.least_kwh.tolist(),
        most_stored_kwh=split.plan.corridor.most_kwh.tolist(),
        state=Plan.State.DEGRADED if split.missing.any() else Plan.State.OK,
        created_at=at,
    )
    plan_rows.write(plan.pk, table.device_id, baselines.power_kw, split.plan.target_kw)
    _store_shortfalls(plan, day, split)
    after = {"version": plan.version, "awards": plan.award_ids, "state": plan.state}
    audit(at=at, actor="dispatch", action="plan.made", subject=plan, after=after)
    return plan


@dataclass(frozen=True)
class _SplitDay:
    """The kernel's plan, and (H,) where a commitment is short."""

    plan: DayPlan
    missing: NDArray[np.bool_]


def _split(table: DeviceTable, baseline_kw: Floats, position: Position, day: DeliveryDay, at: datetime) -> _SplitDay:
    measured = measured_before(table.device_id, day.start, at)
    start = starting_state(table, measured, not_usable(table))
    left = left_of_season(table, Fleet(table, {}), day.date)
    start = replace(start, events_left=np.minimum(start.events_left, left))
    task = DayTask(position.committed_up_kw, position.held_up_kwh, position.held_down_kwh)
    room, only_some = grid_room(table, baseline_kw, day, at), restricted(table, position)
    plan = split_day(task, baseline_kw, start, merit_cost(table), STEP_HOURS, room.at, only_some.at)
    promised = (position.award_up_kw != 0.0).any(axis=0)
    short = [is_short(residual_kw, stops) for residual_kw, stops in zip(plan.residual_kw, plan.stops, strict=True)]
    return _SplitDay(plan, promised & np.array(short, dtype=bool))


def _store_shortfalls(plan: Plan, day: DeliveryDay, split: _SplitDay) -> None:
    starts = day.starts()
    Shortfall.objects.bulk_create(
        Shortfall(
            portfolio_id=plan.portfolio_id,
            plan=plan,
            interval_start=starts[t],
            limit=one.limit.name,
            shortfall_kw=one.missing_kw,
            reason=f"planned: {one.reason}",
        )
        for t in np.flatnonzero(split.missing)
        for one in told(
            float(split.plan.residual_kw[t]), split.plan.reason[t], split.plan.stops[t], "no device can give it"
        )
    )
