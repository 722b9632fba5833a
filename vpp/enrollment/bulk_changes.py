"""Suspending or resuming thousands of devices as one job: in chunks that are stored with their progress, so that a
killed job goes on where it stopped, and with a row for every device that was refused."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from vpp.accounts.operations import actor_name
from vpp.enrollment.models import Device
from vpp.enrollment.suspension import resume_device, suspend_device
from vpp.jobs import operations as jobs
from vpp.jobs.models import Job
from vpp.lib.errors import DomainError

KIND = "enrollment.change_devices"
CHUNK = 200
#: What can be done: operation, and why a device in that state already is refused.
CHANGES: dict[str, tuple[Callable[..., bool], str]] = {
    "suspend": (suspend_device, "already_suspended"),
    "resume": (resume_device, "not_suspended"),
}


class UnknownChange(DomainError):
    code = "unknown_change"


def enqueue_change(change: str, device_ids: Sequence[int], *, at: datetime, actor: object, reason: str) -> Job:
    """The job that changes exactly these devices. Raises UnknownChange."""
    if change not in CHANGES:
        raise UnknownChange(f"nobody can {change} devices")
    key = f"devices:{change}:{uuid.uuid4()}"
    payload = {
        "key": key, "change": change, "device_ids": list(device_ids), "actor": actor_name(actor), "reason": reason,
    }  # fmt: skip
    return jobs.enqueue(kind=KIND, natural_key=key, payload=payload, at=at)


def change_devices(
    *, at: datetime, key: str, change: str, device_ids: Sequence[int], actor: str, reason: str
) -> dict[str, Any]:
    """{"seen", "changed", "refused": [[code, why], ...]}, stored after every chunk; a repeat goes on there."""
    job = Job.objects.filter(natural_key=key)
    stored = job.values_list("result", flat=True).first()
    progress: dict[str, Any] = stored or {"seen": 0, "changed": 0, "refused": []}
    while progress["seen"] < len(device_ids):
        chunk = device_ids[progress["seen"] : progress["seen"] + CHUNK]
        with transaction.atomic():
            refused = _change_chunk(change, chunk, at=at, actor=actor, reason=reason)
            progress = {
                "seen": progress["seen"] + len(chunk),
                "changed": progress["changed"] + len(chunk) - len(refused),
                "refused": progress["refused"] + refused,
            }
            job.update(result=progress)
    return progress


def _change_chunk(
    change: str, device_ids: Sequence[int], *, at: datetime, actor: str, reason: str
) -> list[tuple[str, str]]:
    """(code, why) of those that were not changed."""
    operation, standing = CHANGES[change]
    devices = Device.objects.in_bulk(list(device_ids))
    refused = []
    for pk in device_ids:
        device = devices.get(pk)
        if device is None:
            refused.append((str(pk), "unknown_device"))
        elif device.kind == Device.Kind.METER:
            refused.append((device.code, "is_a_meter"))
        elif not operation(device, at=at, actor=actor, reason=reason):
            refused.append((device.code, standing))
    return refused
