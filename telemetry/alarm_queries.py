"""What is wrong just now; asked through `telemetry.queries`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from telemetry.models import Alarm

if TYPE_CHECKING:
    from vpp.accounts.models import Principal

MOST_ALARMS = 1_000


@dataclass(frozen=True)
class OpenAlarm:
    """An alarm that has not ended. `kind` is a code of `Alarm.Kind`, `label` its words; `subject` the code of a device
    or site, or the sender's name, and `subject_kind` says which of the three."""

    id: int
    kind: str
    label: str
    subject_kind: str
    subject: str
    begin_at: datetime


def open_alarms(principal: Principal) -> list[OpenAlarm]:
    """Open alarms that the principal may see, newest first, at most a thousand."""
    found = Alarm.objects.open().visible_to(principal).select_related("device", "site", "sender").order_by("-begin_at")
    return [_open(alarm) for alarm in found[:MOST_ALARMS]]


def _open(alarm: Alarm) -> OpenAlarm:
    subjects = {
        "device": alarm.device and alarm.device.code,
        "site": alarm.site and alarm.site.code,
        "sender": alarm.sender and alarm.sender.name,
    }
    kind, subject = next((kind, subject) for kind, subject in subjects.items() if subject)
    return OpenAlarm(alarm.pk, alarm.kind, alarm.get_kind_display(), kind, subject, alarm.begin_at)
