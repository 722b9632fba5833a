"""Figures of telemetry beside their anchors: `python -m tests.benchmarks.telemetry [--devices 10000]`.

A private, durable PostgreSQL in a temporary folder; client, service and database share the machine's cores. Each way in is
interleaved with its anchor (binary COPY of the same rows into a table with the same key), so that load from outside hits
both alike. Requests go through the whole Django stack in this process, without a socket.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np

START = datetime(2016, 7, 13, tzinfo=UTC)
ANCHOR = "(ts timestamptz, device_id bigint, power_kw double precision, PRIMARY KEY (ts, device_id))"


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def enroll(count: int) -> list[str]:
    from vpp.accounts.models import Participant
    from vpp.enrollment.models import Device, Site

    owner = Participant.objects.create(code="bench", name="bench", kind=Participant.Kind.OWNER)
    site = Site.objects.create(
        code="bench", name="bench", owner=owner, time_zone="UTC", zone_code="DE", import_limit_kw=1, export_limit_kw=1
    )
    codes = [f"device-{place:06d}" for place in range(count)]
    Device.objects.bulk_create(
        [Device(code=code, site=site, kind="LOAD", max_consumption_kw=10, max_production_kw=0) for code in codes],
        batch_size=5000,
    )
    return codes


class Bench:
    """One database, one gateway, and batches of fresh readings, minute by minute through all devices."""

    def __init__(self, devices: int) -> None:
        from django.test import Client

        from vpp.accounts import operations as accounts
        from vpp.accounts.models import Participant

        self.codes = enroll(devices)
        aggregator = Participant.objects.create(code="us", name="us", kind=Participant.Kind.AGGREGATOR)
        _, token = accounts.create_client(participant=aggregator, name="bench", scopes=["telemetry:write"], at=START)
        self.headers = {"authorization": f"Bearer {token}"}
        self.client = Client(headers={"host": "localhost"})
        self.rng = np.random.default_rng(1)
        self.minute = 0

    def batches(self, size: int) -> Iterator[tuple[np.ndarray, datetime, np.ndarray]]:
        while True:
            moment = START + timedelta(minutes=self.minute)
            self.minute += 1
            for first in range(0, len(self.codes) - size + 1, size):
                yield np.arange(first, first + size), moment, self.rng.uniform(0, 10, size).round(3)

    def post(self, body: bytes, content_type: str) -> None:
        answer = self.client.post("/api/v1/telemetry/readings", body, content_type=content_type, headers=self.headers)
        if answer.status_code != 200 or answer.json()["refused"]:
            raise SystemExit(answer.content[:500])

    def json_rows(self, device: np.ndarray, moment: datetime, power_kw: np.ndarray) -> tuple[bytes, str]:
        text = moment.isoformat()
        rows = [
            {"device": self.codes[place], "time": text, "power_kw": value}
            for place, value in zip(device.tolist(), power_kw.tolist(), strict=True)
        ]
        return json.dumps({"readings": rows}).encode(), "application/json"

    def packed(self, device: np.ndarray, moment: datetime, power_kw: np.ndarray) -> tuple[bytes, str]:
        from telemetry.kernels.batch import batch_of
        from telemetry.protocols.msgpack_columns import encode

        batch = batch_of(
            codes=[self.codes[place] for place in device],
            device=np.arange(device.size),
            time_us=np.full(device.size, round(moment.timestamp() * 1e6)),
            power_kw=power_kw,
        )
        return encode(batch), "application/msgpack"

    def way_in(self, form: Callable, size: int, requests: int) -> tuple[float, float, float]:
        """Rows a second of the way in, of COPY, and the 99th percentile of a request in ms."""
        ours, anchor = [], []
        for (device, moment, power_kw), _ in zip(self.batches(size), range(requests), strict=False):
            body, content_type = form(device, moment, power_kw)
            ours.append(seconds(partial(self.post, body, content_type)))
            anchor.append(seconds(partial(copy_anchor, device, moment, power_kw)))
        return size / statistics.mean(ours), size / statistics.mean(anchor), float(np.quantile(ours, 0.99)) * 1e3


def copy_anchor(device: np.ndarray, moment: datetime, power_kw: np.ndarray) -> None:
    from telemetry.kernels.copy_format import Field
    from telemetry.storage.copying import copy_in

    time_us = np.full(device.size, round(moment.timestamp() * 1e6))
    copy_in(
        "anchor",
        {
            "ts": Field("timestamptz", time_us),
            "device_id": Field("int8", device),
            "power_kw": Field("float8", power_kw),
        },
    )


def run(devices: int, report: Callable[[str, str, str], None]) -> None:
    from django.db import connection

    from telemetry import operations, queries
    from telemetry.kernels.rollup import BUCKET_US
    from telemetry.models import TouchedBucket
    from vpp.enrollment.models import Device
    from vpp.lib import clock

    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE anchor {ANCHOR}")
    clock.set_simulated(START + timedelta(days=1))
    bench = Bench(devices)
    for _ in range(3):  # plans, caches
        bench.way_in(bench.json_rows, 1000, 5)
    rate, anchor, p99_ms = bench.way_in(bench.json_rows, 1000, 60)
    report("JSON rows, 1,000 a request", f"{rate:,.0f} rows/s, p99 {p99_ms:.0f} ms", f"{rate / anchor:.2f} of COPY")
    rate, anchor, p99_ms = bench.way_in(bench.packed, 10_000, 12)
    report("MessagePack, 10,000 a request", f"{rate:,.0f} rows/s, p99 {p99_ms:.0f} ms", f"{rate / anchor:.2f} of COPY")

    device, moment, power_kw = next(bench.batches(1000))
    body = bench.json_rows(device, moment, power_kw)
    fresh = seconds(lambda: bench.post(*body))
    again = statistics.median(seconds(lambda: bench.post(*body)) for _ in range(10))
    report("all rows duplicates, 1,000", f"{again * 1e3:.0f} ms", f"{again / fresh:.2f} of fresh")

    touched = TouchedBucket.objects.count()
    buckets = max(1, bench.minute * 60_000_000 // BUCKET_US)
    spent = seconds(lambda: operations.refresh_rollup(before=START + timedelta(days=1)))
    report("rollup of a bucket, devices at 1 minute", f"{spent / buckets:.3f} s", f"{touched} cells in {spent:.2f} s")

    ids = np.array(Device.objects.order_by("code").values_list("id", flat=True))
    day = (START - timedelta(days=2), START - timedelta(days=1))
    history(bench, ids.size)
    report(
        "a day of all devices", f"{seconds(lambda: queries.interval_power_kw(ids, *day)):.3f} s", f"{ids.size} devices"
    )
    month = (START - timedelta(days=30), START)
    report("30 days of one device", f"{seconds(lambda: queries.interval_power_kw(ids[:1], *month)):.3f} s", "")
    report("latest of all devices", f"{seconds(lambda: queries.latest(ids)):.3f} s", f"{ids.size} devices")
    report("bytes a raw reading with its key", f"{bytes_a_reading():.0f}", "one value")


def history(bench: Bench, count: int) -> None:
    """One packed day of all devices."""
    from telemetry import operations
    from telemetry.kernels.batch import batch_of

    start_us = round((START - timedelta(days=2)).timestamp() * 1e6)
    batch = batch_of(
        codes=bench.codes,
        device=np.repeat(np.arange(count), 96),
        time_us=np.tile(start_us + np.arange(96) * 900_000_000, count),
        power_kw=bench.rng.uniform(0, 10, count * 96),
    )
    operations.ingest(batch, at=START + timedelta(days=1), principal=None)


def bytes_a_reading() -> float:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT sum(pg_total_relation_size(inhrelid)) / (SELECT count(*) FROM telemetry_reading)
            FROM pg_inherits WHERE inhparent = 'telemetry_reading'::regclass"""
        )
        return float(cursor.fetchone()[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=10_000)
    devices = parser.parse_args().devices
    folder = Path(tempfile.mkdtemp(prefix="vpp-bench-"))
    folder.chmod(0o711)
    os.environ |= {"VPP_DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "vpp.settings"}
    from rich.console import Console
    from rich.table import Table

    from vpp.lib.embedded_postgres import EmbeddedPostgres

    server = EmbeddedPostgres(folder)
    server.ensure_running()
    table = Table("what", "figure", "beside")
    try:
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        run(devices, table.add_row)
    finally:
        server.release()
        shutil.rmtree(folder, ignore_errors=True)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    Console().print(table, f"{os.cpu_count()} cores, load {load}")


if __name__ == "__main__":
    main()
