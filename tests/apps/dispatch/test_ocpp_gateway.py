"""Charging stations on the `ocpp` library in a process of their own, against the gateway in another."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from telemetry import queries as readings
from tests.apps.dispatch.makers import make_setpoint
from tests.factories import make_device, make_portfolio
from tests.processes import ROOT, running, wait_until
from tests.servers import free_port
from vpp.dispatch.models import ChargingStation, ChargingTransaction, Setpoint
from vpp.dispatch.operations.charging import devices_of_station
from vpp.dispatch.operations.links import add_station
from vpp.enrollment.models import Device

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime.now(UTC)
START = NOW - timedelta(seconds=NOW.timestamp() % 900)
BEHAVIOURS = ("obeys", "rejects", "mute", "ignores", "disobeys")


@contextmanager
def stations(folder: Path, told: list[dict[str, str]], port: int) -> Iterator[Path]:
    """The library's charge points, until the block ends; gives the file of what they print."""
    (folder / "stations.json").write_text(json.dumps(told))
    command = [
        sys.executable,
        "-m",
        "vpp.simulation.live.charge_points",
        str(folder / "stations.json"),
        "--meter",
        "0.5",
    ]
    with (folder / "stations.log").open("w") as log:
        process = subprocess.Popen([*command, "--url", f"ws://127.0.0.1:{port}/ocpp"], cwd=ROOT, stdout=log)
        try:
            yield folder / "stations.log"
        finally:
            process.terminate()
            process.wait(timeout=60)


def charger() -> Device:
    return make_device(kind="EV_CHARGER", max_consumption_kw=11.0, controllable=True)


def states() -> dict[str, Any]:
    return {
        code: (state, reason) for code, state, reason in Setpoint.objects.values_list("device__code", "state", "reason")
    }


def test_profiles_reach_stations_of_both_versions_and_each_kind_of_failure_is_told_apart(tmp_path: Path) -> None:
    chargers = {(version, how): charger() for version in ("1.6", "2.0.1") for how in BEHAVIOURS}
    portfolio = make_portfolio(devices=list(chargers.values()))
    told = []
    for (version, how), device in chargers.items():
        code = f"CS-{version}-{how}"
        secret = add_station(code, [device], at=NOW, actor="test")
        told.append({"code": code, "secret": secret, "version": version, "behaviour": how})
        make_setpoint(
            device, portfolio, interval_start=START, target_kw=4.0, baseline_kw=11.0, issued_at=NOW,
            expires_at=NOW + timedelta(hours=1),
        )  # fmt: skip
    told.append(told[0] | {"code": "CS-1.6-rejects", "secret": "wrong"})
    port = free_port()
    with running("ocpp_gateway", "--bind", f"127.0.0.1:{port}", "--timeout", "2"):
        wait_until(lambda: _listens(port))
        with stations(tmp_path, told, port) as log:
            wait_until(lambda: len([one for one in states().values() if one[0] in ("ACKNOWLEDGED", "REFUSED")]) == 8)
            ids = [chargers[("1.6", "obeys")].pk, chargers[("2.0.1", "disobeys")].pk]
            wait_until(lambda: readings.latest(ids).power_kw.tolist() == [4.0, 11.0])
            released = chargers[("2.0.1", "obeys")]
            make_setpoint(
                released, portfolio, interval_start=START, sequence=1, target_kw=11.0, released=True, issued_at=NOW,
                expires_at=NOW + timedelta(hours=1),
            )  # fmt: skip
            wait_until(lambda: readings.latest([released.pk]).power_kw.tolist() == [11.0])
        wait_until(lambda: not ChargingTransaction.objects.filter(ended_at=None).exists())
    found = states()
    for version in ("1.6", "2.0.1"):
        said = {how: found[chargers[(version, how)].code] for how in BEHAVIOURS}
        assert said["rejects"] == ("REFUSED", "Rejected" if version == "1.6" else "Rejected TooManyProfiles")
        assert said["mute"][0] == "SENT", "no answer is no refusal"
        assert said["ignores"] == ("REFUSED", "accepted, but its schedule stands at 11.0 kW")
        assert said["disobeys"][0] == "ACKNOWLEDGED", "what the meter shows is judged by the control loop"
    assert found[chargers[("1.6", "obeys")].code][0] == "ACKNOWLEDGED"
    one = ChargingStation.objects.get(code="CS-2.0.1-obeys")
    assert (one.vendor, one.protocol, one.status["1"]["status"]) == ("Two-Oh-One", "ocpp2.0.1", "Occupied")
    session = ChargingTransaction.objects.get(station__code="CS-1.6-obeys")
    assert (session.meter_start_kwh, session.meter_stop_kwh, session.stop_reason) == (1.0, 2.5, "EVDisconnected")
    assert "HTTP 401" in log.read_text(), "a wrong password does not open the door"


def _listens(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_password_is_kept_as_a_hash_and_a_new_one_ends_the_old() -> None:
    device = charger()
    first = add_station("CS-1", [device], at=NOW, actor="test")
    assert devices_of_station("CS-1", first) == {1: device.code}
    assert devices_of_station("CS-1", "other") is None and devices_of_station("CS-2", first) is None
    assert first not in ChargingStation.objects.get(code="CS-1").secret_hash
    second = add_station("CS-1", [device], at=NOW, actor="test")
    assert devices_of_station("CS-1", first) is None and devices_of_station("CS-1", second) == {1: device.code}
