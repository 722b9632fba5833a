"""Web, gateway and database killed at random points under load: nothing acknowledged is missing, nothing doubled.

VPP_THOROUGH=1 or VPP_KILLS make it longer, VPP_KILL_SEED another.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from telemetry.kernels.day_arrays import unpack_readings
from telemetry.storage.copying import moment
from telemetry.storage.raw import DAY_COLUMNS
from tests import servers
from tests.apps.telemetry.kill_world import World
from tests.effort import how_many
from tests.processes import ROOT, wait_until

KILLS = how_many("VPP_KILLS", usual=6, thorough=21)
SEED = int(os.environ.get("VPP_KILL_SEED", "7"))
DEVICES = 40
# Each round is a minute later: far enough back that a slow machine or many kills do not reach the present.
T0 = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(days=40)
Key = tuple[str, datetime]


class Load:
    """Sends readings minute by minute and remembers what was acknowledged; each minute's value says who sent it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.stop = threading.Event()
        self.sent: dict[Key, float] = {}
        self.acknowledged: dict[Key, float] = {}
        self.answers = 0

    def over_http(self) -> None:
        """One message at a time, again and again until it is acknowledged, as a gateway on site does."""
        minute, ports = 0, list(self.world.ports.values())
        while not self.stop.is_set():
            at = T0 + timedelta(minutes=minute)
            batch = {(f"d{place}", at): float(minute) for place in range(DEVICES // 2)}
            self.sent |= batch
            rows = [{"device": code, "time": at.isoformat(), "power_kw": value} for (code, _), value in batch.items()]
            body = json.dumps({"readings": rows})
            while not self.stop.is_set():
                if self._post(random.choice(ports), body):  # noqa: S311
                    self.acknowledged |= batch
                    self.answers += 1
                    break
                time.sleep(0.02)
            minute += 1

    def _post(self, port: int, body: str) -> bool:
        headers = {"Authorization": f"Bearer {self.world.token}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("POST", "/api/v1/telemetry/readings", body, headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        if answer.status == 503:
            return False
        assert answer.status == 200, content
        assert json.loads(content)["refused"] == []
        return True

    def over_mqtt(self, port: int) -> None:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        client.connect("127.0.0.1", port)
        client.loop_start()
        wait_until(client.is_connected)
        minute = 0
        while not self.stop.is_set():
            at = T0 + timedelta(minutes=minute)
            for place in range(DEVICES // 2, DEVICES):
                self.sent[f"d{place}", at] = float(minute)
                payload = json.dumps({"time": at.isoformat(), "power_kw": float(minute)})
                info = client.publish(f"vpp/v1/home/d{place}/state", payload, qos=1)
                info.wait_for_publish(30)
                if info.is_published():
                    self.acknowledged[f"d{place}", at] = float(minute)
            minute += 1
            time.sleep(0.02)
        client.disconnect()
        client.loop_stop()


def stored(world: World) -> list[tuple[str, datetime, float]]:
    """All readings: rows, and those of packed days, into which a gateway that catches up puts most of a closed day."""
    with world.connect() as connection:
        rows = connection.execute(
            "SELECT d.code, r.ts, r.power_kw FROM telemetry_reading r JOIN enrollment_device d ON d.id = r.device_id"
        ).fetchall()
        packed = connection.execute(
            f"""SELECT d.code, r.day - date '1970-01-01', r.count, {", ".join(DAY_COLUMNS)}
            FROM telemetry_readingday r JOIN enrollment_device d ON d.id = r.device_id"""  # noqa: S608
        ).fetchall()
    for code, day, count, *columns in packed:
        found = unpack_readings(
            day=day, device_id=0, count=count, available_us=0, columns=dict(zip(DAY_COLUMNS, columns, strict=True))
        )
        rows += [
            (code, moment(at_us), value) for at_us, value in zip(found.time_us, found.power_kw.tolist(), strict=True)
        ]
    return rows


def kill_at_random(world: World, load: Load, rng: random.Random) -> None:
    """Two of three kills hit the database, which is soon back; a process is killed again once it works again."""
    others = ["gateway", "web-1", "gateway", "web-2"]
    victims = ["database"] * (KILLS - KILLS // 3) + [others[place % 4] for place in range(KILLS // 3)]
    rng.shuffle(victims)
    for victim in victims:
        time.sleep(rng.uniform(0.05, 0.5))
        if victim != "database":
            wait_until(lambda name=victim: _works(world, name), timeout_s=120)  # type: ignore[misc]
        world.kill(victim)


def _works(world: World, name: str) -> bool:
    if name == "gateway":
        return time.monotonic() - _started(world, name) > 2.0
    connection = http.client.HTTPConnection("127.0.0.1", world.ports[name], timeout=1)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


_seen: dict[int, float] = {}


def _started(world: World, name: str) -> float:
    return _seen.setdefault(world.processes[name].pid, time.monotonic())


@pytest.mark.slow(seconds=40)
@pytest.mark.broker
def test_what_was_acknowledged_is_stored_once_whoever_is_killed(tmp_path):
    folder = Path(tempfile.mkdtemp(prefix="vpp-kills-"))
    folder.chmod(0o711)
    with servers.mosquitto(tmp_path) as broker:
        world = World(folder, broker, DEVICES)
        try:
            _run(world, broker)
        finally:
            world.stop()
            shutil.rmtree(folder, ignore_errors=True)


def _run(world: World, broker: int) -> None:
    load = Load(world)
    subscribed = threading.Thread(target=load.over_mqtt, args=(broker,), daemon=True)
    wait_until(lambda: _works(world, "web-1") and _works(world, "web-2"), timeout_s=120)
    _wait_for_subscription(broker)
    threads = [threading.Thread(target=load.over_http, daemon=True), subscribed]
    for thread in threads:
        thread.start()
    wait_until(lambda: load.answers > 3, timeout_s=120)
    kill_at_random(world, load, random.Random(SEED))  # noqa: S311
    load.stop.set()
    for thread in threads:
        thread.join()
    _check(world, load)


def _wait_for_subscription(broker: int) -> None:
    """The broker keeps messages for a group from its first subscription on: it tells by its own count."""
    counts: list[int] = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.on_message = lambda *args: counts.append(int(args[2].payload))
    client.connect("127.0.0.1", broker)
    client.subscribe("$SYS/broker/shared_subscriptions/count")
    client.loop_start()
    wait_until(lambda: bool(counts) and counts[-1] >= 2, timeout_s=120)
    client.disconnect()
    client.loop_stop()


def _check(world: World, load: Load) -> None:
    wait_until(lambda: {(code, ts) for code, ts, _ in stored(world)} >= load.acknowledged.keys(), timeout_s=120)
    rows = stored(world)
    values = {(code, ts): power_kw for code, ts, power_kw in rows}
    assert len(rows) == len(values)
    assert {key: values.get(key) for key in load.acknowledged} == load.acknowledged
    assert values.items() <= load.sent.items()
    assert len(load.acknowledged) > 10 * DEVICES
    done = subprocess.run(
        [sys.executable, "-c", DERIVED], cwd=ROOT, env=world.environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.split()[-1:] == ["same"], done.stdout + done.stderr


# Latest values and rollup, once all is digested, are those of the stored readings.
DERIVED = """
import django; django.setup()
from datetime import UTC, datetime
from django.db import connection
from telemetry import operations
now = datetime.now(UTC)
operations.digest(at=now)
operations.refresh_rollup(before=now)
with connection.cursor() as cursor:
    cursor.execute('''SELECT count(*) FROM (
        SELECT device_id, max(ts) AS ts FROM telemetry_reading GROUP BY 1
    ) newest LEFT JOIN telemetry_latest l USING (device_id) WHERE l.ts IS NULL OR l.ts < newest.ts''')
    wrong = cursor.fetchone()[0]
    cursor.execute('''SELECT count(*) FROM (
        SELECT device_id, date_bin('15 minutes', ts, '2000-01-01T00:00Z'), count(*), max(power_kw)
        FROM telemetry_reading r WHERE NOT EXISTS (SELECT FROM telemetry_readingday p
            WHERE p.device_id = r.device_id AND p.day = (r.ts AT TIME ZONE 'UTC')::date)
        GROUP BY 1, 2
        EXCEPT SELECT device_id, bucket, count, max_kw FROM telemetry_rollup15) missing''')
    wrong += cursor.fetchone()[0]
print("same" if wrong == 0 else f"{wrong} differ")
"""
