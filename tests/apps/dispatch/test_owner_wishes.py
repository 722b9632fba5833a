"""Owners set when a car leaves and how warm it is to be; the plant keeps to it at once."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from django.test import Client

from tests.apps.dispatch.day import PlayedDay
from vpp.accounts.models import AuditEvent
from vpp.accounts.operations import create_client
from vpp.dispatch.models import ControlCycle
from vpp.enrollment.models import OwnerTerms
from vpp.lib import clock

pytestmark = pytest.mark.django_db


def test_a_wish_holds_from_now_on_and_the_running_interval_is_dispatched_again(client: Client) -> None:
    played = PlayedDay(2, up_kw=6.0)
    played.cycle(40)
    mine, foreign = played.devices
    at = played.start(40) + timedelta(minutes=4)
    clock.set_simulated(at)
    _, token = create_client(participant=mine.site.owner, name="app", scopes=("devices:write",), at=played.start(0))
    headers = {"Authorization": f"Bearer {token}"}
    path = f"/api/v1/devices/{mine.code}/wishes"
    body = {"departure_local_time": "07:15:00", "departure_energy_kwh": 12.0, "reserve_floor_pu": 0.5}
    answer = client.put(path, body, content_type="application/json", headers=headers)
    assert answer.status_code == 200, answer.content
    assert answer.json()["departure_local_time"] == "07:15:00"
    terms = OwnerTerms.objects.get(device=mine, period__contains=at)
    assert (terms.departure_local_time, terms.departure_energy_kwh, terms.reserve_floor_pu) == (time(7, 15), 12.0, 0.5)
    assert ControlCycle.objects.filter(revision=1).count() == 1
    assert mine not in played.targets(40), "half full is its floor now"
    assert client.put(path, body, content_type="application/json", headers=headers).status_code == 200
    assert AuditEvent.objects.filter(action="device.terms_changed").count() == 1, "a repeat changes nothing"
    assert client.get(path, headers=headers).json()["comfort_max_c"] is None
    other = client.put(f"/api/v1/devices/{foreign.code}/wishes", body, content_type="application/json", headers=headers)
    assert other.status_code == 404


def test_a_wish_that_contradicts_itself_changes_nothing(client: Client) -> None:
    played = PlayedDay(1, up_kw=3.0)
    mine = played.devices[0]
    clock.set_simulated(played.start(30))
    _, token = create_client(participant=mine.site.owner, name="app", scopes=("devices:write",), at=played.start(0))
    for body in ({"comfort_min_c": 22.0, "comfort_max_c": 20.0}, {"departure_energy_kwh": 500.0}):
        answer = client.put(
            f"/api/v1/devices/{mine.code}/wishes", body, content_type="application/json",
            headers={"Authorization": f"Bearer {token}"},
        )  # fmt: skip
        assert answer.json()["code"] == "bad_terms"
    assert not OwnerTerms.objects.exists()


def test_an_owner_sees_what_a_device_earned(client: Client) -> None:
    played = PlayedDay(1, up_kw=3.0)
    mine = played.devices[0]
    _, token = create_client(participant=mine.site.owner, name="app", scopes=("read",), at=played.start(0))
    query = {"start": played.day.date.isoformat(), "end": played.day.date.isoformat()}
    headers = {"Authorization": f"Bearer {token}"}
    answer = client.get(f"/api/v1/devices/{mine.code}/earnings", query, headers=headers)
    assert answer.json() == {"device": mine.code, "total_credit": "0.00", "rows": []}
