"""Meters that report a counter: over HTTP and MQTT, message by message, with roll-over, reset, repeats and late ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from telemetry import queries
from telemetry.gateway import work
from telemetry.kernels.quality import Quality
from telemetry.models import Reading
from tests.apps.telemetry.test_api import post
from tests.factories import make_device
from vpp.lib import clock

T0 = datetime(2016, 7, 13, 10, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


@pytest.fixture(autouse=True)
def _later():
    clock.set_simulated(T0 + timedelta(hours=5))


def showing(place: int, register_kwh: float, device: str = "load") -> dict:
    return {"device": device, "time": (T0 + place * QUARTER).isoformat(), "register_kwh": register_kwh}


def show(client, fleet, *showings: dict, **extra: object) -> dict:
    answer = post(client, fleet, json.dumps({"registers": showings} | extra))
    assert answer.status_code == 200, answer.content
    return answer.json()


def power_kw(fleet, device: int = 2) -> list[float]:
    values = queries.interval_power_kw(fleet.ids[device : device + 1], T0, T0 + 4 * QUARTER)[0].tolist()
    return [round(value, 6) for value in values if value == value]


def test_the_energy_between_two_messages_makes_a_reading(client, fleet):
    assert show(client, fleet, showing(0, 100.0)) == {"accepted": 1, "corrected": 0, "duplicates": 0, "refused": []}
    assert not Reading.objects.exists()
    assert show(client, fleet, showing(1, 101.0))["accepted"] == 1
    assert show(client, fleet, showing(2, 101.5), showing(3, 102.5))["accepted"] == 2
    assert power_kw(fleet) == [4.0, 2.0, 4.0]
    again = show(client, fleet, showing(1, 101.0), showing(2, 101.5))
    assert (again["accepted"], again["duplicates"]) == (0, 2)
    assert show(client, fleet, showing(1, 77.0))["refused"] == [{"row": 0, "reason": "conflict"}]
    assert power_kw(fleet) == [4.0, 2.0, 4.0]


def test_a_roll_over_is_flagged_and_a_reset_refused_and_counted_from(client, fleet):
    show(client, fleet, showing(0, 9999.0))
    show(client, fleet, showing(1, 1.0))
    (reading,) = Reading.objects.all()
    assert (reading.power_kw, reading.quality) == (8.0, int(Quality.ROLLED_OVER))
    answer = show(client, fleet, showing(2, 0.0))
    assert (answer["accepted"], answer["refused"]) == (0, [{"row": 0, "reason": "register_reset"}])
    assert show(client, fleet, showing(3, 1.0))["accepted"] == 1
    assert power_kw(fleet) == [8.0, 4.0]


def test_production_is_negative_and_each_showing_is_judged(client, fleet):
    make_device(code="theirs")
    show(client, fleet, showing(0, 5.0, "pv"), showing(1, 6.0, "pv"), sign="generation")
    assert power_kw(fleet, 1) == [-4.0]
    bad = [
        showing(0, 1.0, "theirs"),
        showing(0, float("inf")) | {"register_kwh": 1e999},
        showing(0, 1.0) | {"time": "now"},
        showing(99, 1.0),
        showing(0, 1.0),
        showing(1, 200.0),
    ]
    answer = post(client, fleet, json.dumps({"registers": bad}).replace("Infinity", '"much"')).json()
    assert [(row["row"], row["reason"]) for row in answer["refused"]] == [
        (0, "unknown_device"),
        (1, "malformed_row"),
        (2, "malformed_row"),
        (3, "ahead_of_clock"),
        (5, "above_rating"),
    ]
    assert answer["accepted"] == 1
    assert show(client, fleet, showing(-1, 0.5))["refused"] == [{"row": 0, "reason": "register_late"}]


def test_registers_come_over_mqtt_alike(fleet):
    site = fleet.devices[0].site.code
    tally = work.Tally()
    topic = f"vpp/v1/{site}/load/register".encode()
    sent = [
        (topic, json.dumps({"time": (T0 + place * QUARTER).isoformat(), "register_kwh": value}).encode())
        for place, value in enumerate((9998.0, 9999.0, 1.0, 1.0))
    ]
    work.store(sent[:1], at=T0 + timedelta(hours=2), tally=tally)
    work.store(sent[1:], at=T0 + timedelta(hours=2), tally=tally)  # several messages at once
    assert power_kw(fleet) == [4.0, 8.0, 0.0]
    listed = json.dumps({"registers": [showing(4, 2.0), showing(4, 2.0, "nobody")]}).encode()
    work.store([(f"vpp/v1/{site}/readings".encode(), listed)], at=T0 + timedelta(hours=2), tally=tally)
    assert (tally.accepted, dict(tally.refused)) == (5, {"unknown_device": 1})
