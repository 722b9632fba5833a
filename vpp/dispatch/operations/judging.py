"""Looking back on an interval: which setpoints were followed, and what that says about each device."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from telemetry import queries as readings
from vpp.dispatch import setpoint_rows
from vpp.dispatch.fleet import Fleet, fleet_of
from vpp.dispatch.kernels.follow import Answer, Verdict, judge
from vpp.dispatch.models import DeviceStatus
from vpp.dispatch.setpoint_rows import SetpointColumns
from vpp.enrollment.models import Portfolio
from vpp.lib.periods import DeliveryDay, delivery_day_of

Codes = NDArray[np.int8]
Floats = NDArray[np.float64]

STEP = timedelta(minutes=15)
IN_TIME = timedelta(minutes=1)  # a setpoint issued later than this is not judged by the mean of the whole interval
FIRST_WAIT_INTERVALS = 2
LONGEST_WAIT_INTERVALS = 16

_ANSWER = {"ACKNOWLEDGED": Answer.ACCEPTED, "FOLLOWED": Answer.ACCEPTED, "MISSED": Answer.ACCEPTED,
           "REFUSED": Answer.REFUSED}  # fmt: skip
_STATUS = {Verdict.SILENT: "SILENT", Verdict.UNMEASURED: "SILENT", Verdict.REFUSED: "REFUSED",
           Verdict.DISOBEYED: "DISOBEYED"}  # fmt: skip


def mark_followed(portfolio_id: int, interval_start: datetime, at: datetime) -> dict[str, int]:
    """Judge the setpoints that were in force in an interval by its readings; counts per verdict.

    Marks setpoints FOLLOWED or MISSED and devices ONLINE, SILENT, REFUSED or DISOBEYED. Safe to repeat.
    """
    with transaction.atomic():
        portfolio = Portfolio.objects.get(pk=portfolio_id)
        day = delivery_day_of(interval_start, portfolio.time_zone)
        return judge_interval(fleet_of([portfolio_id], interval_start), day, interval_start, at)[portfolio_id].verdicts


@dataclass(frozen=True)
class Judged:
    """One portfolio's interval: how many setpoints got which verdict, and their devices' delivery, up positive; None
    while a reading is missing."""

    verdicts: dict[str, int]
    delivered_up_kw: float | None


def judge_interval(fleet: Fleet, day: DeliveryDay, interval_start: datetime, at: datetime) -> dict[int, Judged]:
    """As mark_followed for all portfolios of the fleet, inside the caller's transaction."""
    found = setpoint_rows.in_force(list(fleet.parts), interval_start)
    fetched = np.array([state != "PLANNED" for state in found.state], dtype=bool)
    rows = fleet.rows_of(found.device_id)
    kept = np.flatnonzero((rows >= 0) & ~found.released & fetched)
    if kept.size == 0:
        return {portfolio_id: Judged({}, None) for portfolio_id in fleet.parts}
    asked, rows, table = found.take(kept.tolist()), rows[kept], fleet.table
    measured_kw = readings.interval_power_kw(asked.device_id, interval_start, interval_start + STEP, at)[:, 0]
    rated_kw = np.maximum(table.max_consumption_kw, table.max_production_kw)[rows]
    answer = np.array([_ANSWER.get(state, Answer.NONE) for state in asked.state], dtype=np.int8)
    exact = np.isin(fleet.kind[rows], ("BATTERY", "GENSET", "BIOMASS"))
    judged_kw, undecided = _since_issued(asked, measured_kw, interval_start)
    verdict = judge(asked.target_kw, asked.baseline_kw, judged_kw, rated_kw, answer, exact)
    verdict[undecided] = Verdict.UNDECIDED
    decided = np.flatnonzero(~undecided)
    states = ["FOLLOWED" if code == Verdict.FOLLOWED else "MISSED" for code in verdict[decided]]
    reasons = ["" if code == Verdict.FOLLOWED else Verdict(int(code)).name.lower() for code in verdict[decided]]
    setpoint_rows.judge(asked.id[decided], states, judged_kw[decided], reasons, at=at)
    mark_devices(asked.device_id[decided], verdict[decided], interval_start)
    _count_use(asked, verdict, interval_start, day.date)
    owner = fleet.portfolio_id[rows]
    delivered_kw = asked.baseline_kw - measured_kw
    return {one: _judged(verdict[owner == one], delivered_kw[owner == one]) for one in fleet.parts}


def _since_issued(
    asked: SetpointColumns, measured_kw: Floats, interval_start: datetime
) -> tuple[Floats, NDArray[np.bool_]]:
    """What each setpoint (M,) is judged by: the interval's mean, or for one issued inside the interval the newest
    reading that began after it; and where there is none such, so that nothing can be said."""
    issued = np.array([one.replace(tzinfo=None) for one in asked.issued_at], dtype="datetime64[us]")
    late = issued > np.datetime64((interval_start + IN_TIME).replace(tzinfo=None), "us")
    rows = np.flatnonzero(late & ~np.isnan(measured_kw))
    judged_kw, undecided = measured_kw.copy(), np.zeros(asked.size, dtype=bool)
    if rows.size:
        newest = readings.latest(asked.device_id[rows])
        told = newest.ts >= issued[rows]
        judged_kw[rows], undecided[rows] = np.where(told, newest.power_kw, np.nan), ~told
    return judged_kw, undecided


def _judged(verdict: Codes, delivered_kw: Floats) -> Judged:
    complete = delivered_kw.size > 0 and not np.isnan(delivered_kw).any()
    return Judged(_counts(verdict), float(delivered_kw.sum()) if complete else None)


def _counts(verdict: Codes) -> dict[str, int]:
    found, counts = np.unique(verdict, return_counts=True)
    return {Verdict(int(code)).name: int(count) for code, count in zip(found, counts, strict=True)}


MARK = """
INSERT INTO dispatch_devicestatus AS known (device_id, state, since, retry_at, failures)
SELECT device_id, state, %(start)s, CASE WHEN state = 'ONLINE' THEN NULL ELSE %(start)s + %(first)s * %(step)s END,
       CASE WHEN state = 'ONLINE' THEN 0 ELSE 1 END
  FROM unnest(%(devices)s::bigint[], %(states)s::text[]) AS seen (device_id, state)
 ORDER BY device_id
ON CONFLICT (device_id) DO UPDATE SET
    state = EXCLUDED.state,
    since = CASE WHEN known.state = EXCLUDED.state THEN known.since ELSE EXCLUDED.since END,
    failures = CASE WHEN EXCLUDED.state = 'ONLINE' THEN 0 ELSE least(known.failures + 1, 30) END,
    retry_at = CASE WHEN EXCLUDED.state = 'ONLINE' THEN NULL
               ELSE %(start)s + least(%(first)s * power(2, known.failures), %(longest)s) * %(step)s END
  WHERE known.since <= EXCLUDED.since
    AND NOT (known.state = EXCLUDED.state AND (EXCLUDED.state = 'ONLINE' OR known.retry_at > %(start)s + %(step)s))
"""


def mark_devices(device_ids: NDArray[np.int64], verdict: Codes, interval_start: datetime) -> None:
    """A device that failed waits before it is tried again, longer each time; one that followed is online."""
    parameters = {
        "start": interval_start,
        "step": STEP,
        "first": FIRST_WAIT_INTERVALS + 1,
        "longest": LONGEST_WAIT_INTERVALS,
        "devices": device_ids.tolist(),
        "states": [_STATUS.get(Verdict(int(code)), DeviceStatus.State.ONLINE) for code in verdict],
    }
    with connection.cursor() as cursor:
        cursor.execute(MARK, parameters)


COUNT_USE = """
INSERT INTO dispatch_deviceuse AS known (device_id, delivery_date, moved_kwh, hours, events, last_interval)
SELECT device_id, %(day)s, moved_kwh, %(hours)s, 1, %(start)s
  FROM unnest(%(devices)s::bigint[], %(moved)s::float8[]) AS seen (device_id, moved_kwh) ORDER BY device_id
ON CONFLICT (delivery_date, device_id) DO UPDATE SET
    moved_kwh = known.moved_kwh + EXCLUDED.moved_kwh,
    hours = known.hours + EXCLUDED.hours,
    events = known.events + CASE WHEN known.last_interval = %(start)s - %(step)s THEN 0 ELSE 1 END,
    last_interval = EXCLUDED.last_interval
  WHERE known.last_interval < EXCLUDED.last_interval
"""


def _count_use(asked: SetpointColumns, verdict: Codes, interval_start: datetime, day: object) -> None:
    """Add the interval to each device's use of the day; an interval that was counted before is left alone."""
    moved_kw = np.abs(asked.baseline_kw - asked.target_kw)
    used = (verdict != Verdict.SILENT) & (verdict != Verdict.REFUSED) & (moved_kw > 0.0)
    hours = STEP.total_seconds() / 3600.0
    parameters = {
        "day": day,
        "hours": hours,
        "start": interval_start,
        "step": STEP,
        "devices": asked.device_id[used].tolist(),
        "moved": (moved_kw[used] * hours).tolist(),
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNT_USE, parameters)
