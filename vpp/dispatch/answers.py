"""What devices and gateways answered to setpoints, stored a batch at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection, transaction

from telemetry.storage.copying import id_array
from vpp.dispatch.outbox import MANY, named


@dataclass(frozen=True)
class Answers:
    """Answers as they came, by setpoint id and who gave them: of devices, by their codes, and of gateways of many, by
    their addresses. The reason of a refusal, None for "accepted"; where both are said, the refusal counts.
    applied_kvar: the reactive power that some of them say they give, by the same."""

    of_devices: dict[tuple[int, str], str | None] = field(default_factory=dict)
    of_gateways: dict[tuple[int, str], str | None] = field(default_factory=dict)
    applied_kvar: dict[tuple[int, str], float] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.of_devices) + len(self.of_gateways)

    def add(self, setpoint_id: int, device: str, reason: str | None, kvar: float | None = None) -> None:
        _add(self.of_devices, setpoint_id, device, reason)
        if kvar is not None:
            self.applied_kvar[setpoint_id, device] = kvar

    def add_of_gateway(self, setpoint_id: int, gateway: str, reason: str | None) -> None:
        _add(self.of_gateways, setpoint_id, gateway, reason)


def _add(known: dict[tuple[int, str], str | None], setpoint_id: int, who: str, reason: str | None) -> None:
    if reason is not None or (setpoint_id, who) not in known:
        known[setpoint_id, who] = reason


ANSWERED = """
UPDATE dispatch_setpoint s
   SET state = CASE WHEN given.why = 0 THEN 'ACKNOWLEDGED' ELSE 'REFUSED' END, answered_at = %(at)s,
       reason = left(coalesce((%(reasons)s::text[])[given.why], ''), 80)
  FROM unnest(%(ids)s::bigint[], %(who)s::int[], %(why)s::int[]) AS given (id, who, why), {asked}
 WHERE s.id BETWEEN %(first)s AND %(last)s AND s.id + 0 = ANY(%(ids)s::bigint[]) AND s.state = 'SENT'
   AND given.id = s.id AND {from_there} = (%(names)s::text[])[given.who]
RETURNING s.state
"""
AND_WHO = ", s.id, (%(names)s::text[])[given.who]"
APPLIED = """
UPDATE dispatch_setpoint s SET applied_kvar = given.kvar
  FROM unnest(%(ids)s::bigint[], %(kvar)s::float8[]) AS given (id, kvar)
 WHERE s.id BETWEEN %(first)s AND %(last)s AND s.id + 0 = ANY(%(ids)s::bigint[]) AND given.id = s.id
   AND s.target_kvar IS NOT NULL
"""
OF_DEVICES = ANSWERED.format(asked="enrollment_device d", from_there="d.id = s.device_id AND d.code")
OF_GATEWAYS = ANSWERED.format(asked="dispatch_link l", from_there="l.device_id = s.device_id AND l.address")


def store_answers(answers: Answers, at: datetime) -> tuple[int, int]:
    """How many became ACKNOWLEDGED and REFUSED. An answer from elsewhere than the device asked (or its gateway) is
    ignored; a repeat changes nothing."""
    states: list[str] = []
    applied: dict[int, float] = {}
    with transaction.atomic(), connection.cursor() as cursor:
        for query, given in ((OF_DEVICES, answers.of_devices), (OF_GATEWAYS, answers.of_gateways)):
            if not given:
                continue
            if len(given) > MANY:  # rows of this minute, of which the planner knows nothing yet
                cursor.execute("SET LOCAL enable_nestloop = off")
            kvar = answers.applied_kvar
            cursor.execute(query + (AND_WHO if kvar else ""), {"at": at, **_as_parameters(given)})
            moved = cursor.fetchall()
            cursor.execute("SET LOCAL enable_nestloop = on")
            states.extend(row[0] for row in moved)
            if kvar:
                applied |= {pk: kvar[pk, who] for state, pk, who in moved if state != "REFUSED" and (pk, who) in kvar}
        store_applied(applied)
    refused = states.count("REFUSED")
    return len(states) - refused, refused


def store_applied(kvar_of: dict[int, float]) -> None:
    """The reactive power that devices say they give for setpoints that asked for some."""
    told = {pk: kvar for pk, kvar in kvar_of.items() if math.isfinite(kvar)}
    if told:
        with connection.cursor() as cursor:
            cursor.execute(APPLIED, {"kvar": list(told.values()), **named(list(told))})


def _as_parameters(given: dict[tuple[int, str], str | None]) -> dict[str, Any]:
    """Numbers, and the names and reasons that they stand for, from 1; 0 is no reason."""
    ids, sources = zip(*given, strict=True)
    names = {name: place for place, name in enumerate(dict.fromkeys(sources), 1)}
    reasons = {text: place for place, text in enumerate(dict.fromkeys(r for r in given.values() if r is not None), 1)}
    who = np.array([names[source] for source in sources], dtype=np.int64)
    why = np.array([0 if reason is None else reasons[reason] for reason in given.values()], dtype=np.int64)
    return {
        "who": id_array(who), "why": id_array(why), "names": list(names), "reasons": list(reasons), **named(ids),
    }  # fmt: skip
