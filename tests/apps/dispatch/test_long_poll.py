"""A gateway behind NAT waits for setpoints, a bounded time, and never all threads of the server with it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client

from tests.apps.dispatch.makers import make_setpoint
from tests.factories import make_client, make_device, make_portfolio
from vpp.dispatch import long_poll
from vpp.dispatch.models import Setpoint
from vpp.dispatch.operations.links import NewLink, set_links

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime.now(UTC)
START = NOW - timedelta(seconds=NOW.timestamp() % 900)


def poll(token: str, wait_s: float) -> tuple[list[int], float]:
    begin = time.monotonic()
    query = {"interval": START.isoformat(), "wait": str(wait_s)}
    answer = Client().get("/api/v1/dispatch/setpoints", query, headers={"Authorization": f"Bearer {token}"})
    return answer.json()["setpoints"]["id"], time.monotonic() - begin


def test_a_waiting_gateway_gets_a_setpoint_as_soon_as_it_is_there() -> None:
    device = make_device()
    portfolio, (_, token) = make_portfolio(devices=[device]), make_client(scopes=("dispatch:read",))
    found: list[tuple[list[int], float]] = []

    def wait() -> None:
        found.append(poll(token, 20.0))
        connection.close()

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(1.0)
    made = make_setpoint(device, portfolio, interval_start=START, expires_at=NOW + timedelta(hours=1))
    thread.join(20)
    ids, waited_s = found[0]
    assert ids == [made.pk] and waited_s < 15.0
    assert Setpoint.objects.get().state == "SENT"


def test_without_a_place_the_answer_comes_at_once_and_the_wait_is_bounded() -> None:
    make_portfolio(devices=[make_device()])
    _, token = make_client(scopes=("dispatch:read",))
    assert poll(token, 0.6)[1] >= 0.6
    for _ in range(long_poll.PLACES):
        long_poll._places.acquire()
    try:
        assert poll(token, 20.0)[1] < 10.0
    finally:
        for _ in range(long_poll.PLACES):
            long_poll._places.release()


def test_devices_of_another_kind_of_gateway_are_left_out() -> None:
    polled, bulk = make_device(), make_device()
    portfolio, (_, token) = make_portfolio(devices=[polled, bulk]), make_client(scopes=("dispatch:read",))
    set_links([NewLink(bulk.code, "MQTT", "gateway-1")], at=NOW, actor="test")
    mine = make_setpoint(polled, portfolio, interval_start=START, expires_at=NOW + timedelta(hours=1))
    make_setpoint(bulk, portfolio, interval_start=START, expires_at=NOW + timedelta(hours=1))
    assert poll(token, 0.0)[0] == [mine.pk]
