"""A commit on reactive power reaches the devices, beside their real power, and what they give comes back."""

from __future__ import annotations

import json
import math
import queue
from datetime import timedelta

import pytest
from django.test import Client

from tests.apps.dispatch.day import PlayedDay
from tests.apps.dispatch.makers import order_kvar
from tests.factories import make_client
from vpp.dispatch import operations
from vpp.dispatch.gateway.messages import commands_topic
from vpp.dispatch.gateway.turn import Outbox, store_answers, turn
from vpp.dispatch.models import Setpoint, Shortfall
from vpp.dispatch.operations.links import NewLink, set_links
from vpp.lib import clock

pytestmark = pytest.mark.django_db

HOUR = range(40, 48)


def kvar_in_force(played: PlayedDay, index: int) -> list[float]:
    """Of those who did not refuse."""
    found = played.in_force(index)
    asked = zip(found.target_kvar.tolist(), found.state, strict=True)
    return [kvar for kvar, state in asked if not math.isnan(kvar) and state != "REFUSED"]


def test_devices_without_a_kilowatt_asked_get_reactive_power_alone_renewed_and_ended() -> None:
    played, written = PlayedDay(4, up_kw=0.0), []
    gateway, _ = make_client()
    order_kvar(played.portfolio, played.day, dict.fromkeys(HOUR, -6.0))
    for index in HOUR:
        cycle = played.cycle(index)
        written.append(cycle.written)
        assert kvar_in_force(played, index) == [-1.5] * 4
        assert played.targets(index) == {}, "real power stays their own"
        played.fetch_and_accept(index, gateway)
        played.idle(index)
    assert written == [4, 0, 0, 0, 4, 0, 0, 0]
    assert cycle.detail["reactive"] == [
        {
            "feeder": played.devices[0].__class__.objects.first().site.feeder_code,
            "ordered_kvar": -6.0,
            "placed_kvar": -6.0,
        }
    ]
    assert played.cycle(48).written == 0 and kvar_in_force(played, 48) == [], "it ran out with the order"


def test_real_power_goes_first_and_what_no_inverter_can_give_is_a_shortfall() -> None:
    played = PlayedDay(4, up_kw=40.0)
    order_kvar(played.portfolio, played.day, {40: 30.0})
    cycle = played.cycle(40)
    assert sum(played.targets(40).values()) == pytest.approx(-40.0)
    assert kvar_in_force(played, 40) == [4.843] * 4, "sqrt((10 / 0.9)^2 - 10^2)"
    missing = Shortfall.objects.get(cycle=cycle)
    assert missing.shortfall_kvar == pytest.approx(30.0 - 4 * 4.843) and missing.shortfall_kw == 0.0
    assert "of 30 kvar" in missing.reason
    played.cycle(41)
    assert kvar_in_force(played, 41) == [] and len(played.targets(41)) == 4, "the order was for one interval"


def test_over_http_it_is_a_column_the_answer_tells_what_is_given_and_who_refuses_is_not_asked_again(
    client: Client,
) -> None:
    played = PlayedDay(3, up_kw=0.0)
    clock.set_simulated(played.start(40))
    order_kvar(played.portfolio, played.day, dict.fromkeys(HOUR, 6.0))
    played.cycle(40)
    gateway, token = make_client(scopes=("dispatch:read",))
    headers, query = {"Authorization": f"Bearer {token}"}, {"interval": played.start(40).isoformat()}
    columns = client.get("/api/v1/dispatch/setpoints", query, headers=headers).json()["setpoints"]
    assert (columns["target_kvar"], columns["released"]) == ([2.0] * 3, [True] * 3)
    yes, small, no = columns["id"]
    body = {"accepted": [yes, small], "refused": [{"id": no}], "kvar": {str(yes): 2.0, str(small): 1.25, str(no): 9.0}}
    url = "/api/v1/dispatch/acknowledgements"
    assert client.post(url, body, content_type="application/json", headers=headers).json()["acknowledged"] == 2
    client.post(url, body | {"kvar": {str(yes): 5.0}}, content_type="application/json", headers=headers)
    assert list(Setpoint.objects.order_by("pk").values_list("applied_kvar", flat=True)) == [2.0, 1.25, None]
    bad = client.post(url, {"kvar": {"x": 1.0}}, content_type="application/json", headers=headers)
    assert bad.status_code == 400
    played.cycle(40, revision=1)
    assert kvar_in_force(played, 40) == [3.0, 3.0], "the others make up for it"
    second = played.cycle(41)
    assert kvar_in_force(played, 41) == [3.0, 3.0]
    assert second.detail["reactive_before"][0]["given_kvar"] == 0.0, "nobody answered the newer setpoints"
    missing = Shortfall.objects.get(cycle=second)
    assert (missing.limit, missing.interval_start) == ("DISOBEYED", played.start(40))
    found = operations.fetch_setpoints(gateway, played.start(41), played.start(41), everything=False).setpoints
    given = dict(zip(found.id.tolist(), (3.0, 2.95), strict=True))
    operations.answer_setpoints(gateway, list(given), {}, played.start(41), given)
    third = played.cycle(42)
    assert (third.detail["reactive_before"][0]["asked_kvar"], third.detail["reactive_before"][0]["given_kvar"]) == (
        6.0,
        5.95,
    )
    assert not Shortfall.objects.filter(cycle=third).exists(), "less than a twentieth is within what can be told apart"


def test_what_was_not_given_in_a_days_last_interval_is_told_in_the_first_of_the_next() -> None:
    played = PlayedDay(2, up_kw=0.0)
    order_kvar(played.portfolio, played.day, {95: 6.0})
    played.cycle(95)
    played.fetch_and_accept(95, make_client()[0])
    cycle = played.cycle(96)
    missing = Shortfall.objects.get(cycle=cycle)
    assert (missing.limit, missing.interval_start, missing.shortfall_kvar) == ("DISOBEYED", played.start(95), 6.0)
    assert not Shortfall.objects.filter(cycle=played.cycle(97)).exists()


class Broker:
    """A link that keeps what it is given."""

    def __init__(self) -> None:
        self.answers: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self.sent: dict[str, dict] = {}

    def send(self, topic: str, payload: bytes, *, seconds_left: float) -> bool:
        self.sent[topic] = json.loads(payload)
        return True


def test_over_mqtt_it_is_a_field_that_only_those_have_who_are_asked_for_it() -> None:
    played = PlayedDay(2, up_kw=8.0)
    alone, many = played.devices
    set_links([NewLink(many.code, "MQTT", "gw")], at=played.start(0), actor="test")
    plain, reactive = Broker(), Broker()
    played.cycle(40)
    assert turn(plain, Outbox(), played.start(40)) == 2
    assert all("target_kvar" not in message for message in plain.sent.values())
    order_kvar(played.portfolio, played.day, {40: 5.0})
    played.cycle(40, revision=1)
    assert turn(reactive, Outbox(), played.start(40)) == 2
    (topic,) = set(reactive.sent) - {commands_topic("gw")}
    mine, of_gateway = reactive.sent[topic], reactive.sent[commands_topic("gw")]
    assert (mine["target_kw"], mine["target_kvar"]) == (-4.0, 2.5)
    assert of_gateway["target_kvar"] == [2.5]
    ack = {"id": mine["id"], "kvar": 2.5}
    reactive.answers.put((topic.replace("/command", "/ack"), json.dumps(ack).encode()))
    acks = {"accepted": of_gateway["id"], "kvar": {str(of_gateway["id"][0]): 2.0, str(mine["id"]): 7.0}}
    reactive.answers.put(("vpp/v1/gw/acks", json.dumps(acks).encode()))
    assert store_answers(reactive, lambda: played.start(40), linger_s=0.01) == 2
    given = dict(Setpoint.objects.filter(sequence=1).values_list("device__code", "applied_kvar"))
    assert given == {alone.code: 2.5, many.code: 2.0}, "a gateway answers for its own devices"


def test_an_owner_who_opts_out_inside_the_interval_is_left_alone_at_once_and_the_others_give_it() -> None:
    played = PlayedDay(3, up_kw=0.0)
    gateway, _ = make_client()
    leaves = played.devices[0]
    order_kvar(played.portfolio, played.day, dict.fromkeys(HOUR, 6.0))
    played.cycle(40)
    played.fetch_and_accept(40, gateway)
    at = played.start(40) + timedelta(minutes=5)
    (again,) = operations.set_device_opt_out(leaves, opted_out=True, at=at, actor="test")
    assert again.revision == 1 and kvar_in_force(played, 40) == [3.0, 3.0]
    released = Setpoint.objects.get(device=leaves, sequence=1)
    assert released.released and released.target_kvar is None
