"""What the last minutes say about devices, for cycles inside an interval."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from telemetry import queries as readings
from vpp.dispatch import setpoint_rows
from vpp.dispatch.fleet import Fleet
from vpp.dispatch.kernels.follow import Answer, Verdict, judge
from vpp.dispatch.kernels.limits import Limit

Codes = NDArray[np.int8]

SILENT_AFTER = timedelta(minutes=5)  # of a device that reports inside intervals
EXACT_KINDS = ("BATTERY", "GENSET", "BIOMASS")
JUDGED = ("SENT", "ACKNOWLEDGED", "FOLLOWED")


def behaviour_inside(fleet: Fleet, start: datetime, at: datetime) -> tuple[NDArray[np.int64], Codes]:
    """Devices whose newest reading, begun after their setpoint was issued, is not where they were asked to be: their
    rows, and DISOBEYED; and those that fell silent inside the interval, and SILENT, while most others report.

    Nothing is concluded from readings that began before the interval. Devices with a ramp have until its end.
    """
    newest = readings.latest(fleet.table.device_id)
    since = np.datetime64(start.replace(tzinfo=None), "us")
    inside = newest.ts >= since
    old = newest.ts < np.datetime64((at - SILENT_AFTER).replace(tzinfo=None), "us")
    silent = old & ((newest.ts >= since - np.timedelta64(15, "m")) | np.isnat(newest.ts))
    for part in fleet.parts.values():
        fresh = inside[part] & ~old[part]
        if not fresh.size or fresh.mean() < 0.5:
            silent[part] = False
    asked = setpoint_rows.in_force(list(fleet.parts), at)
    rows = fleet.rows_of(asked.device_id)
    issued = np.array([one.replace(tzinfo=None) for one in asked.issued_at], dtype="datetime64[us]")
    usable = (rows >= 0) & ~asked.released & np.isin(np.array(asked.state, dtype=np.str_), JUDGED)
    usable &= ~np.isfinite(fleet.table.ramp_kw_per_minute[rows]) & inside[rows] & (newest.ts[rows] >= issued)
    kept = np.flatnonzero(usable)
    at_rows = rows[kept]
    rated_kw = np.maximum(fleet.table.max_consumption_kw, fleet.table.max_production_kw)[at_rows]
    exact = np.isin(fleet.kind[at_rows], EXACT_KINDS)
    answer = np.full(kept.size, Answer.ACCEPTED, dtype=np.int8)
    verdict = judge(asked.target_kw[kept], asked.baseline_kw[kept], newest.power_kw[at_rows], rated_kw, answer, exact)
    codes = np.zeros(len(fleet.table), dtype=np.int8)
    codes[silent] = Limit.SILENT
    codes[at_rows[verdict == Verdict.DISOBEYED]] = Limit.DISOBEYED
    found = np.flatnonzero(codes)
    return found, codes[found]
