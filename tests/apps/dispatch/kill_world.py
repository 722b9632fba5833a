"""A plant of its own processes that can be killed: database, control loop, gateway and broker; the devices stay."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from tests.apps.telemetry.kill_world import World
from tests.processes import ROOT, wait_until
from tests.servers import MOSQUITTO, free_port, wait_for_port
from vpp.lib.embedded_postgres import EmbeddedPostgres

UP_KW = 12.0
DEVICES = 6
SET_UP = f"""
import django; django.setup()
from datetime import UTC, datetime
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tests.apps.settlement.makers import make_award
from tests.factories import make_device, make_portfolio, make_site
from vpp.dispatch.operations.links import NewLink, set_links
from vpp.lib.periods import delivery_day_of
site, now = make_site(code="home"), datetime.now(UTC)
devices = [make_device(site=site, code=f"d{{place}}") for place in range({DEVICES})]
set_links([NewLink(one.code, "MQTT", "bulk") for one in devices[::2]], at=now, actor="test")
portfolio = make_portfolio(devices=devices, code="killed")
day = delivery_day_of(now, portfolio.time_zone)
first = day.index_of(now)
make_award(portfolio, day=day.date, up=dict.fromkeys(range(first, min(first + 3, day.n_intervals)), {UP_KW}))
"""
# Owners take a device back and lend it again, so that every cycle asks something new of the others.
LOOP = """
import time
import django; django.setup()
from datetime import UTC, datetime
from django.db import InterfaceError, OperationalError, connection
from vpp.dispatch import operations
from vpp.enrollment.models import Device, OwnerTerms
turn = 0
while True:
    try:
        device, now = Device.objects.get(code=f"d{turn % 3}"), datetime.now(UTC)
        out = OwnerTerms.objects.filter(device=device, period__contains=now, opted_out=True).exists()
        operations.set_device_opt_out(device, opted_out=not out, at=now, actor="test")
        turn += 1
        time.sleep(0.15)
    except (OperationalError, InterfaceError):
        connection.close()
        time.sleep(0.1)
"""


class Devices:
    """All devices on one connection, by the rule: act only on what is newer than all acted on, answer every command."""

    def __init__(self, port: int) -> None:
        self.heard: list[tuple[str, int, tuple[str, int], str, float]] = []  # device, id, key, expires, when
        self.acted: dict[str, list[tuple[int, tuple[str, int]]]] = {}
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="devices", protocol=mqtt.MQTTv5)
        self._client.on_message = self._on_message
        topics = [("vpp/v1/+/+/command", 1), ("vpp/v1/+/commands", 1)]
        self._client.on_connect = lambda client, *_: client.subscribe(topics)
        self._client.reconnect_delay_set(min_delay=1, max_delay=1)
        self._client.connect("127.0.0.1", port, clean_start=False)
        self._client.loop_start()

    def _on_message(self, client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:
        told = json.loads(message.payload)
        if message.topic.endswith("/commands"):
            columns = [told[name] for name in ("device", "id", "interval_start", "sequence", "expires")]
            for row in zip(*columns, strict=True):
                self._hear(*row)
            client.publish("vpp/v1/bulk/acks", json.dumps({"accepted": told["id"]}), qos=1)
            return
        device = message.topic.split("/")[3]
        self._hear(device, told["id"], told["interval_start"], told["sequence"], told["expires"])
        client.publish(message.topic.replace("/command", "/ack"), json.dumps({"id": told["id"]}), qos=1)

    def _hear(self, device: str, number: int, start: str, sequence: int, expires: str) -> None:
        key, acted = (start, sequence), self.acted.setdefault(device, [])
        self.heard.append((device, number, key, expires, time.time()))
        if not acted or key > acted[-1][1]:
            acted.append((number, key))

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Plant(World):
    """`kill` takes database, loop, gateway or broker."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.server = EmbeddedPostgres(folder)
        self.url = self.server.ensure_running()
        self.environment = os.environ | {
            "DATABASE_URL": self.url, "DJANGO_SETTINGS_MODULE": "vpp.settings", "VPP_DATA_DIR": str(folder)
        }  # fmt: skip
        subprocess.run([sys.executable, "-c", SET_UP], cwd=ROOT, env=self.environment, capture_output=True, check=True)
        (folder / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 0\nmax_queued_messages 0\n"
            f"persistence true\npersistence_location {folder}/\nlog_dest none\nuser root\n"
        )
        gateway = ("manage.py", "dispatch_gateway", "--url", f"mqtt://127.0.0.1:{self.port}", "--retry", "2")
        self.lines = {
            "broker": [str(MOSQUITTO), "-c", str(folder / "mosquitto.conf")],
            "gateway": [sys.executable, *gateway],
            "loop": [sys.executable, "-c", LOOP],
        }
        self.processes = {}
        for name in self.lines:
            self.processes[name] = self._start(name)

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            self.lines[name], cwd=ROOT, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        if name == "broker":
            wait_for_port(self.port, process, timeout_s=20)
        return process

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.connect() as connection:
            return connection.execute(query).fetchall()

    def _ended(self) -> list[str]:
        return [name for name, process in self.processes.items() if process.poll() is not None]

    def works(self, name: str) -> bool:
        """The database and the broker are back when kill() returns; the others show it by what they do."""
        question = {
            "loop": "SELECT count(*) FROM dispatch_setpoint",
            "gateway": "SELECT count(*) FROM dispatch_setpoint WHERE answered_at IS NOT NULL",
        }.get(name)
        if question is None:
            return True
        before = self.rows(question)
        wait_until(lambda: self.rows(question) != before or bool(self._ended()), timeout_s=120)
        assert not self._ended(), "ended by itself"
        return True
