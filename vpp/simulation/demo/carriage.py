"""How the demo's setpoints reach its devices: over MQTT where Mosquitto is installed, over HTTP otherwise."""

from __future__ import annotations

import csv
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vpp.dispatch.gateway.session import Session
from vpp.dispatch.gateway.turn import Outbox, store_answers, turn
from vpp.lib import clock
from vpp.lib.periods import Datetime64Array
from vpp.simulation.client import Client
from vpp.simulation.demo.service import DemoFailed, run_command
from vpp.simulation.demo.world import World
from vpp.simulation.fleet_runner import Answered, FleetRunner
from vpp.simulation.kernels.fleet import Fleet
from vpp.simulation.live.devices import Heard
from vpp.simulation.live.links import OverMqtt

GATEWAY = "demo-gateway"
OVER_MQTT, OVER_HTTP = "MQTT (Mosquitto)", "HTTP poll"
PATIENCE_S = 20.0


@contextmanager
def runner_of(
    world: World, client: Client, fleet: Fleet, starts64: Datetime64Array
) -> Iterator[tuple[FleetRunner, str]]:
    """The fleet at the service's door, and which way its setpoints come."""
    binary = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    _link(world, mqtt=bool(binary))
    if not binary:
        yield FleetRunner(client, fleet, starts64), OVER_HTTP
        return
    with _broker(binary) as url:
        session, link = Session(url, client_id="vpp-dispatch"), OverMqtt(url, "demo-fleet")
        session.start()
        if not session.connected.wait(PATIENCE_S):
            raise DemoFailed(f"the broker at {url} does not answer")
        try:
            yield MqttFleetRunner(client, fleet, starts64, session, link), OVER_MQTT
        finally:
            link.close()
            session.stop()


class MqttFleetRunner(FleetRunner):
    """As its parent, with commands and answers over a broker. The gateway takes its turns here, on the demo's clock."""

    def __init__(
        self, client: Client, fleet: Fleet, starts64: Datetime64Array, session: Session, link: OverMqtt
    ) -> None:
        super().__init__(client, fleet, starts64)
        self._session, self._link, self._outbox = session, link, Outbox()

    def answer_setpoints(self) -> Answered:
        """Everything that waits is sent, heard by the devices that are there, and their answers are stored."""
        sent, heard, accepted, refused = turn(self._session, self._outbox, clock.now()), 0, 0, 0
        deadline = time.monotonic() + PATIENCE_S
        while heard < sent and time.monotonic() < deadline:
            for delivery in self._link.take(clock.now(), self._row):
                there = self.fleet.reachable(self.index)[delivery.heard.row]
                yes, no = self._take_over(delivery.heard, there)
                self._link.answer(delivery.reply, yes, no, self._given_for(delivery.heard, yes))
                heard, accepted, refused = heard + there.size, accepted + len(yes), refused + len(no)
        stored = 0
        while stored < accepted + refused and time.monotonic() < deadline:
            stored += store_answers(self._session, clock.now, linger_s=0.02)
        if heard < sent or stored < accepted + refused:
            raise DemoFailed(f"of {sent} commands {heard} were heard, of {accepted + refused} answers {stored} stored")
        return Answered(accepted, refused, sent - accepted - refused)

    def _take_over(self, heard: Heard, there: NDArray[np.bool_]) -> tuple[list[int], list[int]]:
        """Ids accepted and refused by the devices that are there; a refusing device is on its own."""
        rows, ids = heard.row[there], heard.id[there]
        wanted = np.where(heard.released, np.nan, heard.target_kw)[there]
        self._held_kw[rows] = wanted
        self._held_kvar[rows] = heard.target_kvar[there]
        self._held_until[rows] = heard.expires_s[there].astype("datetime64[s]")
        refuses = self.fleet.refusals(self._targets_kw())[rows] & ~np.isnan(wanted)
        self._held_kw[rows[refuses]] = np.nan
        return ids[~refuses].tolist(), ids[refuses].tolist()

    def _given_for(self, heard: Heard, accepted: list[int]) -> dict[int, float]:
        """Reactive power by command, of those that asked for some."""
        given = self.kvar()[heard.row]
        asked = ~np.isnan(heard.target_kvar) & np.isin(heard.id, accepted)
        return dict(zip(heard.id[asked].tolist(), given[asked].tolist(), strict=True))


def _link(world: World, *, mqtt: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="vpp-demo-") as folder:
        path = Path(folder) / "links.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("device", "protocol", "address"))
            way = ("MQTT", GATEWAY) if mqtt else ("HTTP", "")
            writer.writerows((row["code"], *way) for row in world.devices if row["kind"] != "METER")
        run_command("link_devices", str(path))


@contextmanager
def _broker(binary: str) -> Iterator[str]:
    """A Mosquitto of our own on a free port of this machine, for as long as the block runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory(prefix="vpp-demo-") as folder:
        settings = Path(folder) / "mosquitto.conf"
        settings.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 0\nmax_queued_messages 0\n"
            "log_dest none\n"
        )
        process = subprocess.Popen([binary, "-c", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + PATIENCE_S
            while time.monotonic() < deadline and process.poll() is None:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            else:
                raise DemoFailed("Mosquitto does not start")
            yield f"mqtt://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=20)
