"""Alarms: raised when a commitment goes short, acknowledged by whoever looks after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db import connection, transaction

from telemetry import queries as readings
from vpp.accounts.operations import actor_name, audit
from vpp.dispatch import setpoint_rows
from vpp.dispatch.kernels.watch import expected_up_kw, short_by_award, worth_an_alarm
from vpp.dispatch.models import Alarm
from vpp.dispatch.operations.judging import STEP
from vpp.dispatch.operations.notices import tell_acknowledged, tell_raised
from vpp.dispatch.positions import Position, positions_of
from vpp.dispatch.priorities import goes_short_last
from vpp.enrollment.models import Portfolio
from vpp.lib.periods import delivery_day_of

RAISE = """
INSERT INTO dispatch_alarm AS known
       (portfolio_id, award_id, kind, interval_start, committed_up_kw, short_kw, raised_at, acknowledged_by, note)
SELECT %(portfolio)s, award_id, %(kind)s, %(start)s, committed, short, %(at)s, '', ''
  FROM unnest(%(awards)s::bigint[], %(committed)s::float8[], %(short)s::float8[]) AS new (award_id, committed, short)
ON CONFLICT (portfolio_id, interval_start, award_id, kind) DO UPDATE SET short_kw = EXCLUDED.short_kw
  WHERE known.short_kw < EXCLUDED.short_kw
RETURNING id, xmax = 0 AS fresh
"""


@dataclass(frozen=True)
class Deviation:
    """A portfolio inside a running interval, kW, up positive. measured_pu: share of the dispatched devices heard from;
    short_kw: by award id, as things stand."""

    portfolio: str
    interval_start: datetime
    committed_up_kw: float
    expected_up_kw: float
    measured_pu: float
    short_kw: dict[int, float]


def raise_alarms(
    portfolio_id: int, position: Position, index: int, start: datetime, missing_up_kw: float, kind: str, at: datetime
) -> int:
    """Alarms for the awards of one interval that go short of what is missing; returns how many are new or worse."""
    if not worth_an_alarm(float(position.committed_up_kw[index]), missing_up_kw):
        return 0
    promised_kw = position.award_up_kw[:, index]
    short_kw = short_by_award(promised_kw, goes_short_last(position, start), missing_up_kw)
    rows = np.flatnonzero(short_kw > 0.0)
    parameters = {
        "portfolio": portfolio_id,
        "kind": kind,
        "start": start,
        "at": at,
        "awards": [position.award_ids[row] for row in rows],
        "committed": promised_kw[rows].tolist(),
        "short": short_kw[rows].tolist(),
    }
    with connection.cursor() as cursor:
        cursor.execute(RAISE, parameters)
        raised = cursor.fetchall()
    if new := [alarm_id for alarm_id, fresh in raised if fresh]:
        tell_raised(new, at)
    return len(raised)


def acknowledge_alarm(alarm: Alarm, *, at: datetime, actor: object, note: str = "") -> bool:
    """Somebody has seen it. True for the first who does; a repeat changes nothing."""
    with transaction.atomic():
        mine = Alarm.objects.open().filter(pk=alarm.pk)
        if not mine.update(acknowledged_at=at, acknowledged_by=actor_name(actor)[:200], note=note[:200]):
            return False
        audit(at=at, actor=actor, action="alarm.acknowledged", subject=alarm, reason=note)
        alarm.refresh_from_db()
        tell_acknowledged(alarm, at)
    return True


def watch(portfolios: Sequence[Portfolio], at: datetime) -> list[Deviation]:
    """As deviations, and an alarm for what goes short."""
    found = deviations(portfolios, at)
    kind = Alarm.Kind.EXPECTED_SHORTFALL
    for portfolio, one in zip(portfolios, found, strict=True):
        day = delivery_day_of(one.interval_start, portfolio.time_zone)
        position, index = positions_of([portfolio.pk], day)[portfolio.pk], day.index_of(one.interval_start)
        missing_kw = one.committed_up_kw - one.expected_up_kw
        with transaction.atomic():
            raise_alarms(portfolio.pk, position, index, one.interval_start, missing_kw, kind, at)
    return found


def deviations(portfolios: Sequence[Portfolio], at: datetime) -> list[Deviation]:
    """What the running interval will come to, from what is measured inside it; in the order asked for."""
    start = at - timedelta(seconds=at.timestamp() % STEP.total_seconds())
    found = []
    for portfolio in portfolios:
        day = delivery_day_of(start, portfolio.time_zone)
        position = positions_of([portfolio.pk], day)[portfolio.pk]
        found.append(_deviation(portfolio, position, day.index_of(start), start, at))
    return found


def _deviation(portfolio: Portfolio, position: Position, index: int, start: datetime, at: datetime) -> Deviation:
    asked = setpoint_rows.in_force([portfolio.pk], at)
    rows = [
        row for row in range(asked.size) if not asked.released[row] and asked.state[row] not in ("REFUSED", "MISSED")
    ]
    asked = asked.take(rows)
    newest = readings.latest(asked.device_id)
    inside = newest.ts >= np.datetime64(start.replace(tzinfo=None), "us")
    live_kw = np.where(inside, newest.power_kw, np.nan)
    left_pu = 1.0 - (at - start) / STEP
    expected_kw = float(expected_up_kw(asked.baseline_kw, asked.target_kw, live_kw, left_pu).sum())
    committed_kw = float(position.committed_up_kw[index])
    short_kw = short_by_award(
        position.award_up_kw[:, index], goes_short_last(position, start), committed_kw - expected_kw
    )
    return Deviation(
        portfolio=portfolio.code,
        interval_start=start,
        committed_up_kw=committed_kw,
        expected_up_kw=expected_kw,
        measured_pu=float(inside.mean()) if asked.size else 1.0,
        short_kw={award: round(kw, 3) for award, kw in zip(position.award_ids, short_kw.tolist(), strict=True) if kw},
    )
