"""A regulation signal over the devices of a portfolio, around what the control loop has set."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import pytest

from tests.apps.dispatch.day import PlayedDay
from vpp.dispatch import grid_room
from vpp.dispatch.gateway.regulating import Regulator
from vpp.dispatch.operations.links import NewLink, set_links
from vpp.enrollment.models import Site

pytestmark = pytest.mark.django_db


def test_a_signal_moves_devices_around_their_setpoints_and_says_what_nobody_can_give() -> None:
    played = PlayedDay(4, up_kw=8.0)
    links = [NewLink(device.code, "MQTT", f"gateway-{n % 2}") for n, device in enumerate(played.devices)]
    set_links(links, at=played.start(0), actor="test")
    played.cycle(40)
    regulator, at = Regulator(played.portfolio), played.start(40) + timedelta(seconds=30)
    sent: dict[str, dict] = {}

    def send(topic: str, payload: bytes) -> None:
        sent[topic] = json.loads(payload)

    def total_kw() -> float:
        return sum(sum(message["target_kw"]) for message in sent.values())

    assert regulator.signal(6.0, at, send) == 0.0
    assert sorted(sent) == ["vpp/v1/gateway-0/regulation", "vpp/v1/gateway-1/regulation"]
    assert total_kw() == pytest.approx(-14.0)
    assert regulator.signal(-5.0, at + timedelta(seconds=4), send) == 0.0
    assert total_kw() == pytest.approx(-3.0)
    assert regulator.signal(100.0, at + timedelta(seconds=8), send) > 0.0
    assert regulator.score.signals == 3


def test_a_signal_moves_no_node_beyond_what_it_bears(monkeypatch: pytest.MonkeyPatch) -> None:
    played = PlayedDay(4, up_kw=8.0)
    Site.objects.filter(pk__in=[device.site_id for device in played.devices[:2]]).update(node_code="N1")
    side_kw = np.full(played.day.n_intervals, 3.0)
    monkeypatch.setattr(grid_room, "node_room_kw", lambda *_: {"N1": (side_kw, side_kw)})
    links = [NewLink(device.code, "MQTT", "gateway") for device in played.devices]
    set_links(links, at=played.start(0), actor="test")
    played.cycle(40)
    sent: dict[str, float] = {}

    def send(topic: str, payload: bytes) -> None:
        message = json.loads(payload)
        sent.update(zip(message["device"], message["target_kw"], strict=True))

    regulator = Regulator(played.portfolio)
    missing_kw = regulator.signal(100.0, played.start(40) + timedelta(seconds=30), send)
    at_node = [device.code for device in played.devices[:2]]
    assert sum(sent[code] for code in at_node) == pytest.approx(-3.0)
    assert missing_kw == pytest.approx(100.0 + sum(sent.values()) + 8.0)  # beside the setpoints of 8 kW
