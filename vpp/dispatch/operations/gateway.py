"""Setpoints out to the devices' gateways, and their answers back in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models.expressions import RawSQL

from telemetry.storage.copying import id_array
from vpp.dispatch import setpoint_rows
from vpp.dispatch.answers import store_applied
from vpp.dispatch.kernels.life import UNANSWERED
from vpp.dispatch.models import Link, Setpoint
from vpp.dispatch.setpoint_rows import SetpointColumns
from vpp.enrollment.models import Device, Site
from vpp.enrollment.ownership import theirs_since

if TYPE_CHECKING:
    from vpp.accounts.models import Principal

INTERVAL = timedelta(minutes=15)


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
        elsewhere = Link.objects.exclude(protocol=Link.Protocol.HTTP).values("device_id")
        devices = Device.objects.visible_to(principal).exclude(pk__in=elsewhere)  # a join would be by nested loops
        if anothers := _anothers_then(principal, interval_start):
            devices = devices.exclude(site__in=anothers)
        found = setpoint_rows.in_force_of(devices, interval_start)
        kept = [row for row, state in enumerate(found.state) if everything or state in UNANSWERED]
        chosen = found.take(kept)
        planned = [pk for pk, state in zip(chosen.id.tolist(), chosen.state, strict=True) if state == "PLANNED"]
        setpoint_rows.step(planned, Setpoint.State.SENT, at=at, moment_field="sent_at")
        told = RawSQL("SELECT unnest(%s::bigint[])", [id_array(chosen.device_id)])  # one parameter, however many
        code_of = dict(Device.objects.filter(pk__in=told).values_list("pk", "code"))
    return Outgoing(chosen, [code_of[device_id] for device_id in chosen.device_id.tolist()])


def _anothers_then(principal: Principal, interval_start: datetime) -> list[int]:
    """Sites of the caller that were another owner's in all of that interval."""
    if principal.sees_all:
        return []
    since = theirs_since(principal, Site.objects.visible_to(principal).values_list("pk", flat=True))
    return [site for site, begin in since.items() if begin >= interval_start + INTERVAL]


def answer_setpoints(
    principal: Principal,
    accepted: Sequence[int],
    refused: Mapping[int, str],
    at: datetime,
    applied_kvar: Mapping[int, float] | None = None,
) -> Answered:
    """Store acknowledgements and refusals (setpoint id to reason), and what accepting devices give in reactive power; a
    repeat changes nothing."""
    own = Setpoint.objects.visible_to(principal)
    asked = {*accepted, *refused}
    known = set(own.with_ids(asked).values_list("pk", flat=True))
    own_accepted = [pk for pk in accepted if pk in known and pk not in refused]
    own_refused = {pk: reason for pk, reason in refused.items() if pk in known}
    told = {pk: applied_kvar[pk] for pk in own_accepted if applied_kvar and pk in applied_kvar}
    return _store(own_accepted, own_refused, told, len(asked), at)


def _store(
    accepted: Sequence[int], refused: Mapping[int, str], applied_kvar: dict[int, float], n_asked: int, at: datetime
) -> Answered:
    with transaction.atomic():
        if applied_kvar:  # of setpoints not answered before; SENT is what an answer may still move
            waiting = Setpoint.objects.with_ids(applied_kvar).filter(state=Setpoint.State.SENT)
            store_applied({pk: applied_kvar[pk] for pk in waiting.values_list("pk", flat=True)})
        acknowledged = setpoint_rows.step(accepted, Setpoint.State.ACKNOWLEDGED, at=at, moment_field="answered_at")
        turned_down = setpoint_rows.refuse(refused, at=at)
    return Answered(acknowledged, turned_down, n_asked - acknowledged - turned_down)
