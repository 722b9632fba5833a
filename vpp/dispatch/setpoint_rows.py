"""Setpoints in bulk: whole columns in and out, never one object a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from vpp.dispatch.models import Setpoint

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

OPEN_STATES = ("PLANNED", "SENT", "ACKNOWLEDGED")


@dataclass(frozen=True)
class SetpointColumns:
    """M setpoints, at most one a device; moments are aware datetimes."""

    id: Ints
    device_id: Ints
    interval_start: list[datetime]
    sequence: Ints
    target_kw: Floats
    baseline_kw: Floats
    released: Bools
    state: list[str]
    expires_at: list[datetime]
    issued_at: list[datetime]

    @property
    def size(self) -> int:
        return int(self.id.size)

    def take(self, rows: Sequence[int]) -> SetpointColumns:
        """The given rows, in that order."""
        places = np.asarray(rows, dtype=np.int64)
        return SetpointColumns(
            id=self.id[places],
            device_id=self.device_id[places],
            interval_start=[self.interval_start[row] for row in places],
            sequence=self.sequence[places],
            target_kw=self.target_kw[places],
            baseline_kw=self.baseline_kw[places],
            released=self.released[places],
            state=[self.state[row] for row in places],
            expires_at=[self.expires_at[row] for row in places],
            issued_at=[self.issued_at[row] for row in places],
        )


IN_FORCE = """
SELECT * FROM (
    SELECT DISTINCT ON (s.device_id) s.id, s.device_id, s.interval_start, s.sequence, s.target_kw, s.baseline_kw,
           s.released, s.state, s.expires_at, s.issued_at
      FROM dispatch_setpoint s
     WHERE s.portfolio_id = ANY(%(portfolios)s) AND s.interval_start <= %(moment)s
       AND s.interval_start > %(moment)s - %(reach)s
     ORDER BY s.device_id, s.interval_start DESC, s.sequence DESC
) latest WHERE latest.expires_at > %(moment)s AND latest.state <> 'EXPIRED' ORDER BY latest.device_id
"""
LONGEST_VALIDITY = timedelta(hours=1)  # no setpoint holds longer, so older ones need not be looked at


def in_force(portfolio_ids: Sequence[int], moment: datetime) -> SetpointColumns:
    """The newest setpoint of each device that still holds at `moment`, whatever was answered to it."""
    with connection.cursor() as cursor:
        parameters: dict[str, Any] = {"portfolios": list(portfolio_ids), "moment": moment, "reach": LONGEST_VALIDITY}
        cursor.execute(IN_FORCE, parameters)
        rows = cursor.fetchall()
    column = [list(values) for values in zip(*rows, strict=True)] or [[] for _ in range(10)]
    return SetpointColumns(
        id=np.array(column[0], dtype=np.int64),
        device_id=np.array(column[1], dtype=np.int64),
        interval_start=column[2],
        sequence=np.array(column[3], dtype=np.int64),
        target_kw=np.array(column[4], dtype=np.float64),
        baseline_kw=np.array(column[5], dtype=np.float64),
        released=np.array(column[6], dtype=bool),
        state=column[7],
        expires_at=column[8],
        issued_at=column[9],
    )


SUPERSEDE = """
UPDATE dispatch_setpoint SET state = 'SUPERSEDED', judged_at = %(at)s
 WHERE portfolio_id = ANY(%(portfolios)s) AND interval_start = %(start)s AND sequence < %(sequence)s
   AND device_id = ANY(%(devices)s) AND state = ANY(%(open)s)
"""


@dataclass(frozen=True)
class NewSetpoints:
    """M setpoints to write for one interval; expires_s are epoch seconds."""

    device_id: Ints
    portfolio_id: Ints
    target_kw: Floats
    baseline_kw: Floats
    released: Bools
    expires_s: Ints


def write(new: NewSetpoints, cycle_id: Ints, *, start: datetime, sequence: int, at: datetime) -> int:
    """Store the setpoints and supersede the open ones of the same interval; a rating breach raises IntegrityError.

    cycle_id : (M,) the control cycle that each comes from.
    """
    if new.device_id.size == 0:
        return 0
    parameters = {
        "portfolios": np.unique(new.portfolio_id).tolist(),
        "start": start,
        "sequence": sequence,
        "at": at,
        "devices": new.device_id.tolist(),
        "open": list(OPEN_STATES),
    }
    with connection.cursor() as cursor:
        if sequence:
            cursor.execute(SUPERSEDE, parameters)
        with cursor.copy(COPY) as copy:
            copy.write(_packed(new, cycle_id, start, sequence, at))
        return int(cursor.rowcount)


COPY = """
COPY dispatch_setpoint (device_id, portfolio_id, cycle_id, interval_start, sequence, target_kw, baseline_kw, released,
                        state, issued_at, expires_at, reason) FROM STDIN (FORMAT BINARY)
"""
HEADER, TRAILER = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
EPOCH_2000_S = 946_684_800  # PostgreSQL counts microseconds from 2000-01-01
PLANNED = b"PLANNED"
FIELDS = (
    ("device_id", ">i8"), ("portfolio_id", ">i8"), ("cycle_id", ">i8"), ("start", ">i8"), ("sequence", ">i2"),
    ("target_kw", ">f8"), ("baseline_kw", ">f8"), ("released", "?"), ("state", f"S{len(PLANNED)}"), ("issued", ">i8"),
    ("expires", ">i8"),
)  # fmt: skip
ROW = np.dtype(
    [("fields", ">i2")]
    + [item for name, kind in FIELDS for item in ((f"{name}_bytes", ">i4"), (name, kind))]
    + [("reason_bytes", ">i4")]
)


def _packed(new: NewSetpoints, cycle_id: Ints, start: datetime, sequence: int, at: datetime) -> bytes:
    """Binary COPY rows: every field is its length and its big-endian value, so one structured array holds them all."""
    rows = np.zeros(new.device_id.size, dtype=ROW)
    rows["fields"] = len(FIELDS) + 1
    for name, kind in FIELDS:
        rows[f"{name}_bytes"] = np.dtype(kind).itemsize
    for name in ("device_id", "portfolio_id", "target_kw", "baseline_kw", "released"):
        rows[name] = getattr(new, name)
    rows["cycle_id"], rows["sequence"], rows["state"] = cycle_id, sequence, PLANNED
    rows["start"], rows["issued"] = _since_2000_us(start), _since_2000_us(at)
    rows["expires"] = (new.expires_s - EPOCH_2000_S) * 1_000_000
    return HEADER + rows.tobytes() + TRAILER


def _since_2000_us(moment: datetime) -> int:
    return (moment - datetime(2000, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def step(ids: Sequence[int], new_state: str, *, at: datetime, moment_field: str, reason: str = "") -> int:
    """Move setpoints to `new_state` from every state that allows it; the others stay. Returns how many moved."""
    if not ids:
        return 0
    sources = [state for state, targets in Setpoint.STEPS.items() if new_state in targets]
    movable = Setpoint.objects.filter(pk__in=ids, state__in=sources)
    return movable.update(state=new_state, reason=reason, **{moment_field: at})


JUDGE = """
UPDATE dispatch_setpoint s
   SET state = verdict.state, judged_at = %(at)s, measured_kw = verdict.measured_kw, reason = verdict.reason
  FROM unnest(%(ids)s::bigint[], %(states)s::text[], %(measured)s::float8[], %(reasons)s::text[])
       AS verdict (id, state, measured_kw, reason)
 WHERE s.id = verdict.id AND s.state <> verdict.state
   AND NOT (s.state IN ('MISSED', 'REFUSED', 'EXPIRED', 'SUPERSEDED', 'PLANNED'))
"""


def judge(ids: Ints, states: list[str], measured_kw: Floats, reasons: list[str], *, at: datetime) -> None:
    """Store verdicts: (M,) FOLLOWED or MISSED with what they were made on; NaN is stored as NULL."""
    if ids.size == 0:
        return
    measured = [None if np.isnan(value) else float(value) for value in measured_kw]
    parameters = {"at": at, "ids": ids.tolist(), "states": states, "measured": measured, "reasons": reasons}
    with connection.cursor() as cursor:
        cursor.execute(JUDGE, parameters)


def expire_unsent(portfolio_ids: Sequence[int], *, before: datetime, at: datetime) -> int:
    """Setpoints that were never fetched and whose time is over are not sent any more."""
    unsent = Setpoint.objects.filter(
        portfolio_id__in=list(portfolio_ids),
        interval_start__lt=before,
        state=Setpoint.State.PLANNED,
        expires_at__lte=at,
    )
    return unsent.update(state=Setpoint.State.EXPIRED, judged_at=at, reason="never fetched")
