"""Setpoints in bulk: whole columns in and out, never one object a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from telemetry.kernels.copy_format import SIGNATURE, TRAILER, Field, encode_rows, nullable_float8
from vpp.dispatch.kernels.life import states_before
from vpp.dispatch.models import Setpoint
from vpp.dispatch.setpoint_columns import EPOCH, LONGEST_VALIDITY, SetpointColumns, in_force, in_force_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

__all__ = [
    "LONGEST_VALIDITY", "NewSetpoints", "SetpointColumns", "expire_unsent", "in_force", "in_force_of", "judge",
    "refuse", "step", "write",
]  # fmt: skip

SUPERSEDE = """
UPDATE dispatch_setpoint SET state = 'SUPERSEDED', judged_at = %(at)s
 WHERE portfolio_id = ANY(%(portfolios)s) AND interval_start = %(start)s AND sequence < %(sequence)s
   AND device_id = ANY(%(devices)s) AND state = ANY(%(open)s)
"""


@dataclass(frozen=True)
class NewSetpoints:
    """M setpoints to write for one interval; expires_s are epoch seconds. released says nothing of target_kvar."""

    device_id: Ints
    portfolio_id: Ints
    target_kw: Floats
    baseline_kw: Floats
    released: Bools
    expires_s: Ints
    target_kvar: Floats | None = None  # NaN: none; None: none of all, which leaves the column out of the COPY


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
        "open": states_before(Setpoint.State.SUPERSEDED),
    }
    if sequence:
        with connection.cursor() as cursor:
            cursor.execute(SUPERSEDE, parameters)
    with connection.wrap_database_errors:  # what loops catch is Django's, and COPY raises the driver's
        copy_setpoints("dispatch_setpoint", new, cycle_id, start, sequence, at)
    return int(new.device_id.size)


ROWS_A_PIECE = 20_000  # the server reads one while the next is made


def copy_setpoints(table: str, new: NewSetpoints, cycle_id: Ints, start: datetime, sequence: int, at: datetime) -> None:
    """The rows into a table with a setpoint's columns."""
    names = ", ".join(_fields(new, cycle_id, start, sequence, at, slice(0, 0)))
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({names}) FROM STDIN (FORMAT binary)") as copy,
    ):
        copy.write(SIGNATURE)
        for first in range(0, new.device_id.size, ROWS_A_PIECE):
            piece = _fields(new, cycle_id, start, sequence, at, slice(first, first + ROWS_A_PIECE))
            copy.write(encode_rows(list(piece.values())))
        copy.write(TRAILER)


PLANNED = np.frombuffer(b"PLANNED", dtype=np.uint8)


def _fields(
    new: NewSetpoints, cycle_id: Ints, start: datetime, sequence: int, at: datetime, rows: slice
) -> dict[str, Field]:
    """Some rows as columns of a COPY stream."""
    device_id = new.device_id[rows]

    def all_of(kind: str, value: int) -> Field:
        return Field(kind, np.broadcast_to(np.int64(value), device_id.shape))

    reactive = {} if new.target_kvar is None else {"target_kvar": nullable_float8(new.target_kvar[rows])}
    return reactive | {
        "device_id": Field("int8", device_id),
        "portfolio_id": Field("int8", new.portfolio_id[rows]),
        "cycle_id": Field("int8", cycle_id[rows]),
        "interval_start": all_of("timestamptz", _us(start)),
        "sequence": all_of("int2", sequence),
        "target_kw": Field("float8", new.target_kw[rows]),
        "baseline_kw": Field("float8", new.baseline_kw[rows]),
        "released": Field("bytea", new.released[rows].astype(np.uint8)[:, None]),
        "state": Field("bytea", np.broadcast_to(PLANNED, (device_id.size, PLANNED.size))),
        "issued_at": all_of("timestamptz", _us(at)),
        "expires_at": Field("timestamptz", new.expires_s[rows] * 1_000_000),
        "reason": Field("bytea", np.zeros((device_id.size, 0), dtype=np.uint8)),
    }


def _us(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def step(ids: Sequence[int], new_state: str, *, at: datetime, moment_field: str, reason: str = "") -> int:
    """Move setpoints to `new_state` from every state that allows it; the others stay. Returns how many moved."""
    if not ids:
        return 0
    movable = Setpoint.objects.with_ids(ids).filter(state__in=states_before(new_state))
    return movable.update(state=new_state, reason=reason, **{moment_field: at})


REFUSE = """
UPDATE dispatch_setpoint s SET state = 'REFUSED', answered_at = %(at)s, reason = left(given.reason, 80)
  FROM unnest(%(ids)s::bigint[], %(reasons)s::text[]) AS given (id, reason)
 WHERE s.id = given.id AND s.id BETWEEN %(first)s AND %(last)s AND s.state = ANY(%(refusable)s)
"""


def refuse(reason_of: Mapping[int, str], *, at: datetime) -> int:
    """Move setpoints to REFUSED, each with its own reason, from every state that allows it. Returns how many moved."""
    if not reason_of:
        return 0
    parameters: dict[str, Any] = {
        "at": at, "ids": list(reason_of), "reasons": list(reason_of.values()), "first": min(reason_of),
        "last": max(reason_of), "refusable": states_before(Setpoint.State.REFUSED),
    }  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")  # as in judge
        cursor.execute(REFUSE, parameters)
        moved = int(cursor.rowcount)
        cursor.execute("SET LOCAL enable_nestloop = on")
    return moved


JUDGE = """
UPDATE dispatch_setpoint s
   SET state = verdict.state, judged_at = %(at)s, measured_kw = verdict.measured_kw, reason = verdict.reason
  FROM unnest(%(ids)s::bigint[], %(states)s::text[], %(measured)s::float8[], %(reasons)s::text[])
       AS verdict (id, state, measured_kw, reason)
 WHERE s.id = verdict.id AND s.id BETWEEN %(first)s AND %(last)s AND s.state <> verdict.state
   AND s.state = ANY(%(judgeable)s)
"""


def judge(ids: Ints, states: list[str], measured_kw: Floats, reasons: list[str], *, at: datetime) -> None:
    """Store verdicts: (M,) FOLLOWED or MISSED with what they were made on; NaN is stored as NULL."""
    if ids.size == 0:
        return
    measured = [None if np.isnan(value) else float(value) for value in measured_kw]
    parameters = {
        "at": at, "ids": ids.tolist(), "states": states, "measured": measured, "reasons": reasons,
        "first": int(ids.min()), "last": int(ids.max()), "judgeable": states_before(Setpoint.State.MISSED),
    }  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")  # rows of this minute, of which the planner knows nothing yet
        cursor.execute(JUDGE, parameters)
        cursor.execute("SET LOCAL enable_nestloop = on")


UNSENT_REACH = timedelta(days=2)  # a loop that was away for longer leaves its old plans as they are


def expire_unsent(portfolio_ids: Sequence[int], *, before: datetime, at: datetime) -> int:
    """Setpoints that were never fetched and whose time is over are not sent any more."""
    unsent = Setpoint.objects.filter(
        portfolio_id__in=list(portfolio_ids),
        interval_start__gte=before - UNSENT_REACH,
        interval_start__lt=before,
        state=Setpoint.State.PLANNED,
        expires_at__lte=at,
    )
    return unsent.update(state=Setpoint.State.EXPIRED, judged_at=at, reason="never fetched")
