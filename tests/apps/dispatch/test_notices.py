"""A new alarm leaves the house once: by e-mail to those on duty, and to the aggregator's webhooks."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail

from tests.apps.dispatch.day import PlayedDay
from tests.factories import make_participant
from vpp.dispatch import operations
from vpp.dispatch.models import Alarm
from vpp.jobs import operations as jobs
from vpp.jobs import webhooks
from vpp.jobs.models import WebhookDelivery

pytestmark = pytest.mark.django_db


def test_an_alarm_is_mailed_and_posted_once_and_so_is_that_somebody_saw_it(settings: Any) -> None:
    settings.ALARM_EMAILS, settings.WEBHOOK_PRIVATE = ["duty@example.org"], True
    played = PlayedDay(2, up_kw=30.0)
    aggregator = make_participant(kind="AGGREGATOR")
    webhooks.subscribe(
        participant=aggregator, url="http://127.0.0.1:9/hook", events=["alarm.raised", "alarm.acknowledged"],
        at=played.start(0), actor="test",
    )  # fmt: skip
    played.cycle(40)
    played.cycle(40, revision=1)
    alarm = Alarm.objects.get()
    delivery = WebhookDelivery.objects.get()
    assert delivery.body["data"]["short_kw"] == pytest.approx(10.0)
    jobs.run_pending()
    assert [message.to for message in mail.outbox] == [["duty@example.org"]]
    assert "10 kW short" in mail.outbox[0].subject
    operations.acknowledge_alarm(alarm, at=played.start(41), actor="staff", note="calling")
    events = WebhookDelivery.objects.order_by("pk").values_list("event", flat=True)
    assert list(events) == ["alarm.raised", "alarm.acknowledged"]
