"""A million devices at one reading a minute against a real web process: nothing lost, no memory that grows.

`make bench-telemetry ARGS=--soak`. A client sends packed columns, 10,000 readings a request, at an even pace; the web
process, a process that digests and rolls up beside it, and the database share the machine's cores with it.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from tests.processes import ROOT
from tests.servers import free_port, wait_for_port

DIGESTING = """
import django; django.setup()
import signal, threading
from datetime import UTC, datetime
from telemetry import operations
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
while not stop.wait(5):
    now = datetime.now(UTC)
    operations.digest(at=now)
    operations.refresh_rollup(before=now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0))
"""


@dataclass
class Soak:
    """What is to be done, and what was seen: seconds of each request, how late the last was sent, memory in MB."""

    devices: int
    seconds: float
    rate: float
    batch: int = 10_000
    spent: list[float] = field(default_factory=list)
    late_s: float = 0.0
    latest_s: float = 0.0  # the most that a request was sent behind its time
    sent: int = 0
    sent_kw: float = 0.0
    web_mb: list[float] = field(default_factory=list)
    digest_mb: list[float] = field(default_factory=list)

    @property
    def growth_pu(self) -> float:
        """Of the web process's memory, from when every device had been heard once."""
        return self.web_mb[-1] / self.web_mb[0] - 1

    @property
    def p99_ms(self) -> float:
        return float(np.quantile(self.spent, 0.99)) * 1e3


def memory_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def run(soak: Soak, codes: list[str], token: str, environment: dict[str, str]) -> None:
    """Warm up with one reading of every device, then keep the pace."""
    port = free_port()
    web = subprocess.Popen(
        [sys.executable, "manage.py", "web", "--bind", f"127.0.0.1:{port}"], cwd=ROOT, env=environment
    )
    digesting = subprocess.Popen([sys.executable, "-c", DIGESTING], cwd=ROOT, env=environment)
    try:
        wait_for_port(port, web, timeout_s=60)
        sender = Sender(port, token, codes, soak)
        sender.round(pace_s=0.0)
        soak.spent.clear()
        _keep_pace(soak, sender, web.pid, digesting.pid)
    finally:
        for process in (web, digesting):
            process.terminate()
            process.wait(120)


def _keep_pace(soak: Soak, sender: Sender, web: int, digesting: int) -> None:
    pace_s, begin = soak.batch / soak.rate, time.monotonic()
    sender.due = begin
    soak.web_mb.append(memory_mb(web))
    while time.monotonic() - begin < soak.seconds:
        sender.round(pace_s=pace_s, until=begin + soak.seconds)
        soak.web_mb.append(memory_mb(web))
        soak.digest_mb.append(memory_mb(digesting))
        print(  # noqa: T201
            f"{time.monotonic() - begin:5.0f} s  {soak.sent:,} sent  p99 {soak.p99_ms:.0f} ms  late {soak.late_s:.2f} s  "
            f"web {soak.web_mb[-1]:.0f} MB  digest {soak.digest_mb[-1]:.0f} MB  load {os.getloadavg()[0]:.1f}",
            flush=True,
        )


class Sender:
    """Every device in turn, as often as the rate allows; each round one instant."""

    def __init__(self, port: int, token: str, codes: list[str], soak: Soak) -> None:
        self.codes, self.soak = codes, soak
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/msgpack"}
        self.moment = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=2)
        self.rng = np.random.default_rng(5)
        self.due = 0.0

    def round(self, *, pace_s: float, until: float = float("inf")) -> None:
        self.moment += timedelta(seconds=max(1, round(self.soak.devices / self.soak.rate)))
        for first in range(0, len(self.codes), self.soak.batch):
            if time.monotonic() > until:
                return
            time.sleep(max(0.0, self.due - time.monotonic()))
            if pace_s:
                self.soak.late_s = max(0.0, time.monotonic() - self.due)
                self.soak.latest_s = max(self.soak.latest_s, self.soak.late_s)
            self.due += pace_s
            self._send(self.codes[first : first + self.soak.batch])

    def _send(self, codes: list[str]) -> None:
        power_kw = self.rng.uniform(0, 10, len(codes)).round(3)
        body = self._body(codes, power_kw)
        begin = time.perf_counter()
        self.connection.request("POST", "/api/v1/telemetry/readings", body, self.headers)
        answer = self.connection.getresponse()
        content = answer.read()
        self.soak.spent.append(time.perf_counter() - begin)
        if answer.status != 200 or json.loads(content)["accepted"] != len(codes):
            raise SystemExit(f"{answer.status}: {content[:300]!r}")
        self.soak.sent += len(codes)
        self.soak.sent_kw += float(power_kw.sum())

    def _body(self, codes: list[str], power_kw: np.ndarray) -> bytes:
        from telemetry.kernels.batch import batch_of
        from telemetry.protocols.msgpack_columns import encode

        time_us = np.full(len(codes), round(self.moment.timestamp() * 1e6))
        return encode(batch_of(codes=codes, device=np.arange(len(codes)), time_us=time_us, power_kw=power_kw))


def lost(soak: Soak) -> int:
    """Readings that were acknowledged and are not stored, or that the latest values, once all is digested, lack."""
    from django.db import connection

    from telemetry import operations

    operations.digest(at=datetime.now(UTC))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), sum(power_kw) FROM telemetry_reading")
        count, sum_kw = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM telemetry_latest")
        latest = cursor.fetchone()[0]
    missing = abs(soak.sent - count) + (soak.devices - latest)
    return int(missing) or int(abs(sum_kw - soak.sent_kw) > 1e-6 * soak.sent_kw)


def enroll(devices: int) -> list[str]:
    """Copies of one device, made by the database: a million objects would take longer than the soak."""
    from django.db import connection

    from tests.benchmarks.telemetry.__main__ import enroll as enroll_some
    from vpp.enrollment.models import Device

    enroll_some(1)
    names = [field.column for field in Device._meta.concrete_fields if field.column not in ("id", "code")]
    columns = ", ".join(names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO {Device._meta.db_table} (code, {columns})
            SELECT 'device-' || lpad(n::text, 7, '0'), {columns} FROM {Device._meta.db_table}, generate_series(1, %s) n
            """,  # noqa: S608
            [devices - 1],
        )
        cursor.execute("ANALYZE")
    return [f"device-{place:07d}" for place in range(devices)]
