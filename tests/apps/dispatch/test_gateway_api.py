"""What gateways and staff see over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from telemetry.storage.copying import copy_out
from tests.apps.dispatch.day import PlayedDay
from tests.factories import make_client, make_device, make_participant, make_portfolio
from vpp.accounts.models import Participant
from vpp.accounts.operations import create_client
from vpp.dispatch import setpoint_columns
from vpp.dispatch.models import Setpoint
from vpp.enrollment.handover import hand_over
from vpp.lib import clock

pytestmark = pytest.mark.django_db

SETPOINTS, ANSWERS = "/api/v1/dispatch/setpoints", "/api/v1/dispatch/acknowledgements"


def headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_gateway_polls_answers_and_polls_again(client: Client) -> None:
    played = PlayedDay(3, up_kw=9.0)
    clock.set_simulated(played.start(40))
    _, token = make_client(scopes=("dispatch:read",))
    played.cycle(40)
    query = {"interval": played.start(40).isoformat()}
    columns = client.get(SETPOINTS, query, headers=headers(token)).json()["setpoints"]
    assert columns["target_kw"] == [-3.0] * 3
    assert sorted(columns["device"]) == sorted(one.code for one in played.devices)
    assert Setpoint.objects.filter(state="SENT").count() == 3
    body = {"accepted": columns["id"][1:], "refused": [{"id": columns["id"][0], "reason": "car left"}]}
    answer = client.post(ANSWERS, body, content_type="application/json", headers=headers(token))
    assert answer.json() == {"acknowledged": 2, "refused": 1, "ignored": 0}
    again = client.post(ANSWERS, body, content_type="application/json", headers=headers(token))
    assert again.json() == {"acknowledged": 0, "refused": 0, "ignored": 3}
    assert client.get(SETPOINTS, query, headers=headers(token)).json()["setpoints"]["id"] == []
    everything = client.get(SETPOINTS, query | {"in_force": "true"}, headers=headers(token)).json()["setpoints"]
    assert sorted(everything["state"]) == ["ACKNOWLEDGED", "ACKNOWLEDGED", "REFUSED"]


def test_who_takes_a_site_over_does_not_see_what_was_asked_of_it_before(client: Client) -> None:
    played = PlayedDay(2, up_kw=6.0)
    clock.set_simulated(played.start(41))
    played.cycle(40)
    site, buyer = played.devices[0].site, make_participant()
    hand_over(site, buyer, since=played.start(41), at=played.start(41), actor="test")
    _, token = create_client(participant=buyer, name="app", scopes=("dispatch:read",), at=played.start(0))
    query = {"interval": played.start(40).isoformat(), "in_force": "true"}
    assert client.get(SETPOINTS, query, headers=headers(token)).json()["setpoints"]["id"] == []
    _, token = make_client(scopes=("dispatch:read",))
    assert len(client.get(SETPOINTS, query, headers=headers(token)).json()["setpoints"]["id"]) == 2


def test_each_reason_of_many_refusals_is_kept_in_as_many_queries_as_one(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    played = PlayedDay(12, up_kw=36.0)
    clock.set_simulated(played.start(40))
    _, token = make_client(scopes=("dispatch:read",))
    played.cycle(40)
    query = {"interval": played.start(40).isoformat()}
    columns = client.get(SETPOINTS, query, headers=headers(token)).json()["setpoints"]
    body = {"accepted": [], "refused": [{"id": pk, "reason": f"why {pk}"} for pk in columns["id"]]}
    with django_assert_max_num_queries(12):
        answer = client.post(ANSWERS, body, content_type="application/json", headers=headers(token))
    assert answer.json() == {"acknowledged": 0, "refused": 12, "ignored": 0}
    assert {one.reason == f"why {one.pk}" for one in Setpoint.objects.filter(state="REFUSED")} == {True}


def test_a_poll_reads_the_setpoints_of_the_callers_own_devices_only(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = PlayedDay(3, up_kw=9.0)
    clock.set_simulated(played.start(40))
    played.cycle(40)
    mine = played.devices[0]
    _, token = create_client(participant=mine.site.owner, name="gateway", scopes=("dispatch:read",), at=played.start(0))
    read: list[int] = []

    def counting(*question: Any) -> dict[str, Any]:
        columns = copy_out(*question)
        read.append(columns["id"].size)
        return columns

    monkeypatch.setattr(setpoint_columns, "copy_out", counting)
    client.get(SETPOINTS, {"interval": played.start(40).isoformat()}, headers=headers(token))
    assert read == [1]


def test_an_owner_gets_and_answers_only_their_own_devices(client: Client) -> None:
    played = PlayedDay(3, up_kw=9.0)
    clock.set_simulated(played.start(40))
    played.cycle(40)
    mine = played.devices[0]
    _, token = create_client(participant=mine.site.owner, name="gateway", scopes=("dispatch:read",), at=played.start(0))
    query = {"interval": played.start(40).isoformat()}
    columns = client.get(SETPOINTS, query, headers=headers(token)).json()["setpoints"]
    assert columns["device"] == [mine.code]
    foreign = Setpoint.objects.exclude(device=mine).values_list("pk", flat=True)[0]
    body = {"accepted": [foreign]}
    answer = client.post(ANSWERS, body, content_type="application/json", headers=headers(token))
    assert answer.json() == {"acknowledged": 0, "refused": 0, "ignored": 1}
    assert client.get("/api/v1/dispatches", headers=headers(token)).json()["results"] == []


def test_without_the_scope_nobody_gets_setpoints(client: Client) -> None:
    _, token = make_client(kind=Participant.Kind.AGGREGATOR, scopes=("read",))
    answer = client.get(SETPOINTS, {"interval": "2016-07-14T10:00:00Z"}, headers=headers(token))
    assert answer.status_code == 403


def test_a_question_without_an_interval_is_refused(client: Client) -> None:
    _, token = make_client(scopes=("dispatch:read",))
    answer = client.get(SETPOINTS, headers=headers(token))
    assert answer.status_code == 400 and answer.json()["code"] == "invalid"


def test_staff_see_the_dispatches_of_a_day(client: Client) -> None:
    played = PlayedDay(3, up_kw=9.0)
    played.cycle(40)
    _, token = make_client(scopes=("read",))
    query = {"date": played.day.date.isoformat(), "portfolio": played.portfolio.code}
    rows = client.get("/api/v1/dispatches", query, headers=headers(token)).json()["results"]
    assert [row["placed_up_kw"] for row in rows] == [9.0]
    other = client.get("/api/v1/dispatches", query | {"date": "2016-07-20"}, headers=headers(token)).json()["results"]
    assert other == []


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_first_and_the_last_date_there_is_are_refused(client: Client, day: str) -> None:
    device = make_device()
    make_portfolio(devices=[device])
    _, token = make_client(scopes=("dispatch:read", "read"))
    for path, query in (
        (SETPOINTS, {"interval": f"{day}T12:00:00Z"}),
        ("/api/v1/dispatches", {"date": day}),
        (f"/api/v1/devices/{device.code}/dispatches", {"date": day}),
    ):
        answer = client.get(path, query, headers=headers(token))
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid"), path
