"""The control loop and the gateway's server are killed again and again; nothing is lost and nothing happens twice."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from tests.apps.dispatch.day import PlayedDay
from tests.factories import make_client
from vpp.dispatch.management.commands.play import step
from vpp.dispatch.models import ControlCycle, DeviceUse, Setpoint, Shortfall
from vpp.lib import clock

FIRST, END = 40, 48
KILLS_AN_INTERVAL = 3
LONGEST_LIFE_S = 0.12


class Killer:
    """Runs work in processes of its own and kills them at drawn moments."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)  # noqa: S311
        self.kills = 0

    def until_it_lives(self, work: Callable[[], object], kills: int) -> None:
        """Kill the work `kills` times (fewer if it is too quick), then let it come to its end."""
        for _ in range(kills):
            self._once(work, self.draw.uniform(0.0, LONGEST_LIFE_S))
        assert self._once(work, None) == 0

    def _once(self, work: Callable[[], object], life_s: float | None) -> int:
        connection.close()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                work()
                code = 0
            finally:
                os._exit(code)
        if life_s is not None:
            time.sleep(life_s)
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        self.kills += os.WIFSIGNALED(status)
        return status


class Gateway:
    """Fetches, lets the devices hear (a line in a file that outlives the process), and only then answers."""

    def __init__(self, log: Path, token: str) -> None:
        self.log, self.headers = log, {"Authorization": f"Bearer {token}"}

    def poll(self) -> None:
        client, now = Client(), clock.now()
        answer = client.get("/api/v1/dispatch/setpoints", {"interval": now.isoformat()}, headers=self.headers)
        found = answer.json()["setpoints"]
        with self.log.open("a") as file:
            for device, start, sequence, expires in zip(
                found["device"], found["interval_start"], found["sequence"], found["expires_at"], strict=True
            ):
                file.write(json.dumps([device, start, sequence, expires, now.isoformat()]) + "\n")
        body = {"accepted": found["id"]}
        client.post("/api/v1/dispatch/acknowledgements", body, content_type="application/json", headers=self.headers)

    def heard(self) -> list[list[Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.endswith("]")]


@pytest.mark.django_db(transaction=True)
def test_a_day_of_kills_is_the_day_without_them(tmp_path: Path) -> None:
    played = PlayedDay(4, up_kw=12.0, until=END - 1)
    killer = Killer(seed=7)
    gateway = Gateway(tmp_path / "heard", make_client(scopes=("dispatch:read",))[1])
    for index in range(FIRST, END):
        clock.set_simulated(played.start(index))
        start = played.start(index)
        killer.until_it_lives(partial(step, [played.portfolio], start), KILLS_AN_INTERVAL)
        killer.until_it_lives(gateway.poll, KILLS_AN_INTERVAL)
        targets = played.targets(index)
        assert sum(targets.values()) == pytest.approx(-12.0 if index < END - 1 else 0.0)
        played.report(index, dict.fromkeys(played.devices, 0.0) | targets, soc_kwh=9.0)
    assert killer.kills >= 20
    assert ControlCycle.objects.count() == END - FIRST, "each interval was decided once"
    assert ControlCycle.objects.filter(committed_up_kw=12.0, placed_up_kw=12.0).count() == END - FIRST - 1
    assert not Shortfall.objects.exists()
    assert set(Setpoint.objects.values_list("state", flat=True)) == {"FOLLOWED"}
    assert set(DeviceUse.objects.values_list("hours", "events")) == {((END - FIRST - 1) * 0.25, 1)}
    heard = gateway.heard()
    for device in {line[0] for line in heard}:
        keys = [(start, sequence) for name, start, sequence, *_ in heard if name == device]
        assert keys == sorted(keys), "no device hears an older setpoint after a newer one"
    assert all(expires > at for *_, expires, at in heard), "nothing is sent that has run out"
