"""The jobs room's own work: a ping that proves relay, broker and worker to be alive (`doctor --round-trip`)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from vpp.jobs.handlers import job_handler
from vpp.jobs.identity import this_process
from vpp.jobs.models import WebhookDelivery
from vpp.jobs.webhooks import DELIVER, BadWebhook, ReceiverRefused, deliver

PING = "jobs.ping"


@job_handler(PING, queue="default", time_limit_s=10, max_attempts=1)
def ping(*, at: datetime, sent_by: str) -> dict[str, Any]:
    return {"sent_by": sent_by, "answered_by": this_process(), "answered_at": at.isoformat()}


@job_handler(DELIVER, queue="webhooks", time_limit_s=30, max_attempts=14, throws=(ReceiverRefused, BadWebhook))
def deliver_webhook(*, at: datetime, delivery: int) -> None:
    """Post one event; a receiver that is down gets it again for about five hours."""
    deliver(WebhookDelivery.objects.select_related("webhook").get(pk=delivery))
