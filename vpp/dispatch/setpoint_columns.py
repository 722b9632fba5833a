"""Setpoints in force, as whole columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from telemetry.storage.copying import copy_out
from vpp.dispatch.models import Setpoint

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from vpp.enrollment.models import Device

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class SetpointColumns:
    """M setpoints, at most one a device; moments are aware datetimes."""

    id: Ints
    device_id: Ints
    interval_start: list[datetime]
    sequence: Ints
    target_kw: Floats
    target_kvar: Floats  # NaN: none
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
            target_kvar=self.target_kvar[places],
            baseline_kw=self.baseline_kw[places],
            released=self.released[places],
            state=[self.state[row] for row in places],
            expires_at=[self.expires_at[row] for row in places],
            issued_at=[self.issued_at[row] for row in places],
        )


IN_FORCE = """
SELECT id, device_id, interval_start, sequence, target_kw, coalesce(target_kvar, 'NaN'), baseline_kw,
       released::int::int2, array_position(%s::varchar[], state)::int2, expires_at, issued_at
  FROM (SELECT DISTINCT ON (s.device_id) s.* FROM dispatch_setpoint s
         WHERE {whose} AND s.interval_start <= %s AND s.interval_start > %s
         ORDER BY s.device_id, s.interval_start DESC, s.sequence DESC) latest
 WHERE expires_at > %s AND state <> 'EXPIRED' ORDER BY device_id
"""
IN_FORCE_KINDS = (
    ("id", "int8"), ("device_id", "int8"), ("interval_start", "timestamptz"), ("sequence", "int2"),
    ("target_kw", "float8"), ("target_kvar", "float8"), ("baseline_kw", "float8"), ("released", "int2"),
    ("state", "int2"), ("expires_at", "timestamptz"), ("issued_at", "timestamptz"),
)  # fmt: skip
STATES = Setpoint.State.values
LONGEST_VALIDITY = timedelta(hours=1)  # no setpoint holds longer, so older ones need not be looked at


def in_force(portfolio_ids: Sequence[int], moment: datetime) -> SetpointColumns:
    """The newest setpoint of each device of the portfolios that still holds at `moment`, whatever was answered."""
    return _in_force("s.portfolio_id = ANY(%s)", [list(portfolio_ids)], moment)


def in_force_of(devices: QuerySet[Device], moment: datetime) -> SetpointColumns:
    """The same of the devices that a question finds, in whatever portfolio they are."""
    asked, parameters = devices.order_by().values("pk").query.sql_with_params()
    return _in_force(f"s.device_id IN ({asked})", list(parameters), moment)


def _in_force(whose: str, whose_parameters: Sequence[Any], moment: datetime) -> SetpointColumns:
    parameters = [STATES, *whose_parameters, moment, moment - LONGEST_VALIDITY, moment]
    found = copy_out(IN_FORCE.format(whose=whose), parameters, IN_FORCE_KINDS)
    return SetpointColumns(
        id=found["id"],
        device_id=found["device_id"],
        interval_start=moments(found["interval_start"]),
        sequence=found["sequence"].astype(np.int64),
        target_kw=found["target_kw"],
        target_kvar=found["target_kvar"],
        baseline_kw=found["baseline_kw"],
        released=found["released"].astype(np.bool_),
        state=[STATES[place - 1] for place in found["state"].tolist()],
        expires_at=moments(found["expires_at"]),
        issued_at=moments(found["issued_at"]),
    )


def moments(time_us: Ints) -> list[datetime]:
    """Microseconds since 1970 (M,) as aware datetimes; the same few come again and again."""
    distinct, back = np.unique(time_us, return_inverse=True)
    known = [EPOCH + timedelta(microseconds=one) for one in distinct.tolist()]
    return [known[place] for place in back.tolist()]
