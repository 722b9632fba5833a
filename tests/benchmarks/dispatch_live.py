"""Parts of the dispatch bench that need a while: stations over OCPP, and the live loop."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

Report = Callable[[str, str, str], None]
STEP = timedelta(minutes=15)
ROOT = Path(__file__).resolve().parents[2]


def memory_mb(pid: int | None = None) -> float:
    """Resident memory of a process, now."""
    for line in Path(f"/proc/{pid or os.getpid()}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def stations(count: int, report: Report) -> None:
    """Charging stations of both versions, connected; a profile to each, and its answer stored."""
    from tests.servers import wait_for_port
    from vpp.dispatch import setpoint_rows
    from vpp.dispatch.models import ChargingStation, Link, Setpoint
    from vpp.dispatch.operations.links import hash_of
    from vpp.dispatch.setpoint_rows import NewSetpoints

    from .dispatch import enroll, seconds

    portfolio, ids = enroll("charging", count, kind="EV_CHARGER")
    codes = [f"CS-{number:05d}" for number in range(count)]
    ChargingStation.objects.bulk_create(ChargingStation(code=one, secret_hash=hash_of(one)) for one in codes)
    Link.objects.bulk_create(
        Link(device_id=device, protocol="OCPP", address=f"{code}/1")
        for device, code in zip(ids.tolist(), codes, strict=True)
    )
    folder = Path(tempfile.mkdtemp(prefix="vpp-bench-stations-"))
    versions = ("1.6", "2.0.1")
    told = [{"code": code, "secret": code, "version": versions[n % 2]} for n, code in enumerate(codes)]
    (folder / "stations.json").write_text(json.dumps(told))
    port = _free_port()
    gateway = subprocess.Popen(
        [sys.executable, "manage.py", "ocpp_gateway", "--bind", f"127.0.0.1:{port}"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    log = (folder / "stations.log").open("w")
    wait_for_port(port, gateway, timeout_s=120)
    command = [sys.executable, "-m", "vpp.simulation.live.charge_points", str(folder / "stations.json"), "--meter", "0"]
    points = subprocess.Popen([*command, "--url", f"ws://127.0.0.1:{port}/ocpp"], cwd=ROOT, stdout=log)
    try:

        def greeted() -> int:
            return (folder / "stations.log").read_text().count("greeted")

        connecting = seconds(lambda: _wait(lambda: greeted() == count, 240))
        report(f"{count:,} stations connect, boot and begin a session", f"{connecting:.1f} s", "")
        now = datetime.now(UTC)
        start = now - timedelta(seconds=now.timestamp() % 900)
        new = NewSetpoints(
            ids, np.full(ids.size, portfolio.pk), np.full(ids.size, 4.0), np.full(ids.size, 8.0),
            np.zeros(ids.size, dtype=bool), np.full(ids.size, round(now.timestamp()) + 1800),
        )  # fmt: skip
        cycle = make_cycle(portfolio, start, 0, now, ids.size)
        setpoint_rows.write(new, np.full(ids.size, cycle), start=start, sequence=0, at=now)
        answered = Setpoint.objects.filter(device_id__in=ids.tolist(), state="ACKNOWLEDGED")
        spent = seconds(lambda: _wait(lambda: answered.count() == count, 120))
        report(f"profile to all {count:,}, each verified by its composite schedule", f"{spent:.1f} s", "10 s at 1,000")
        report("memory of the gateway", f"{memory_mb(gateway.pid):.0f} MB", "1,024 MB at 1,000")
    finally:
        for process in (points, gateway):
            process.terminate()
            process.wait(30)


def live_loop(count: int, report: Report) -> None:
    """One hour of one-minute cycles for a fleet that reports every minute, back to back on a simulated clock: what a
    cycle takes is real, the waiting between them is left out."""
    from telemetry import operations as telemetry
    from telemetry.kernels.batch import batch_of
    from tests.apps.settlement.makers import make_award
    from vpp.dispatch import operations, setpoint_rows
    from vpp.dispatch.models import Setpoint
    from vpp.enrollment.models import Device
    from vpp.lib.memory import give_back_freed_memory
    from vpp.lib.periods import delivery_day_of

    from .dispatch import DAY, enroll

    give_back_freed_memory()  # as the loop's process does
    portfolio, ids = enroll("live", count)
    codes = list(Device.objects.filter(pk__in=ids.tolist()).order_by("pk").values_list("code", flat=True))
    day = delivery_day_of(datetime(DAY.year, DAY.month, DAY.day, 12, tzinfo=UTC), portfolio.time_zone)
    make_award(portfolio, day=DAY, up=dict.fromkeys(range(40, 46), 2.0 * count))
    rng, stored_kwh, power_kw = np.random.default_rng(5), np.full(count, 18.0), np.zeros(count)
    took_s, cycle_s, memory, delivered_kwh = [], [], [], 0.0
    begins = day.start + STEP * 40
    for minute in range(60):
        at = begins + timedelta(minutes=minute)
        batch = batch_of(
            codes=codes, device=np.arange(count), power_kw=power_kw, soc_kwh=stored_kwh,
            time_us=np.full(count, round((at - timedelta(minutes=1)).timestamp() * 1e6)),
        )  # fmt: skip
        begin = time.perf_counter()
        telemetry.ingest(batch, at=at, principal=None)
        read = time.perf_counter()
        operations.hold([portfolio.pk], at)
        took_s.append(time.perf_counter() - begin)
        cycle_s.append(time.perf_counter() - read)
        Setpoint.objects.filter(state="PLANNED").update(state="SENT", sent_at=at)
        Setpoint.objects.filter(state="SENT").update(state="ACKNOWLEDGED", answered_at=at)
        found = setpoint_rows.in_force([portfolio.pk], at)
        power_kw = np.zeros(count)
        kept = ~found.released
        power_kw[np.searchsorted(ids, found.device_id[kept])] = found.target_kw[kept]
        power_kw[rng.random(count) < 0.005] = 0.0  # a few stand still for a minute
        delivered_kwh -= power_kw.sum() / 60
        stored_kwh = np.maximum(stored_kwh + power_kw / 60, 0.0)
        memory.append(memory_mb())
    report(f"{count:,} devices at 1 minute, 60 cycles: p99 of a cycle", f"{np.quantile(cycle_s, 0.99):.1f} s", "60 s")
    report("the same with taking in the minute's readings", f"{np.quantile(took_s, 0.99):.1f} s", "60 s")
    report("cycles that took longer than their minute", f"{(np.array(took_s) > 60).sum()}", "0")
    told = ", ".join(f"{memory[n - 1]:.0f}" for n in (10, 15, 30, 45, 60))
    report("memory after 10, 15, 30, 45 and 60 cycles", f"{told} MB", "flat")
    report("delivered of the hour's commitment", f"{delivered_kwh / (2.0 * count):.1%}", "97 %")


def make_cycle(portfolio: Any, start: datetime, revision: int, at: datetime, written: int) -> int:
    from vpp.dispatch.models import ControlCycle

    cycle = ControlCycle.objects.create(
        portfolio=portfolio, interval_start=start, revision=revision, at=at, committed_up_kw=0.0, placed_up_kw=0.0,
        residual_up_kw=0.0, written=written, unavailable=0,
    )  # fmt: skip
    return int(cycle.pk)


def _wait(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(0.1)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
