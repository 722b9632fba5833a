"""What waits for an answer, for every kind of gateway: whole columns out, states on, answers in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Self

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from vpp.dispatch.setpoint_rows import LONGEST_VALIDITY
from vpp.enrollment.models import Portfolio

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Objects = NDArray[np.object_]


@dataclass(frozen=True)
class Waiting:
    """M setpoints that wait for their device's answer, oldest first. address: of the device's link, "" without one."""

    id: Ints
    site: Objects
    device: Objects
    address: Objects
    interval_start: Objects  # aware datetimes
    sequence: Ints
    target_kw: Floats
    released: Bools
    issued_at: Objects
    expires_at: Objects

    @property
    def size(self) -> int:
        return int(self.id.size)

    def take(self, rows: NDArray[Any]) -> Self:
        return type(self)(**{column.name: getattr(self, column.name)[rows] for column in fields(self)})


WAITING = """
SELECT newest.id, site.code, device.code, coalesce(link.address, ''), newest.interval_start, newest.sequence,
       newest.target_kw, newest.released, newest.issued_at, newest.expires_at
  FROM (SELECT DISTINCT ON (s.device_id) s.* FROM dispatch_setpoint s
         WHERE s.portfolio_id = ANY(%(portfolios)s) AND s.interval_start <= %(moment)s
           AND s.interval_start > %(moment)s - %(reach)s
         ORDER BY s.device_id, s.interval_start DESC, s.sequence DESC) newest
  JOIN enrollment_device device ON device.id = newest.device_id
  JOIN enrollment_site site ON site.id = device.site_id
  LEFT JOIN dispatch_link link ON link.device_id = newest.device_id
 WHERE newest.expires_at > %(moment)s AND newest.state = ANY(%(states)s)
   AND coalesce(link.protocol, 'MQTT') = %(protocol)s ORDER BY newest.id
"""


UNANSWERED = ("PLANNED", "SENT")
HELD = ("ACKNOWLEDGED", "FOLLOWED", "MISSED")


def waiting_setpoints(at: datetime, protocol: str = "MQTT", states: Sequence[str] = UNANSWERED) -> Waiting:
    """The newest setpoint of each device of that kind of link, where it is in force and in one of the states:
    unanswered, or HELD by the device. An older one is never among them. Devices without a link wait for MQTT."""
    portfolios = list(Portfolio.objects.values_list("pk", flat=True))
    parameters: dict[str, Any] = {
        "portfolios": portfolios, "moment": at, "reach": LONGEST_VALIDITY, "protocol": protocol,
        "states": list(states),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(WAITING, parameters)
        rows = cursor.fetchall()
    columns = list(zip(*rows, strict=True)) or [()] * len(fields(Waiting))
    kinds: tuple[type, ...] = (np.int64, object, object, object, object, np.int64, np.float64, np.bool_, object, object)
    return Waiting(*(_column(values, kind) for values, kind in zip(columns, kinds, strict=True)))


def _column(values: Sequence[Any], kind: type) -> NDArray[Any]:
    column: NDArray[Any] = np.empty(len(values), dtype=kind)
    column[:] = values
    return column


def newest_id() -> int:
    """The highest id of any setpoint: while it stays, nothing new waits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM dispatch_setpoint")
        return int(cursor.fetchone()[0])


SEND = "UPDATE dispatch_setpoint SET state = 'SENT', sent_at = %(at)s WHERE id = ANY(%(ids)s) AND state = 'PLANNED'"
SENDABLE = "SELECT id FROM dispatch_setpoint WHERE id = ANY(%(ids)s) AND state = 'SENT'"


def mark_sent(ids: Sequence[int], at: datetime) -> set[int]:
    """Planned setpoints become SENT; committed when this returns. The ids that may be sent: those that are SENT now."""
    if not ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(SEND, {"ids": list(ids), "at": at})
        if cursor.rowcount == len(ids):
            return set(ids)
        cursor.execute(SENDABLE, {"ids": list(ids)})
        return {row[0] for row in cursor.fetchall()}


@dataclass(frozen=True)
class Answers:
    """M answers as they came. source: the code of the device, or with `bulk` of the gateway, that gave them."""

    id: list[int]
    source: list[str]
    bulk: list[bool]
    reason: list[str | None]  # None: accepted

    @classmethod
    def none(cls) -> Self:
        return cls([], [], [], [])

    def add(self, ids: Sequence[int], source: str, *, bulk: bool, reasons: Sequence[str | None] | None = None) -> None:
        self.id.extend(ids)
        self.source.extend([source] * len(ids))
        self.bulk.extend([bulk] * len(ids))
        self.reason.extend(reasons if reasons is not None else [None] * len(ids))


STORE = """
UPDATE dispatch_setpoint s
   SET state = CASE WHEN given.reason IS NULL THEN 'ACKNOWLEDGED' ELSE 'REFUSED' END, answered_at = %(at)s,
       reason = left(coalesce(given.reason, ''), 80)
  FROM (SELECT DISTINCT ON (answer.id) answer.id, answer.reason
          FROM unnest(%(id)s::bigint[], %(source)s::text[], %(bulk)s::bool[], %(reason)s::text[])
               AS answer (id, source, bulk, reason)
          JOIN dispatch_setpoint asked ON asked.id = answer.id AND asked.state = 'SENT'
         WHERE CASE WHEN answer.bulk
               THEN EXISTS (SELECT FROM dispatch_link l
                             WHERE l.device_id = asked.device_id AND l.address = answer.source)
               ELSE EXISTS (SELECT FROM enrollment_device d
                             WHERE d.id = asked.device_id AND d.code = answer.source) END
         ORDER BY answer.id, answer.reason NULLS LAST) given
 WHERE s.id = given.id AND s.state = 'SENT'
RETURNING s.state
"""


def store_answers(answers: Answers, at: datetime) -> tuple[int, int]:
    """How many became ACKNOWLEDGED and REFUSED. An answer from elsewhere than the device asked (or its gateway) is
    ignored; a repeat changes nothing; refused and accepted at once is refused."""
    if not answers.id:
        return 0, 0
    parameters = {"at": at, **{column.name: getattr(answers, column.name) for column in fields(answers)}}
    with connection.cursor() as cursor:
        cursor.execute(STORE, parameters)
        states = [row[0] for row in cursor.fetchall()]
    refused = states.count("REFUSED")
    return len(states) - refused, refused
