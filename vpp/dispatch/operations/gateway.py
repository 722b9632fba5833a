"""Setpoints out to the devices' gateways, and their answers back in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from vpp.dispatch import setpoint_rows
from vpp.dispatch.models import Setpoint
from vpp.dispatch.setpoint_rows import SetpointColumns
from vpp.enrollment.models import Device, Portfolio

if TYPE_CHECKING:
    from vpp.accounts.models import Principal

UNANSWERED = ("PLANNED", "SENT")


@dataclass(frozen=True)
class Outgoing:
    """Setpoints for one gateway and the codes of their devices, in the same order."""

    setpoints: SetpointColumns
    codes: list[str]


@dataclass(frozen=True)
class Answered:
    """acknowledged, refused: how many setpoints moved; ignored: answered before, superseded, or not the caller's."""

    acknowledged: int
    refused: int
    ignored: int


def fetch_setpoints(principal: Principal, interval_start: datetime, at: datetime, *, everything: bool) -> Outgoing:
    """What is in force for the caller's devices in an interval; planned ones count as sent from now on.

    everything=False leaves out what was already answered: the queue of a gateway that remembers.
    """
    with transaction.atomic():
        found = setpoint_rows.in_force(list(Portfolio.objects.values_list("pk", flat=True)), interval_start)
        devices = Device.objects.visible_to(principal).filter(pk__in=found.device_id.tolist())
        code_of = dict(devices.values_list("pk", "code"))
        kept = [
            row
            for row, device_id in enumerate(found.device_id.tolist())
            if device_id in code_of and (everything or found.state[row] in UNANSWERED)
        ]
        chosen = found.take(kept)
        planned = [pk for pk, state in zip(chosen.id.tolist(), chosen.state, strict=True) if state == "PLANNED"]
        setpoint_rows.step(planned, Setpoint.State.SENT, at=at, moment_field="sent_at")
    return Outgoing(chosen, [code_of[device_id] for device_id in chosen.device_id.tolist()])


@dataclass(frozen=True)
class Waiting:
    """A setpoint that waits for its device's answer."""

    id: int
    site: str
    device: str
    interval_start: datetime
    sequence: int
    target_kw: float
    released: bool
    issued_at: datetime
    expires_at: datetime


WAITING = """
SELECT newest.id, site.code, device.code, newest.interval_start, newest.sequence, newest.target_kw, newest.released,
       newest.issued_at, newest.expires_at
  FROM (SELECT DISTINCT ON (s.device_id) s.* FROM dispatch_setpoint s
         WHERE s.portfolio_id = ANY(%(portfolios)s) AND s.interval_start <= %(moment)s
           AND s.interval_start > %(moment)s - %(reach)s
         ORDER BY s.device_id, s.interval_start DESC, s.sequence DESC) newest
  JOIN enrollment_device device ON device.id = newest.device_id
  JOIN enrollment_site site ON site.id = device.site_id
 WHERE newest.expires_at > %(moment)s AND newest.state IN ('PLANNED', 'SENT') ORDER BY newest.id
"""


def waiting_setpoints(at: datetime) -> list[Waiting]:
    """The newest setpoint of each device, where it is in force and unanswered. An older one is never among them."""
    portfolios = list(Portfolio.objects.values_list("pk", flat=True))
    with connection.cursor() as cursor:
        parameters: dict[str, Any] = {"portfolios": portfolios, "moment": at, "reach": setpoint_rows.LONGEST_VALIDITY}
        cursor.execute(WAITING, parameters)
        return [Waiting(*row) for row in cursor.fetchall()]


def mark_sent(ids: Sequence[int], at: datetime) -> set[int]:
    """Planned setpoints become SENT; committed when this returns. The ids that may be sent: those that are SENT now."""
    if not ids:
        return set()
    with transaction.atomic():
        setpoint_rows.step(ids, Setpoint.State.SENT, at=at, moment_field="sent_at")
        sendable = Setpoint.objects.filter(pk__in=ids, state=Setpoint.State.SENT)
        return set(sendable.values_list("pk", flat=True))


def store_device_answers(accepted: Mapping[int, str], refused: Mapping[int, tuple[str, str]], at: datetime) -> Answered:
    """Answers by setpoint id, with the code of the device they came from (and the reason of a refusal). An answer of
    another device than the one asked is ignored; a repeat changes nothing."""
    ids = [*accepted, *refused]
    asked = dict(Setpoint.objects.filter(pk__in=ids).values_list("pk", "device__code"))
    own_accepted = [pk for pk, device in accepted.items() if asked.get(pk) == device and pk not in refused]
    own_refused = {pk: reason for pk, (device, reason) in refused.items() if asked.get(pk) == device}
    return _store(own_accepted, own_refused, len({*ids}), at)


def answer_setpoints(
    principal: Principal, accepted: Sequence[int], refused: Mapping[int, str], at: datetime
) -> Answered:
    """Store acknowledgements and refusals (setpoint id to reason); a repeat changes nothing."""
    own = Setpoint.objects.visible_to(principal)
    asked = {*accepted, *refused}
    known = set(own.filter(pk__in=asked).values_list("pk", flat=True))
    own_accepted = [pk for pk in accepted if pk in known and pk not in refused]
    own_refused = {pk: reason for pk, reason in refused.items() if pk in known}
    return _store(own_accepted, own_refused, len(asked), at)


def _store(accepted: Sequence[int], refused: Mapping[int, str], n_asked: int, at: datetime) -> Answered:
    with transaction.atomic():
        acknowledged = setpoint_rows.step(accepted, Setpoint.State.ACKNOWLEDGED, at=at, moment_field="answered_at")
        turned_down = 0
        for reason in sorted(set(refused.values())):
            ids = [pk for pk, given in refused.items() if given == reason]
            turned_down += setpoint_rows.step(
                ids, Setpoint.State.REFUSED, at=at, moment_field="answered_at", reason=reason[:80]
            )
    return Answered(acknowledged, turned_down, n_asked - acknowledged - turned_down)
