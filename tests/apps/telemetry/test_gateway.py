"""Readings over MQTT: the messages, and the gateway as a process of its own against a real broker."""

from __future__ import annotations

import json
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from telemetry import queries
from telemetry.gateway import work
from telemetry.models import Reading
from telemetry.protocols import mqtt_messages, msgpack_columns
from tests import servers
from tests.apps.telemetry.conftest import rows
from tests.factories import make_device, make_site
from tests.processes import running, wait_until

T0 = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)


def state(power_kw: float, at: datetime = T0, **extra: object) -> bytes:
    return json.dumps({"time": at.isoformat(), "power_kw": power_kw} | extra).encode()


def read(topic: str, payload: bytes) -> mqtt_messages.Messages:
    return mqtt_messages.read([(topic.encode(), payload)])


def test_a_state_is_a_reading_of_the_device_in_the_topic():
    found = read("vpp/v1/home/bat/state", state(1.5, soc_kwh=4))
    assert (found.sites, list(found.batch.codes)) == (["home"], ["bat"])
    assert (found.batch.power_kw.tolist(), found.batch.soc_kwh.tolist()) == ([1.5], [4.0])
    several = b"[" + b",".join([state(1), state(2, T0 + timedelta(minutes=1))]) + b"]"
    assert read("vpp/v1/home/bat/state", several).batch.power_kw.tolist() == [1.0, 2.0]
    assert read("vpp/v1/home/bat/state", b"[]").batch.size == 0


def test_a_site_sends_any_form_that_the_api_takes():
    readings = rows(("bat", T0, 1.5), ("pv", T0, -2.0))
    packed = read("vpp/v1/home/readings", msgpack_columns.encode(readings))
    text = json.dumps({"columns": {"device": ["bat", "pv"], "time": T0.isoformat(), "power_kw": [1.5, -2]}})
    assert packed.batch.power_kw.tolist() == read("vpp/v1/home/readings", text.encode()).batch.power_kw.tolist()


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("vpp/v1/home/bat/state", b"{"),
        ("vpp/v1/home/bat/state", b"\xff\xfe"),
        ("vpp/v1/home/bat/state", b'{"time": "now", "power_kw": 1}'),
        ("vpp/v1/home/bat/state", b"[" * 100_000),
        ("vpp/v1/home/readings", b"\xc1"),
        ("vpp/v1/home/readings", b""),
        ("vpp/v1/" + "x" * 200 + "/bat/state", b"{}"),
        ("else/v1/home/readings", b"{}"),
    ],
)
def test_a_message_that_cannot_be_read_is_refused(topic, payload):
    found = read(topic, payload)
    assert found.batch.size == 0
    assert [(where, error.code) for where, error in found.refused] == [(topic, "malformed_body")]


@pytest.fixture
def home(db):
    site = make_site(code="home")
    for code in ("bat", "car"):
        make_device(code=code, site=site)
    make_device(code="theirs")
    return site


def test_a_site_speaks_for_its_own_devices_only(home):
    tally = work.Tally()
    sent = [
        ("vpp/v1/home/bat/state", state(1)),
        ("vpp/v1/home/theirs/state", state(1)),
        ("vpp/v1/nowhere/bat/state", state(1)),
        ("vpp/v1/home/nothing/state", state(1)),
        ("vpp/v1/home/car/state", b"broken"),
    ]
    arrived = [(topic.encode(), payload) for topic, payload in sent]
    work.store(arrived, at=T0 + timedelta(hours=1), tally=tally)
    assert Reading.objects.get().device.code == "bat"
    assert tally.refused == Counter(unknown_device=3, malformed_body=1)
    work.store(arrived[:1], at=T0 + timedelta(hours=1), tally=tally)
    assert (tally.accepted, tally.duplicates) == (1, 1)


def test_a_correction_right_behind_its_reading_is_a_correction(home):
    """Both are in one batch of the gateway, and a third message repeats the first."""
    tally = work.Tally()
    corrected = state(2, correction=True)
    sent = [(b"vpp/v1/home/bat/state", payload) for payload in (state(1), corrected, state(1), state(3))]
    work.store(sent, at=T0 + timedelta(hours=1), tally=tally)
    assert (tally.accepted, tally.duplicates, tally.refused) == (2, 1, Counter(conflict=1))
    assert queries.latest([Reading.objects.get().device_id]).power_kw.tolist() == [2.0]


def test_many_contradictions_of_one_instant_take_few_turns(home):
    tally = work.Tally()
    sent = [(b"vpp/v1/home/bat/state", b"[" + b",".join(state(place / 10) for place in range(50)) + b"]")]
    work.store(sent, at=T0 + timedelta(hours=1), tally=tally)
    assert (tally.accepted, tally.refused) == (1, Counter(conflict=7, repeated_in_batch=42))


class Publisher:
    """Sends with QoS 1 and knows what the broker has taken over."""

    def __init__(self, port: int) -> None:
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self.client.max_inflight_messages_set(1000)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def send(self, topic: str, payload: bytes) -> None:
        self.client.publish(topic, payload, qos=1).wait_for_publish(30)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def broker(tmp_path):
    with servers.mosquitto(tmp_path) as port:
        yield port


@pytest.mark.broker
@pytest.mark.django_db(transaction=True)
def test_gateways_share_the_load_and_lose_nothing_when_one_is_killed(broker):
    site = make_site(code="home")
    codes = [make_device(site=site).code for _ in range(40)]
    url, publisher = f"mqtt://127.0.0.1:{broker}", Publisher(broker)

    def publish(minutes: range) -> None:
        for minute in minutes:
            at = T0 + timedelta(minutes=minute)
            for code in codes:
                publisher.send(f"vpp/v1/home/{code}/state", state(minute / 7, at))

    with running("gateway", "--url", url, "--client-id", "one"):
        with running("gateway", "--url", url, "--client-id", "two") as second:
            publisher.send(
                "vpp/v1/home/readings", msgpack_columns.encode(rows((codes[0], T0 - timedelta(hours=1), 3.0)))
            )
            # Before both have subscribed the broker has nobody to keep messages for.
            wait_until(lambda: _known(publisher, codes[0]), timeout_s=150)
            load = threading.Thread(target=publish, args=(range(20),))
            load.start()
            wait_until(lambda: Reading.objects.filter(ts__gte=T0).count() > 100, timeout_s=150)
            second.kill()
            load.join()
        with running("gateway", "--url", url, "--client-id", "two"):  # what it held unacknowledged comes again
            wait_until(lambda: Reading.objects.filter(ts__gte=T0).count() >= 20 * len(codes), timeout_s=150)
    publisher.close()
    stored = list(Reading.objects.filter(ts__gte=T0).values_list("ts", "device__code", "power_kw"))
    expected = {(T0 + timedelta(minutes=minute), code, minute / 7) for minute in range(20) for code in codes}
    assert (len(stored), set(stored)) == (len(expected), expected)


@pytest.mark.broker
@pytest.mark.django_db(transaction=True)
def test_the_gateway_outlives_its_broker(tmp_path):
    """The broker is killed and comes back with its store; what it had taken over arrives, once."""
    make_device(site=make_site(code="home"), code="bat")
    port = servers.free_port()
    with running("gateway", "--url", f"mqtt://127.0.0.1:{port}", "--client-id", "patient"):
        for life in range(3):
            with servers.mosquitto(tmp_path, port=port):
                publisher = Publisher(port)
                at = T0 - timedelta(hours=life + 1)
                wait_until(lambda at=at, by=publisher: _sent_and_stored(by, at), timeout_s=150)  # type: ignore[misc]
                for minute in range(5):
                    publisher.send("vpp/v1/home/bat/state", state(life, T0 + timedelta(minutes=5 * life + minute)))
                publisher.close()
        wait_until(lambda: Reading.objects.filter(ts__gte=T0).count() == 15)
    assert list(Reading.objects.filter(ts__gte=T0).order_by("ts").values_list("power_kw", flat=True)) == [
        float(life) for life in range(3) for _ in range(5)
    ]


def _sent_and_stored(publisher: Publisher, at: datetime) -> bool:
    """Whether the gateway is connected: a broker without subscribers forgets what it is sent."""
    publisher.send("vpp/v1/home/bat/state", state(1.0, at))
    return Reading.objects.filter(ts=at).exists()


def _known(publisher: Publisher, code: str) -> bool:
    """Whether two messages in a row came through: the gateways are there."""
    before = Reading.objects.count()
    for second in range(6):
        at = T0 - timedelta(hours=1, seconds=before * 6 + second + 1)
        publisher.send(f"vpp/v1/home/{code}/state", state(1.0, at))
    return Reading.objects.count() >= 12


def test_packed_readings_survive_their_journey():
    """The encoder that gateways use and the reader agree to the last bit."""
    values = np.random.default_rng(3).normal(size=50)
    batch = rows(*((f"d{place}", T0, value) for place, value in enumerate(values)))
    found = read("vpp/v1/home/readings", msgpack_columns.encode(batch)).batch
    assert found.power_kw.tobytes() == values.tobytes()
    assert msgspec.msgpack.decode(msgpack_columns.encode(batch))["codes"][0] == "d0"
