"""Setpoints over MQTT, against a real Mosquitto and with the gateway as a process of its own."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from tests import servers
from tests.apps.dispatch.makers import make_setpoint
from tests.factories import make_device, make_portfolio
from tests.processes import running, wait_until
from vpp.dispatch.gateway.messages import Unreadable, command_topic, read_ack
from vpp.dispatch.gateway.turn import Outbox, turn
from vpp.dispatch.models import Setpoint

NOW = datetime.now(UTC)
START = NOW - timedelta(seconds=NOW.timestamp() % 900)


class Devices:
    """All devices on one connection: act on what is newer, answer every command."""

    def __init__(self, port: int) -> None:
        self.heard: list[dict[str, Any]] = []
        self.retained = 0
        self.answers: dict[str, dict[str, Any]] = {}  # by device code; default: accepted
        self._subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="devices", protocol=mqtt.MQTTv5)
        self._client.on_message = self._on_message
        self._client.on_connect = lambda client, *_: client.subscribe("vpp/v1/+/+/command", qos=1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._subscribed.wait(20)

    def _on_message(self, client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:
        command = json.loads(message.payload) | {"device": message.topic.split("/")[3]}
        self.retained += message.retain
        self.heard.append(command)
        answer = {"id": command["id"]} | self.answers.get(command["device"], {})
        client.publish(message.topic.replace("/command", "/ack"), json.dumps(answer), qos=1)

    def say(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, qos=1).wait_for_publish(10)

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def states() -> dict[str, str]:
    return dict(Setpoint.objects.values_list("device__code", "state"))


@pytest.mark.django_db(transaction=True)
def test_commands_go_out_once_and_answers_are_stored(tmp_path: Path) -> None:
    agrees, refuses, late, old = (make_device() for _ in range(4))
    portfolio = make_portfolio(devices=[agrees, refuses, late, old])
    for device in (agrees, refuses):
        make_setpoint(device, portfolio, interval_start=START, issued_at=NOW, expires_at=NOW + timedelta(hours=1))
    make_setpoint(late, portfolio, interval_start=START - timedelta(minutes=30), expires_at=NOW - timedelta(seconds=1))
    earlier = START - timedelta(minutes=15)
    make_setpoint(old, portfolio, interval_start=earlier, target_kw=-1.0, expires_at=NOW + timedelta(hours=1))
    newest = make_setpoint(old, portfolio, interval_start=START, target_kw=-2.0, expires_at=NOW + timedelta(hours=1))
    with servers.mosquitto(tmp_path) as port:
        devices = Devices(port)
        devices.answers[refuses.code] = {"accepted": False, "reason": "car left"}
        with running("dispatch_gateway", "--url", f"mqtt://127.0.0.1:{port}"):
            wait_until(lambda: Setpoint.objects.filter(state__in=("ACKNOWLEDGED", "REFUSED")).count() == 3)
            devices.say(f"vpp/v1/x/{agrees.code}/ack", b"{")
            devices.say(f"vpp/v1/x/{agrees.code}/ack", json.dumps({"id": newest.pk, "accepted": False}).encode())
        devices.stop()
    assert Setpoint.objects.get(device=refuses).reason == "car left"
    assert sorted(one["device"] for one in devices.heard) == sorted([agrees.code, refuses.code, old.code])
    assert [one["target_kw"] for one in devices.heard if one["device"] == old.code] == [-2.0], "the newest only"
    assert Setpoint.objects.get(pk=newest.pk).state == "ACKNOWLEDGED", "a foreign answer counts for nothing"
    assert Setpoint.objects.get(device=late).state == "PLANNED", "what has run out is not sent"
    assert devices.retained == 0


class Deaf:
    """A link to a broker that takes everything, and devices that never answer."""

    def __init__(self) -> None:
        import queue

        self.answers: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self.sent: list[str] = []

    def send(self, topic: str, payload: bytes, *, seconds_left: float) -> bool:
        assert seconds_left > 0
        self.sent.append(topic)
        return True


@pytest.mark.django_db
def test_an_unanswered_command_is_sent_again_after_a_while_and_by_a_gateway_that_starts_again() -> None:
    device = make_device()
    setpoint = make_setpoint(
        device, make_portfolio(devices=[device]), interval_start=START, expires_at=START + timedelta(minutes=15)
    )
    link, outbox = Deaf(), Outbox()
    assert turn(link, outbox, START) == 1
    setpoint.refresh_from_db()
    assert setpoint.state == "SENT"
    assert turn(link, outbox, START + timedelta(seconds=5)) == 0
    assert turn(link, outbox, START + timedelta(seconds=21)) == 1
    assert turn(link, Outbox(), START + timedelta(seconds=22)) == 1
    assert turn(link, Outbox(), START + timedelta(minutes=15)) == 0, "it has run out"
    assert link.sent == [command_topic(device.site.code, device.code)] * 3


def test_topics_hold_any_code() -> None:
    topic = command_topic("a/b", "x+#")
    assert topic == "vpp/v1/a%2Fb/x%2B%23/command"
    assert read_ack(topic.replace("command", "ack"), b'{"id": 7}')[0] == "x+#"
    for wrong in ("vpp/v1/a/b/state", "vpp/v1/ack"):
        with pytest.raises(Unreadable):
            read_ack(wrong, b'{"id": 7}')
