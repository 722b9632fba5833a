"""The control cycle: measured state and commitments in, changed setpoints and stated shortfalls out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import transaction

from vpp.accounts.operations import audit_all
from vpp.dispatch import fleet_state, setpoint_rows
from vpp.dispatch.fleet import fleet_of
from vpp.dispatch.kernels.day_plan import split_interval
from vpp.dispatch.kernels.disaggregate import Split
from vpp.dispatch.kernels.limits import Limit
from vpp.dispatch.models import Alarm, ControlCycle, Shortfall
from vpp.dispatch.operations.changes import HEARTBEAT_INTERVALS, changes, sent_to
from vpp.dispatch.operations.judging import STEP, Judged, judge_interval
from vpp.dispatch.operations.planning import lock_portfolios
from vpp.dispatch.operations.reactive import (
    KvarGiven,
    KvarOrder,
    given_in,
    missing_kvar,
    not_given,
    ordered_before,
    place_kvar,
)
from vpp.dispatch.operations.scene import Scene, look
from vpp.dispatch.operations.shortfalls import shortfalls
from vpp.dispatch.operations.watching import raise_alarms
from vpp.enrollment.models import Portfolio
from vpp.lib.periods import delivery_day_of


def control_cycle(portfolio_id: int, interval_start: datetime, at: datetime, revision: int = 0) -> ControlCycle:
    """One pass for one portfolio and interval; the same (portfolio, interval, revision) gets the first answer.

    Judges the interval before, marks devices that fail, re-plans on what was measured, and writes the setpoints that
    changed. Higher revisions react to an event inside the interval, such as refusals.
    """
    return control_cycles([portfolio_id], interval_start, at, revision)[0]


def control_cycles(
    portfolio_ids: Sequence[int], interval_start: datetime, at: datetime, revision: int = 0
) -> list[ControlCycle]:
    """One pass for each of several portfolios, in the order asked for. What they need is read once, and what is
    decided is stored in one transaction for all portfolios of a time zone."""
    portfolios = list(Portfolio.objects.filter(pk__in=portfolio_ids).order_by("pk"))
    cycles: dict[int, ControlCycle] = {}
    for zone in sorted({portfolio.time_zone for portfolio in portfolios}):
        members = [portfolio for portfolio in portfolios if portfolio.time_zone == zone]
        with transaction.atomic():
            lock_portfolios([portfolio.pk for portfolio in members])
            done = ControlCycle.objects.filter(
                portfolio__in=members, interval_start=interval_start, revision=revision
            ).select_related("portfolio")
            cycles |= {cycle.portfolio_id: cycle for cycle in done}
            fresh = [portfolio for portfolio in members if portfolio.pk not in cycles]
            if fresh:
                cycles |= {cycle.portfolio_id: cycle for cycle in _run(fresh, interval_start, at, revision)}
    return [cycles[portfolio_id] for portfolio_id in portfolio_ids]


@dataclass(frozen=True)
class _Decided:
    """What one pass saw and decided, by portfolio; kvar orders of the interval, and what was given of those before."""

    scene: Scene
    judged: dict[int, Judged]
    splits: dict[int, Split]
    changed: setpoint_rows.NewSetpoints
    ordered_kvar: dict[int, list[KvarOrder]]
    given_kvar: dict[int, list[KvarGiven]]


def _run(portfolios: Sequence[Portfolio], start: datetime, at: datetime, revision: int) -> list[ControlCycle]:
    """The pass itself, for portfolios of one time zone and under their locks."""
    decided = _decide(portfolios, start, at, revision)
    cycles = ControlCycle.objects.bulk_create(_cycle_row(decided, one, revision, at) for one in portfolios)
    cycle_of = np.array([cycle.pk for cycle in cycles], dtype=np.int64)
    ids = np.array([portfolio.pk for portfolio in portfolios])
    cycle_id = cycle_of[np.searchsorted(ids, decided.changed.portfolio_id)]
    setpoint_rows.write(decided.changed, cycle_id, start=start, sequence=revision, at=at)
    Shortfall.objects.bulk_create(
        row
        for cycle in cycles
        for row in (
            *shortfalls(decided.scene, decided.splits[cycle.portfolio_id], cycle),
            *missing_kvar(decided.ordered_kvar.get(cycle.portfolio_id, []), cycle),
            *not_given(decided.given_kvar.get(cycle.portfolio_id, []), cycle),
        )
    )
    written = [(c, {"written": c.written, "placed_up_kw": round(c.placed_up_kw, 3)}) for c in cycles if c.written]
    audit_all(at=at, actor="dispatch", action="setpoints.written", subjects=written)
    _alarm(decided.scene, cycles, decided.judged, at)
    return cycles


def _decide(portfolios: Sequence[Portfolio], start: datetime, at: datetime, revision: int) -> _Decided:
    """Judges the interval before and drops what was not sent of it, then looks and splits the commitments."""
    ids = [portfolio.pk for portfolio in portfolios]
    zone = portfolios[0].time_zone
    # after an event inside the interval, the owner terms of that moment count
    fleet = fleet_of(ids, start if revision == 0 else max(start, min(at, start + STEP)))
    judged = judge_interval(fleet, delivery_day_of(start - STEP, zone), start - STEP, at) if revision == 0 else {}
    setpoint_rows.expire_unsent(ids, before=start, at=at)
    scene = look(portfolios, fleet, delivery_day_of(start, zone), start, at)
    splits = _splits(scene)
    sent = sent_to(scene, splits)
    reactive = place_kvar(scene, sent.likely_kw, HEARTBEAT_INTERVALS)
    before = given_in(fleet, start - STEP) if revision == 0 and ordered_before(scene) else {}
    return _Decided(scene, judged, splits, changes(scene, sent, reactive), reactive.orders, before)


def _cycle_row(decided: _Decided, portfolio: Portfolio, revision: int, at: datetime) -> ControlCycle:
    """The pass for one portfolio, not stored yet."""
    pk, scene = portfolio.pk, decided.scene
    split = decided.splits[pk]
    detail = _kvar_detail(decided.ordered_kvar.get(pk, []), decided.given_kvar.get(pk, []))
    return ControlCycle(
        portfolio=portfolio,
        plan=scene.plans[pk].plan,
        interval_start=scene.start,
        revision=revision,
        at=at,
        committed_up_kw=scene.committed_up_kw(pk),
        placed_up_kw=float(split.change_kw.sum()),
        residual_up_kw=split.residual_kw + 0.0,  # no negative zero
        written=int((decided.changed.portfolio_id == pk).sum()),
        unavailable=int((scene.state.barred[scene.fleet.parts[pk]] != Limit.NONE).sum()),
        detail={"verdicts": decided.judged[pk].verdicts if decided.judged else {}} | detail,
    )


def _alarm(scene: Scene, cycles: Sequence[ControlCycle], judged: dict[int, Judged], at: datetime) -> None:
    """What cannot be placed now, and what the interval before came to."""
    earlier, before_index = scene.before() if judged else ({}, 0)
    for cycle in cycles:
        position, index = scene.promised[cycle.portfolio_id], scene.index
        missing_kw = float(position.committed_up_kw[index]) - cycle.placed_up_kw
        kind = Alarm.Kind.EXPECTED_SHORTFALL
        raise_alarms(cycle.portfolio_id, position, index, scene.start, missing_kw, kind, at)
        before = judged[cycle.portfolio_id].delivered_up_kw if judged else None
        if before is not None:
            owed = earlier[cycle.portfolio_id]
            missing_kw = float(owed.committed_up_kw[before_index]) - before
            kind = Alarm.Kind.DEVIATION
            raise_alarms(cycle.portfolio_id, owed, before_index, scene.start - STEP, missing_kw, kind, at)


def _splits(scene: Scene) -> dict[int, Split]:
    """The commitment of each portfolio over its devices."""
    table, cost, splits = scene.fleet.table, fleet_state.merit_cost(scene.fleet.table), {}
    for portfolio_id, rows in scene.fleet.parts.items():
        current = scene.plans[portfolio_id]
        splits[portfolio_id] = split_interval(
            scene.committed_up_kw(portfolio_id),
            scene.state.part(rows),
            cost[rows],
            current.plan.least_stored_kwh[scene.index],
            current.plan.most_stored_kwh[scene.index],
            fleet_state.STEP_HOURS,
            current.room.at(scene.index, table.device_id[rows]),
            scene.claims(portfolio_id),
        )
    return splits


def _kvar_detail(orders: list[KvarOrder], before: list[KvarGiven]) -> dict[str, object]:
    """Of the interval, and what became of the one before; nothing without an order."""
    told = {"reactive": [one.as_json() for one in orders], "reactive_before": [one.as_json() for one in before]}
    return {name: rows for name, rows in told.items() if rows}
