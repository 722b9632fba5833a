"""What waits for an answer, for every kind of gateway: whole columns out, states on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Self

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from telemetry.storage.copying import copy_out, id_array
from vpp.dispatch.kernels.life import UNANSWERED
from vpp.dispatch.setpoint_columns import LONGEST_VALIDITY, moments

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
    target_kvar: Floats  # NaN: none
    released: Bools
    issued_at: Objects
    expires_at: Objects

    @property
    def size(self) -> int:
        return int(self.id.size)

    def take(self, rows: NDArray[Any]) -> Self:
        return type(self)(**{column.name: getattr(self, column.name)[rows] for column in fields(self)})


WAITING = """
SELECT id, device_id, interval_start, sequence, target_kw, coalesce(target_kvar, 'NaN'), released::int::int2, issued_at,
       expires_at
  FROM (SELECT DISTINCT ON (s.device_id) s.* FROM dispatch_setpoint s
         WHERE s.interval_start <= %s AND s.interval_start > %s
         ORDER BY s.device_id, s.interval_start DESC, s.sequence DESC) newest
 WHERE expires_at > %s AND state = ANY(%s)
   AND (%s = 'MQTT' OR EXISTS (SELECT FROM dispatch_link l WHERE l.device_id = newest.device_id AND l.protocol = %s))
 ORDER BY id
"""
WAITING_KINDS = (
    ("id", "int8"), ("device_id", "int8"), ("interval_start", "timestamptz"), ("sequence", "int2"),
    ("target_kw", "float8"), ("target_kvar", "float8"), ("released", "int2"), ("issued_at", "timestamptz"),
    ("expires_at", "timestamptz"),
)  # fmt: skip
ADDRESSES = """
SELECT device.id, site.code, device.code, coalesce(link.address, '')
  FROM enrollment_device device JOIN enrollment_site site ON site.id = device.site_id
  LEFT JOIN dispatch_link link ON link.device_id = device.id
 WHERE device.id BETWEEN %(first)s AND %(last)s AND (%(many)s OR device.id = ANY(%(devices)s::bigint[]))
   AND coalesce(link.protocol, 'MQTT') = %(protocol)s
"""
MANY = 1_000  # devices, from which on all between the first and the last are asked for

HELD = ("ACKNOWLEDGED", "FOLLOWED", "MISSED")


def waiting_setpoints(at: datetime, protocol: str = "MQTT", states: Sequence[str] = UNANSWERED) -> Waiting:
    """The newest setpoint of each device of that kind of link, where it is in force and in one of the states:
    unanswered, or HELD by the device. An older one is never among them. Devices without a link wait for MQTT."""
    parameters = [at, at - LONGEST_VALIDITY, at, list(states), protocol, protocol]
    found = copy_out(WAITING, parameters, WAITING_KINDS)
    address_of = _addresses(found["device_id"], protocol)
    kept = [row for row, device_id in enumerate(found["device_id"].tolist()) if device_id in address_of]
    if len(kept) < found["id"].size:
        found = {name: values[kept] for name, values in found.items()}
    where = [address_of[device_id] for device_id in found["device_id"].tolist()]
    site, device, address = zip(*where, strict=True) if where else ((), (), ())
    return Waiting(
        id=found["id"],
        site=_objects(site),
        device=_objects(device),
        address=_objects(address),
        interval_start=_objects(moments(found["interval_start"])),
        sequence=found["sequence"].astype(np.int64),
        target_kw=found["target_kw"],
        target_kvar=found["target_kvar"],
        released=found["released"].astype(np.bool_),
        issued_at=_objects(moments(found["issued_at"])),
        expires_at=_objects(moments(found["expires_at"])),
    )


def _addresses(device_ids: Ints, protocol: str) -> dict[int, tuple[str, str, str]]:
    """Site, device and link address of the devices of that kind of link, and perhaps of others."""
    if device_ids.size == 0:
        return {}
    many = device_ids.size > MANY
    parameters: dict[str, Any] = {
        "first": int(device_ids.min()), "last": int(device_ids.max()), "many": many, "protocol": protocol,
        "devices": "{}" if many else id_array(device_ids),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(ADDRESSES, parameters)
        return {device_id: (site, device, address) for device_id, site, device, address in cursor.fetchall()}


def _objects(values: Sequence[Any]) -> Objects:
    column: Objects = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def or_none(values: Floats) -> list[float | None]:
    """Numbers for a message: NaN is none."""
    return [None if value != value else value for value in values.tolist()]  # noqa: PLR0124 - only NaN differs from itself


def newest_cycle() -> int:
    """The highest id of any control cycle, which all setpoints come from: while it stays, nothing new waits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM dispatch_controlcycle")
        return int(cursor.fetchone()[0])


SEND = """
UPDATE dispatch_setpoint SET state = 'SENT', sent_at = %(at)s
 WHERE id BETWEEN %(first)s AND %(last)s AND id + 0 = ANY(%(ids)s::bigint[]) AND state = 'PLANNED'
"""
SENDABLE = """
SELECT id FROM dispatch_setpoint
 WHERE id BETWEEN %(first)s AND %(last)s AND id + 0 = ANY(%(ids)s::bigint[]) AND state = 'SENT'
"""


def named(ids: Sequence[int]) -> dict[str, Any]:
    """Ids as parameters. The index on ids knows ranges only, so the range is named beside them; and what is compared
    with the ids is `id + 0`, or the planner would search that index once for each of them."""
    return {"ids": id_array(np.asarray(ids, dtype=np.int64)), "first": min(ids), "last": max(ids)}


def mark_sent(ids: Sequence[int], at: datetime) -> set[int]:
    """Planned setpoints become SENT; committed when this returns. The ids that may be sent: those that are SENT now."""
    if not ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(SEND, {"at": at, **named(ids)})
        if cursor.rowcount == len(ids):
            return set(ids)
        cursor.execute(SENDABLE, named(ids))
        return {row[0] for row in cursor.fetchall()}
