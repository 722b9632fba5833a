"""The control cycle: measured state and commitments in, changed setpoints and stated shortfalls out."""

from __future__ import annotations

from collections.abc import Sequence
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
from vpp.dispatch.operations.watching import raise_alarms
from vpp.dispatch.stopped import is_short, told
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


def _run(portfolios: Sequence[Portfolio], start: datetime, at: datetime, revision: int) -> list[ControlCycle]:
    """The pass itself, for portfolios of one time zone and under their locks."""
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
    new = changes(scene, sent, reactive)
    cycles = ControlCycle.objects.bulk_create(
        ControlCycle(
            portfolio=portfolio,
            plan=scene.plans[portfolio.pk].plan,
            interval_start=start,
            revision=revision,
            at=at,
            committed_up_kw=scene.committed_up_kw(portfolio.pk),
            placed_up_kw=float(splits[portfolio.pk].change_kw.sum()),
            residual_up_kw=splits[portfolio.pk].residual_kw + 0.0,  # no negative zero
            written=int((new.portfolio_id == portfolio.pk).sum()),
            unavailable=int((scene.state.barred[fleet.parts[portfolio.pk]] != Limit.NONE).sum()),
            detail={"verdicts": judged[portfolio.pk].verdicts if judged else {}}
            | _kvar_detail(reactive.orders.get(portfolio.pk, []), before.get(portfolio.pk, [])),
        )
        for portfolio in portfolios
    )
    cycle_of = np.array([cycle.pk for cycle in cycles], dtype=np.int64)
    cycle_id = cycle_of[np.searchsorted(np.array(ids), new.portfolio_id)]
    setpoint_rows.write(new, cycle_id, start=start, sequence=revision, at=at)
    Shortfall.objects.bulk_create(
        row
        for cycle in cycles
        for row in (
            *_shortfalls(scene, splits[cycle.portfolio_id], cycle),
            *missing_kvar(reactive.orders.get(cycle.portfolio_id, []), cycle),
            *not_given(before.get(cycle.portfolio_id, []), cycle),
        )
    )
    changed = [(c, {"written": c.written, "placed_up_kw": round(c.placed_up_kw, 3)}) for c in cycles if c.written]
    audit_all(at=at, actor="dispatch", action="setpoints.written", subjects=changed)
    _alarm(scene, cycles, judged, at)
    return cycles


def _alarm(scene: Scene, cycles: Sequence[ControlCycle], judged: dict[int, Judged], at: datetime) -> None:
    """What cannot be placed now, and what the interval before came to."""
    for cycle in cycles:
        position, index = scene.promised[cycle.portfolio_id], scene.index
        missing_kw = float(position.committed_up_kw[index]) - cycle.placed_up_kw
        kind = Alarm.Kind.EXPECTED_SHORTFALL
        raise_alarms(cycle.portfolio_id, position, index, scene.start, missing_kw, kind, at)
        before = judged[cycle.portfolio_id].delivered_up_kw if judged and index else None
        if before is not None:
            missing_kw = float(position.committed_up_kw[index - 1]) - before
            kind = Alarm.Kind.DEVIATION
            raise_alarms(cycle.portfolio_id, position, index - 1, scene.start - STEP, missing_kw, kind, at)


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


def _shortfalls(scene: Scene, split: Split, cycle: ControlCycle) -> list[Shortfall]:
    """The missing power of a promised interval, and each dispatched device that fell out of it."""
    promised = cycle.committed_up_kw != 0.0 or split.stops
    if not promised or not is_short(split.residual_kw, split.stops):
        return []
    because = told(split.residual_kw, split.reason, split.stops, "committed power that no device can give now")
    found: list[tuple[int | None, Limit, float, str]] = [
        (None, one.limit, one.missing_kw, one.reason) for one in because
    ]
    part = scene.fleet.parts[cycle.portfolio_id]
    out = (scene.state.barred[part] >= Limit.SILENT) & ~np.isnan(scene.held.target_kw[part])
    for row in np.flatnonzero(out) + part.start:
        gone_kw = float(scene.state.baseline_kw[row] - scene.held.target_kw[row])
        limit = Limit(int(scene.state.barred[row]))
        found.append((int(scene.fleet.table.device_id[row]), limit, gone_kw, "was dispatched and fell out"))
    return [
        Shortfall(
            portfolio_id=cycle.portfolio_id,
            cycle=cycle,
            device_id=device_id,
            interval_start=scene.start,
            limit=limit.name,
            shortfall_kw=missing_kw,
            reason=reason,
        )
        for device_id, limit, missing_kw, reason in found
    ]


def _kvar_detail(orders: list[KvarOrder], before: list[KvarGiven]) -> dict[str, object]:
    """Of the interval, and what became of the one before; nothing without an order."""
    told = {"reactive": [one.as_json() for one in orders], "reactive_before": [one.as_json() for one in before]}
    return {name: rows for name, rows in told.items() if rows}
