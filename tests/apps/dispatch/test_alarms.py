"""Staff hear of a commitment that goes short before its interval ends, and say that they have heard."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from tests.apps.dispatch.day import PlayedDay
from tests.factories import make_client
from vpp.accounts.models import AuditEvent, Participant
from vpp.dispatch import operations
from vpp.dispatch.models import Alarm
from vpp.lib import clock

pytestmark = pytest.mark.django_db


def test_what_cannot_be_placed_is_an_alarm_of_its_commitment_once(client: Client) -> None:
    played = PlayedDay(2, up_kw=30.0)
    cycle = played.cycle(40)
    assert cycle.residual_up_kw == pytest.approx(10.0)
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.award_id, alarm.short_kw) == ("EXPECTED_SHORTFALL", played.award.pk, pytest.approx(10.0))
    clock.set_simulated(played.start(40))
    _, token = make_client(scopes=("read", "devices:write"))
    headers = {"Authorization": f"Bearer {token}"}
    listed = client.get("/api/v1/alarms", {"open": "true"}, headers=headers).json()["results"]
    assert [row["id"] for row in listed] == [alarm.pk]
    path = f"/api/v1/alarms/{alarm.pk}/acknowledge"
    for note in ("calling the owner", "again"):
        answer = client.post(path, {"note": note}, content_type="application/json", headers=headers)
        assert answer.json()["note"] == "calling the owner"
    assert client.get("/api/v1/alarms", {"open": "true"}, headers=headers).json()["results"] == []
    assert AuditEvent.objects.filter(action="alarm.acknowledged").count() == 1
    _, owner = make_client(kind=Participant.Kind.OWNER, scopes=("read", "devices:write"))
    headers = {"Authorization": f"Bearer {owner}"}
    assert client.get("/api/v1/alarms", headers=headers).json()["results"] == []
    assert client.post(path, {}, content_type="application/json", headers=headers).status_code == 404


def test_a_device_seen_standing_still_is_known_before_the_interval_ends(client: Client) -> None:
    played = PlayedDay(4, up_kw=12.0)
    played.cycle(40)
    played.fetch_and_accept(40, make_client()[0])
    at = played.start(40) + timedelta(minutes=5)
    assert operations.watch([played.portfolio], at)[0].expected_up_kw == pytest.approx(12.0), "believed so far"
    assert not Alarm.objects.exists()
    still = played.devices[0]
    played.report(40, played.targets(40) | {still: 0.0})
    clock.set_simulated(at)
    _, token = make_client(scopes=("read",))
    seen = client.get("/api/v1/deviations", headers={"Authorization": f"Bearer {token}"}).json()[0]
    assert (seen["expected_up_kw"], seen["measured_pu"]) == (pytest.approx(9.0), 1.0)
    assert not Alarm.objects.exists(), "looking raises nothing"
    operations.watch([played.portfolio], at)
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.short_kw) == ("EXPECTED_SHORTFALL", pytest.approx(3.0))


def test_what_an_interval_came_to_is_judged_when_it_is_over() -> None:
    played = PlayedDay(4, up_kw=12.0)
    played.cycle(40)
    played.fetch_and_accept(40, make_client()[0])
    played.report(40, played.targets(40) | {played.devices[0]: 0.0})
    played.cycle(41)
    alarm = Alarm.objects.get(kind="DEVIATION")
    assert (alarm.interval_start, alarm.short_kw) == (played.start(40), pytest.approx(3.0))


def test_the_last_interval_of_a_day_is_judged_by_what_was_owed_on_that_day() -> None:
    played = PlayedDay(4, up_kw=12.0, until=96)
    played.cycle(95)
    played.fetch_and_accept(95, make_client()[0])
    played.report(95, played.targets(95) | {played.devices[0]: 0.0})
    played.cycle(96)
    alarm = Alarm.objects.get(kind="DEVIATION")
    assert (alarm.award_id, alarm.interval_start) == (played.award.pk, played.start(95))
    assert alarm.short_kw == pytest.approx(3.0)
