"""Which gateway reaches which device, and which charging stations may connect."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from vpp.accounts.operations import audit, audit_all
from vpp.dispatch.models import ChargingStation, Link
from vpp.enrollment.models import Device
from vpp.lib.errors import DomainError

SECRET_BYTES = 20  # OCPP security profile 1 and up: at most 40 characters in hex


class BadLinks(DomainError):
    """Rows of a list of links that cannot be; nothing was stored."""

    code = "bad_links"


@dataclass(frozen=True)
class NewLink:
    device: str
    protocol: str
    address: str


@transaction.atomic
def set_links(links: Sequence[NewLink], *, at: datetime, actor: object) -> int:
    """Devices get these links instead of those they have; all of them or, if one is wrong, none."""
    ids = dict(Device.objects.filter(code__in=[one.device for one in links]).values_list("code", "pk"))
    wrong = [f"{one.device}: no such device" for one in links if one.device not in ids]
    wrong += [f"{one.device}: no protocol {one.protocol}" for one in links if one.protocol not in Link.Protocol.values]
    wrong += [f"{one.device}: no address" for one in links if one.protocol != "HTTP" and not one.address]
    if wrong:
        raise BadLinks(f"{len(wrong)} links are wrong: {'; '.join(wrong[:10])}", wrong=wrong[:100])
    rows = [Link(device_id=ids[one.device], protocol=one.protocol, address=one.address) for one in links]
    Link.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["device"], update_fields=["protocol", "address"], batch_size=5000
    )
    audit_all(
        at=at,
        actor=actor,
        action="link.set",
        subjects=[(row, {"protocol": row.protocol, "address": row.address}) for row in rows],
    )
    return len(rows)


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def add_station(code: str, devices: Sequence[Device], *, at: datetime, actor: object) -> str:
    """A station that may connect, its EVSEs 1, 2, ... being these devices. Its password, shown once; a station that is
    there gets a new one."""
    secret = secrets.token_hex(SECRET_BYTES)
    with transaction.atomic():
        station, _ = ChargingStation.objects.update_or_create(code=code, defaults={"secret_hash": hash_of(secret)})
        for evse, device in enumerate(devices, start=1):
            address = f"{code}/{evse}"
            Link.objects.filter(protocol=Link.Protocol.OCPP, address=address).exclude(device=device).delete()
            Link.objects.update_or_create(device=device, defaults={"protocol": Link.Protocol.OCPP, "address": address})
        audit(at=at, actor=actor, action="station.added", subject=station, after={"evses": len(devices)})
    return secret
