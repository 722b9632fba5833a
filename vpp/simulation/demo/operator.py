"""The demo's second ask: a grid operator in a process of its own sends it over UFTP and orders the offer it gets."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from django.conf import settings

from vpp.lib.kept_secret import kept_secret
from vpp.lib.periods import DeliveryDay
from vpp.simulation.client import Client
from vpp.simulation.demo.service import UTILITY, DemoFailed, run_command
from vpp.simulation.uftp_dso import keypair

ROOT = Path(__file__).resolve().parents[3]
DOMAIN = "dso-demo.example"
FIRST_ISP, ISPS = 25, 4  # six to seven in the morning
SHARE_PU = 0.3  # of what the feeder's batteries can do
WAIT_S = 60.0  # a busy machine may need it; a quiet one seconds


@dataclass
class Operator:
    """The other process; `events` is what it told so far."""

    process: subprocess.Popen[str]
    events: list[dict[str, Any]] = field(default_factory=list)

    def listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                self.events.append(json.loads(line))

    def has(self, kind: str) -> bool:
        return any(event.get("kind") == kind or event["event"] == kind for event in list(self.events))

    def wait(self, kind: str) -> bool:
        deadline = time.monotonic() + WAIT_S
        while not self.has(kind) and self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.has(kind)

    def send(self, xml: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(" ".join(xml.splitlines()) + "\n")
        self.process.stdin.flush()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=20)


def message_id(day: DeliveryDay) -> str:
    """The same in every repeat, so that a repeated demo asks once."""
    return str(uuid5(NAMESPACE_URL, f"demo-uftp-{day.date}"))


def start_operator(service_url: str) -> Operator:
    """Start the process and exchange keys with it through the address book's command; its key stays with the data."""
    private, public = keypair(kept_secret(Path(settings.DATA_DIR) / "demo_operator_key", 32))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}/shapeshifter/api/v3/message"
    words = ["--participant", UTILITY, "--name", "Simulated utility", "--endpoint", endpoint, "--public-key", public]
    told = run_command("counterparty", "add", DOMAIN, *words)
    command = [
        sys.executable, "-m", "vpp.simulation.uftp_dso", "--order", "--domain", DOMAIN, "--key", private,
        "--port", str(port), "--agr-domain", settings.UFTP_DOMAIN, "--agr-key", told.strip().rpartition("cs1.")[2],
        "--agr-endpoint", f"{service_url}/shapeshifter/api/v3/message",
    ]  # fmt: skip
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    operator = Operator(process)
    threading.Thread(target=operator.listen, name="operator", daemon=True).start()
    if not operator.wait("ready"):
        raise DemoFailed("the grid operator's process did not start")
    return operator


def flex_request(day: DeliveryDay, congestion_point: str, power_kw: float, at: datetime, expiry: datetime) -> str:
    """Less consumption for an hour of the morning, as XML."""
    from shapeshifter_uftp import transport
    from shapeshifter_uftp.uftp import FlexRequest, FlexRequestISP
    from xsdata.models.datatype import XmlDate, XmlDuration

    isps = [
        FlexRequestISP(disposition="Requested", min_power=-round(power_kw * 1000), max_power=0, start=number)
        for number in range(FIRST_ISP, FIRST_ISP + ISPS)
    ]
    message = FlexRequest(
        message_id=message_id(day),
        conversation_id=message_id(day),
        time_stamp=at.isoformat(),
        isp_duration=XmlDuration("PT15M"),
        time_zone=day.zone,
        period=XmlDate.from_date(day.date),
        congestion_point=congestion_point,
        revision=1,
        expiration_date_time=expiry.isoformat(),
        service_type="CONGESTION",
        isps=isps,
    )
    return str(transport.to_xml(message))


def ordered(client: Client, operator: Operator, day: DeliveryDay) -> str:
    """Wait for the commit of the ask sent over UFTP; how it came about. Orders over REST if the process has gone."""
    reference = message_id(day)
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if client.get_all("/api/v1/commits", {"ask": reference}):
            if not operator.has("FlexOffer"):
                return "offered and ordered over UFTP in an earlier demo"
            operator.wait("DPrognosis")
            return "offered and ordered over UFTP by the operator's own process"
        asks = client.get_all("/api/v1/asks", {"reference": reference})
        if asks and asks[0]["state"] not in ("ASKED", "BID"):
            return f"asked over UFTP, ended {asks[0]['state']}"
        if not operator.has("FlexOffer") and time.monotonic() > deadline - WAIT_S / 2:
            break
        time.sleep(0.1)
    for bid in client.get_all("/api/v1/bids", {"ask": reference}):
        if bid["state"] in ("SUBMITTED", "ACKNOWLEDGED"):
            client.post(f"/api/v1/bids/{bid['id']}/accept", {})
    return "asked over UFTP by an earlier process, ordered over REST"
