"""The control cycle: measured state and commitments in, changed setpoints and stated shortfalls out."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from django.db import transaction

from vpp.accounts.operations import audit
from vpp.dispatch import fleet_state, setpoint_rows
from vpp.dispatch.kernels.day_plan import split_interval
from vpp.dispatch.kernels.disaggregate import Split
from vpp.dispatch.kernels.headroom import Limit
from vpp.dispatch.models import ControlCycle, Shortfall
from vpp.dispatch.operations.judging import STEP, judge_interval
from vpp.dispatch.operations.planning import LEAST_SHORTFALL_KW, lock_portfolio
from vpp.dispatch.operations.scene import SAME_KW, Scene, look
from vpp.dispatch.setpoint_rows import NewSetpoints
from vpp.enrollment.models import Portfolio
from vpp.enrollment.queries import device_table

HEARTBEAT_INTERVALS = setpoint_rows.LONGEST_VALIDITY // STEP  # then an unchanged setpoint is written again


def control_cycle(portfolio_id: int, interval_start: datetime, at: datetime, revision: int = 0) -> ControlCycle:
    """One pass for one portfolio and interval; the same (portfolio, interval, revision) gets the first answer.

    Judges the interval before, marks devices that fail, re-plans on what was measured, and writes the setpoints that
    changed. Higher revisions react to an event inside the interval, such as refusals.
    """
    portfolio = Portfolio.objects.get(pk=portfolio_id)
    with transaction.atomic():
        lock_portfolio(portfolio_id)
        done = ControlCycle.objects.filter(portfolio=portfolio, interval_start=interval_start, revision=revision)
        return done.first() or _run(portfolio, interval_start, at, revision)


def _run(portfolio: Portfolio, interval_start: datetime, at: datetime, revision: int) -> ControlCycle:
    table = device_table(portfolio_id=portfolio.pk, at=interval_start)
    verdicts = judge_interval(portfolio, table, interval_start - STEP, at) if revision == 0 else {}
    setpoint_rows.expire_unsent(portfolio.pk, before=interval_start, at=at)
    scene = look(portfolio, table, interval_start, at)
    split = _split(scene)
    new = _changes(scene, split)
    cycle = ControlCycle.objects.create(
        portfolio=portfolio,
        plan=scene.plan,
        interval_start=interval_start,
        revision=revision,
        at=at,
        committed_up_kw=scene.committed_up_kw,
        placed_up_kw=float(split.change_kw.sum()),
        residual_up_kw=split.residual_kw,
        written=new.device_id.size,
        unavailable=int((scene.state.barred != Limit.NONE).sum()),
        detail={"verdicts": verdicts},
    )
    setpoint_rows.write(
        new, portfolio_id=portfolio.pk, cycle_id=cycle.pk, start=interval_start, sequence=revision, at=at
    )
    _store_shortfalls(scene, split, cycle)
    if cycle.written:
        after = {"written": cycle.written, "placed_up_kw": round(cycle.placed_up_kw, 3)}
        audit(at=at, actor="dispatch", action="setpoints.written", subject=cycle, after=after)
    return cycle


def _split(scene: Scene) -> Split:
    return split_interval(
        scene.committed_up_kw,
        scene.state,
        fleet_state.merit_cost(scene.table),
        scene.plan.least_stored_kwh[scene.index],
        scene.plan.most_stored_kwh[scene.index],
        fleet_state.STEP_HOURS,
    )


def _changes(scene: Scene, split: Split) -> NewSetpoints:
    """Setpoints to write: new or moved targets, those about to run out, and releases of devices no longer needed."""
    asked = np.abs(split.change_kw) > 0.0
    held = ~np.isnan(scene.held.target_kw)
    with np.errstate(invalid="ignore"):
        moved = np.abs(split.target_kw - scene.held.target_kw) > SAME_KW
    ends_now = np.array([until is None or until < scene.start + STEP for until in scene.held.until], dtype=bool)
    release = held & ~asked
    rows = np.flatnonzero((asked & (~held | moved | ends_now)) | release)
    own_kw = np.clip(scene.state.baseline_kw, -scene.table.max_production_kw, scene.table.max_consumption_kw)
    return NewSetpoints(
        device_id=scene.table.device_id[rows],
        target_kw=np.where(release, own_kw, split.target_kw)[rows],
        baseline_kw=scene.state.baseline_kw[rows],
        released=release[rows],
        expires_at=[scene.start + STEP * _intervals_ahead(scene)] * rows.size,
    )


def _intervals_ahead(scene: Scene) -> int:
    """How long a setpoint holds unless renewed: while the same direction is promised, at most the heartbeat."""
    ahead = np.sign(scene.position.committed_up_kw[scene.index :])
    if ahead[0] == 0.0:
        return 1  # recovery ends by itself
    differs = np.flatnonzero(ahead != ahead[0])
    return min(int(differs[0]) if differs.size else ahead.size, HEARTBEAT_INTERVALS)


def _store_shortfalls(scene: Scene, split: Split, cycle: ControlCycle) -> None:
    """The missing power of a promised interval, and each dispatched device that fell out of it."""
    if scene.committed_up_kw == 0.0 or abs(split.residual_kw) <= LEAST_SHORTFALL_KW:
        return
    rows: list[tuple[int | None, Limit, float, str]] = [
        (None, split.reason, split.residual_kw, "committed power that no device can give now")
    ]
    for row in np.flatnonzero((scene.state.barred >= Limit.SILENT) & ~np.isnan(scene.held.target_kw)):
        gone_kw = float(scene.state.baseline_kw[row] - scene.held.target_kw[row])
        limit = Limit(int(scene.state.barred[row]))
        rows.append((int(scene.table.device_id[row]), limit, gone_kw, "was dispatched and fell out"))
    Shortfall.objects.bulk_create(
        Shortfall(
            portfolio=scene.portfolio,
            cycle=cycle,
            device_id=device_id,
            interval_start=scene.start,
            limit=limit.name,
            shortfall_kw=missing_kw,
            reason=reason,
        )
        for device_id, limit, missing_kw, reason in rows
    )
