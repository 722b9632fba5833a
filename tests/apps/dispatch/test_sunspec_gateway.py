"""SunSpec devices on pymodbus in a process of their own, against the gateway in another."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from telemetry import queries as readings
from tests.apps.dispatch.makers import make_setpoint
from tests.factories import make_device, make_portfolio
from tests.processes import ROOT, running, wait_until
from tests.servers import free_port, wait_for_port
from vpp.dispatch.models import Setpoint
from vpp.dispatch.operations.links import NewLink, set_links
from vpp.dispatch.sunspec.address import Address
from vpp.dispatch.sunspec.inverter import Inverter, NoControl, NotReached

DEAD_MAN_S = 3


@contextmanager
def inverters() -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.apps.dispatch.inverter_server", str(port)], cwd=ROOT)
    try:
        wait_for_port(port, process, timeout_s=90)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=60)


@pytest.mark.django_db(transaction=True)
def test_setpoints_reach_all_kinds_of_devices_are_kept_alive_and_run_out_with_the_gateway() -> None:
    now = datetime.now(UTC)
    start = now - timedelta(seconds=now.timestamp() % 900)
    modern, legacy, deaf, gone = (make_device() for _ in range(4))
    pv = make_device(kind="PV", max_consumption_kw=0.0, controllable=True)
    portfolio = make_portfolio(devices=[modern, legacy, deaf, gone, pv])
    asked: dict[Any, float] = {modern: 2.5, pv: -0.6}
    units: dict[Any, int] = {modern: 1, pv: 2, legacy: 3, deaf: 4}
    with inverters() as port:
        links = [NewLink(device.code, "SUNSPEC", f"127.0.0.1:{port}/{unit}") for device, unit in units.items()]
        set_links([*links, NewLink(gone.code, "SUNSPEC", f"127.0.0.1:{free_port()}/1")], at=now, actor="test")
        for device, target_kw in ((modern, -3.0), (legacy, 2.0), (deaf, -3.0), (gone, -3.0), (pv, -1.5)):
            make_setpoint(
                device, portfolio, interval_start=start, target_kw=target_kw, issued_at=now, target_kvar=asked.get(device),
                expires_at=now + timedelta(hours=1),
            )  # fmt: skip
        ids, applied = np.array([modern.pk, pv.pk, legacy.pk]), Setpoint.objects.filter(applied_kvar__isnull=False)
        with running("sunspec_gateway", "--dead-man", str(DEAD_MAN_S), "--measure", "1", "--pause", "0.2"):
            wait_until(lambda: Setpoint.objects.filter(state__in=("ACKNOWLEDGED", "REFUSED")).count() == 4)
            wait_until(lambda: np.allclose(readings.latest(ids).power_kw, [-3.0, -1.5, 2.0]))
            time.sleep(2.0 * DEAD_MAN_S)
            assert np.allclose(readings.latest(ids).power_kw, [-3.0, -1.5, 2.0]), "refreshed in time"
            assert readings.latest(ids).soc_kwh[[0, 2]].tolist() == [6.0, 4.0]
            assert dict(applied.values_list("device_id", "applied_kvar")) == {modern.pk: 2.5, pv.pk: -0.6}
        time.sleep(DEAD_MAN_S + 0.5)
        battery = Inverter(Address("127.0.0.1", port, 1))
        measured = battery.measure()
        assert (measured.power_kw, measured.kvar) == (0.0, 0.0), "without a gateway the device is on its own again"
        battery.close()
    found = dict(Setpoint.objects.values_list("device__code", "state"))
    assert found[gone.code] == "SENT", "no answer is no refusal"
    refusal = Setpoint.objects.get(device=deaf)
    assert (refusal.state, refusal.reason) == ("REFUSED", "accepted, but it does not hold the setpoint")


def test_a_release_ends_a_setpoint_at_once_and_what_a_device_cannot_do_is_said() -> None:
    with inverters() as port:
        battery, pv = (Inverter(Address("127.0.0.1", port, unit)) for unit in (1, 2))
        battery.set_power(2.5, seconds=60)
        _settles(battery, 2.5)
        battery.release()
        _settles(battery, 0.0)
        with pytest.raises(NoControl):
            pv.set_power(1.0, seconds=60)
        battery.close()
        pv.close()
    with pytest.raises(NotReached):
        Inverter(Address("127.0.0.1", port, 1), timeout_s=0.5).measure()


def test_reactive_power_is_held_beside_real_power_within_the_apparent_power_and_released_alone() -> None:
    with inverters() as port:
        battery, legacy = (Inverter(Address("127.0.0.1", port, unit)) for unit in (1, 3))
        battery.set_reactive(-1.5, seconds=60)
        assert battery.holds_reactive(-1.5) and battery.measure().kvar == -1.5
        battery.set_power(-5.0, seconds=60)
        battery.set_reactive(4.0, seconds=60)
        measured = battery.measure()
        assert (measured.power_kw, measured.kvar) == (-5.0, 2.421), "5 kW leave that of 5.56 kVA"
        battery.release()
        assert battery.measure().kvar == 4.0
        battery.release_reactive()
        assert battery.measure().kvar == 0.0
        with pytest.raises(NoControl, match="no reactive power"):
            legacy.set_reactive(1.0, seconds=60)
        battery.close()
        legacy.close()


def _settles(inverter: Inverter, power_kw: float) -> None:
    wait_until(
        lambda: abs(inverter.measure().power_kw - power_kw) < 0.01, timeout_s=30
    )  # half of the minute it was set for


def test_addresses_are_host_port_and_unit() -> None:
    assert Address.parse("10.0.0.7:502/3") == Address("10.0.0.7", 502, 3)
    with pytest.raises(ValueError, match="HOST:PORT/UNIT"):
        Address.parse("10.0.0.7")
