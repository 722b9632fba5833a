"""Owners take a device back inside an event, and see what was done with it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from tests.apps.dispatch.day import PlayedDay
from tests.factories import make_client
from vpp.accounts.models import AuditEvent, Participant
from vpp.accounts.operations import create_client
from vpp.dispatch.models import ControlCycle, Setpoint
from vpp.enrollment.models import Device
from vpp.enrollment.onboarding import record_consent
from vpp.enrollment.queries import device_table
from vpp.enrollment.suspension import ConsentWithdrawn, resume_device
from vpp.lib import clock

pytestmark = pytest.mark.django_db
SCOPES = ("read", "devices:write")


def owner_headers(device: Device, played: PlayedDay) -> dict[str, str]:
    owner = device.site.owner
    _, token = create_client(participant=owner, name="app", scopes=SCOPES, at=played.start(0))
    return {"Authorization": f"Bearer {token}"}


def test_an_owner_opts_out_of_a_running_event_and_the_others_take_over_at_once(client: Client) -> None:
    played = PlayedDay(4, up_kw=12.0)
    leaver = played.devices[0]
    played.cycle(40)
    played.fetch_and_accept(40, make_client()[0])
    clock.set_simulated(played.start(40) + timedelta(minutes=4))
    headers = owner_headers(leaver, played)
    path = f"/api/v1/devices/{leaver.code}/opt-out"
    answer = client.post(path, {"reason": "guests"}, content_type="application/json", headers=headers)
    assert answer.status_code == 200, answer.content
    cycle = ControlCycle.objects.get(pk__in=answer.json()["cycles"])
    assert (cycle.revision, cycle.placed_up_kw) == (1, pytest.approx(12.0))
    assert set(played.targets(40)) == set(played.devices[1:])
    assert Setpoint.objects.get(device=leaver, sequence=1).released
    assert AuditEvent.objects.get(action="device.opted_out").reason == "guests"
    again = client.post(path, {}, content_type="application/json", headers=headers)
    assert again.json()["cycles"] == [] and ControlCycle.objects.count() == 2
    day = client.get(f"/api/v1/devices/{leaver.code}/dispatches", headers=headers).json()
    assert [(row["sequence"], row["released"]) for row in day["setpoints"]] == [(0, False), (1, True)]
    back = client.post(
        f"/api/v1/devices/{leaver.code}/opt-in", {}, content_type="application/json", headers=headers
    ).json()
    assert len(back["cycles"]) == 1 and back["opted_out"] is False
    assert leaver in played.targets(40)


def test_nobody_touches_or_sees_a_foreign_device(client: Client) -> None:
    played = PlayedDay(2, up_kw=4.0)
    clock.set_simulated(played.start(40))
    foreign = played.devices[1].code
    headers = owner_headers(played.devices[0], played)
    for path in (f"/api/v1/devices/{foreign}/opt-out", f"/api/v1/devices/{foreign}/opt-in"):
        assert client.post(path, {}, content_type="application/json", headers=headers).status_code == 404
    assert client.get(f"/api/v1/devices/{foreign}/dispatches", headers=headers).status_code == 404
    _, utility = make_client(kind=Participant.Kind.UTILITY, scopes=SCOPES)
    headers = {"Authorization": f"Bearer {utility}"}
    answer = client.post(f"/api/v1/devices/{foreign}/opt-out", {}, content_type="application/json", headers=headers)
    assert answer.status_code == 404


def test_an_owner_who_agrees_no_more_is_left_alone_at_once_and_until_there_is_a_new_consent(client: Client) -> None:
    played = PlayedDay(4, up_kw=12.0)
    leaver, at = played.devices[0], played.start(40) + timedelta(minutes=4)
    played.cycle(40)
    played.fetch_and_accept(40, make_client()[0])
    record_consent(leaver.site, given_by="A. Owner", document="v1", at=played.start(0), actor="test")
    clock.set_simulated(at)
    path = f"/api/v1/sites/{leaver.site.code}/withdraw-consent"
    stranger = owner_headers(played.devices[1], played)
    assert client.post(path, {}, content_type="application/json", headers=stranger).status_code == 404
    headers = owner_headers(leaver, played)
    answer = client.post(path, {"reason": "moving"}, content_type="application/json", headers=headers)
    assert answer.status_code == 200, answer.content
    cycle = ControlCycle.objects.get(pk__in=answer.json()["cycles"])
    assert (cycle.revision, cycle.placed_up_kw) == (1, pytest.approx(12.0))
    assert set(played.targets(40)) == set(played.devices[1:])
    assert AuditEvent.objects.get(action="consent.withdrawn").reason == "moving"
    again = client.post(path, {}, content_type="application/json", headers=headers)
    assert again.json()["cycles"] == [] and ControlCycle.objects.count() == 2
    assert not device_table(at=at, device_ids=[leaver.pk]).usable().any(), "and it is bid no more"
    with pytest.raises(ConsentWithdrawn, match="a new one comes first"):
        resume_device(leaver, at=at, actor="test")
    record_consent(leaver.site, given_by="A. Owner", document="v2", at=at, actor="test")
    assert resume_device(leaver, at=at, actor="test")
