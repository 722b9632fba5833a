"""The simulated fleet in real time, at the service's door over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command

from telemetry import queries as readings
from tests.apps.dispatch.makers import make_setpoint
from tests.factories import make_client
from vpp.dispatch.models import Setpoint
from vpp.enrollment.models import Device, Portfolio
from vpp.simulation.client import Client
from vpp.simulation.kernels.faults import NO_FAULTS
from vpp.simulation.kernels.link_faults import AnswerQueue, LinkFaults
from vpp.simulation.live.devices import LiveFleet
from vpp.simulation.live.links import OverHttp
from vpp.simulation.live.made_up import write_fleet
from vpp.simulation.live.runner import LiveRunner
from vpp.simulation.live.worlds import LiveWorld


@pytest.mark.django_db(transaction=True)
def test_a_made_up_fleet_is_enrolled_hears_its_setpoints_acts_and_reports(live_server: Any, tmp_path: Path) -> None:
    write_fleet(tmp_path, 24, seed=2)
    call_command("import_sites", str(tmp_path), verbosity=0)
    battery = Device.objects.filter(kind="BATTERY").order_by("code")[0]
    now = datetime.now(UTC)
    start = now - timedelta(seconds=now.timestamp() % 900)
    asked = make_setpoint(
        battery, Portfolio.objects.get(), interval_start=start, target_kw=-2.5, issued_at=now,
        expires_at=now + timedelta(hours=1),
    )  # fmt: skip
    _, token = make_client(scopes=("dispatch:read", "telemetry:write"))
    make = LiveWorld(tmp_path).maker(seed=2, rates=NO_FAULTS, step_s=60)
    fleet = LiveFleet(make, "Europe/Berlin", 60)
    with Client(live_server.url, token) as client:
        link = OverHttp(Client(live_server.url, token), wait_s=0)
        runner = LiveRunner(client, link, fleet, AnswerQueue(LinkFaults(), 2))
        runner.start(now)
        assert runner.size == 24
        assert runner.turn(now) == ""
        assert Setpoint.objects.get(pk=asked.pk).state == "ACKNOWLEDGED"
        line = runner.turn(now + timedelta(seconds=121))
        link.close()
    assert "24 devices, 1 under a setpoint" in line
    seen = readings.latest(np.array([battery.pk]))
    assert seen.power_kw.tolist() == [-2.5] and seen.soc_kwh[0] < 5.0
