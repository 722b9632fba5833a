"""Figures of telemetry beside their anchors: `make bench-telemetry`, or `python -m tests.benchmarks.telemetry`.

A private, durable PostgreSQL in a temporary folder; client, service and database share the machine's cores. Each way in is
interleaved with its anchors, so that load from outside hits all alike. Requests go through the whole Django stack in this
process, without a socket; readings over MQTT go through a broker and a gateway in processes of their own.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from tests.benchmarks.scratch import scratch_service

if TYPE_CHECKING:
    from rich.table import Table

START = datetime(2016, 7, 13, tzinfo=UTC)
Report = Callable[[str, str, str, str], None]


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
    codes = [f"device-{place:07d}" for place in range(count)]
    for first in range(0, count, 50_000):
        Device.objects.bulk_create(
            [
                Device(code=code, site=site, kind="LOAD", max_consumption_kw=10, max_production_kw=0)
                for code in codes[first : first + 50_000]
            ],
            batch_size=5000,
        )
    return codes


class Bench:
    """One database, one gateway, and batches of fresh readings, minute by minute through all devices."""

    def __init__(self, devices: int) -> None:
        from django.test import Client

        from vpp.accounts import operations as accounts
        from vpp.accounts.models import Participant
        from vpp.enrollment.models import Device

        self.codes = enroll(devices)
        self.ids = np.array(Device.objects.order_by("code").values_list("id", flat=True))
        aggregator = Participant.objects.create(code="us", name="us", kind=Participant.Kind.AGGREGATOR)
        _, token = accounts.create_client(participant=aggregator, name="bench", scopes=["telemetry:write"], at=START)
        self.headers = {"authorization": f"Bearer {token}"}
        self.client = Client(headers={"host": "localhost"})
        self.rng = np.random.default_rng(1)
        self.minute = 0

    @property
    def moment(self) -> datetime:
        return START + timedelta(minutes=self.minute)

    def batches(self, size: int) -> Iterator[tuple[np.ndarray, datetime, np.ndarray]]:
        while True:
            self.minute += 1
            clock_at(self.moment)
            for first in range(0, len(self.codes) - size + 1, size):
                yield np.arange(first, first + size), self.moment, self.rng.uniform(0, 10, size).round(3)

    def post(self, body: bytes, content_type: str, url: str = "/api/v1/telemetry/readings") -> None:
        answer = self.client.post(url, body, content_type=content_type, headers=self.headers)
        if answer.status_code != 200 or answer.json().get("refused"):
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


def way_in(bench: Bench, form: Callable, size: int, requests: int, *, repeated: bool = False) -> dict[str, float]:
    """Seconds of the requests, of COPY of the same rows, and of the same requests once more."""
    from tests.benchmarks.telemetry import anchors

    spent: dict[str, list[float]] = {"ours": [], "copy": [], "again": []}
    for (device, moment, power_kw), _ in zip(bench.batches(size), range(requests), strict=False):
        body, content_type = form(device, moment, power_kw)
        spent["ours"].append(seconds(partial(bench.post, body, content_type)))
        spent["copy"].append(seconds(partial(anchors.copy, bench.ids[device], moment, power_kw)))
        if repeated:
            spent["again"].append(seconds(partial(bench.post, body, content_type)))
    totals = {name: float(np.sum(values)) for name, values in spent.items()}
    return totals | {"rate": size * requests / totals["ours"], "p99_ms": float(np.quantile(spent["ours"], 0.99)) * 1e3}


def ways_in(bench: Bench, report: Report) -> None:
    from telemetry import operations

    way_in(bench, bench.packed, 10_000, bench.ids.size // 10_000)  # every device has been heard once
    way_in(bench, bench.json_rows, 1000, 15)
    operations.digest(at=bench.moment)
    rows = way_in(bench, bench.json_rows, 1000, 100, repeated=True)
    figure = f"{rows['rate']:,.0f} rows/s, p99 {rows['p99_ms']:.0f} ms"
    report("JSON rows, 1,000 a request", figure, f"{rows['copy'] / rows['ours']:.2f} of COPY", "0.30; p99 250 ms")
    report("all rows duplicates", "", f"{rows['again'] / rows['ours']:.2f} of the time of fresh", "1.0")
    plain(bench, report)
    way_in(bench, bench.packed, 10_000, 2)
    operations.digest(at=bench.moment)
    packed = way_in(bench, bench.packed, 10_000, 30, repeated=True)
    figure = f"{packed['rate']:,.0f} rows/s, p99 {packed['p99_ms']:.0f} ms"
    beside = f"{packed['copy'] / packed['ours']:.2f} of COPY"
    report("MessagePack columns, 10,000 a request", figure, beside, "0.55")
    report("all rows duplicates", "", f"{packed['again'] / packed['ours']:.2f} of the time of fresh", "1.0")
    digest_s = seconds(lambda: operations.digest(at=bench.moment))
    share = f"{digest_s / packed['ours']:.2f} of the requests' time"
    report("digest of these, in the background", f"{digest_s:.2f} s, 300,000 readings", share, "")


def plain(bench: Bench, report: Report) -> None:
    """The same JSON rows through a plain framework view, beside ours."""
    ours, theirs = 0.0, 0.0
    for place, (batch, _) in enumerate(zip(bench.batches(1000), range(40), strict=False)):
        body, content_type = bench.json_rows(*batch)
        if place % 2:
            ours += seconds(partial(bench.post, body, content_type))
        else:
            theirs += seconds(partial(bench.post, body, content_type, url="/plain"))
    report(
        "the same against a plain serializer",
        f"{20_000 / theirs:,.0f} rows/s there",
        f"{theirs / ours:.1f} times",
        "10",
    )


def mqtt(bench: Bench, report: Report) -> None:
    from tests.benchmarks.telemetry import over_mqtt

    single, many = over_mqtt.readings_a_second(bench.codes, single=20_000, minutes=200)
    report("MQTT QoS 1, one reading a message", f"{single:,.0f} readings/s", "one gateway", "20,000 readings/s")
    report("MQTT QoS 1, 1,000 readings a message", f"{many:,.0f} readings/s", "one gateway", "20,000 readings/s")


def rollup(bench: Bench, report: Report) -> None:
    """Ten thousand devices, each minute of one bucket; then the bucket in one pass."""
    from telemetry import operations

    bucket = START + timedelta(minutes=600)
    operations.refresh_rollup(before=bucket)
    some = np.arange(10_000)
    for minute in range(15):
        clock_at(bucket + timedelta(minutes=minute))
        bench.post(*bench.packed(some, bucket + timedelta(minutes=minute), bench.rng.uniform(0, 10, some.size)))
    operations.digest(at=bucket + timedelta(minutes=14))
    spent = []
    for again in range(4):
        if again:
            mark_touched(bucket)
        spent.append(seconds(lambda: operations.refresh_rollup(before=bucket + timedelta(minutes=15))))
    report("rollup of a bucket, 10,000 devices at 1 minute", f"{min(spent):.3f} s", "best of 4", "0.25 s")


def clock_at(moment: datetime) -> None:
    from vpp.lib import clock

    clock.set_simulated(moment)


def mark_touched(bucket: datetime) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO telemetry_touchedbucket SELECT %s, device_id FROM telemetry_rollup15 WHERE bucket = %s",
            [bucket, bucket],
        )


def ways_out(bench: Bench, report: Report) -> None:
    from telemetry import operations, queries

    operations.digest(at=bench.moment)
    ids = bench.ids[:10_000]
    day = (START - timedelta(days=2), START - timedelta(days=1))
    history(bench, ids.size)
    spent = min(seconds(lambda: queries.interval_power_kw(ids, *day)) for _ in range(3))
    report("a day of 96 intervals, 10,000 devices", f"{spent:.3f} s", "", "1.5 s")
    month = (START - timedelta(days=30), START)
    spent = min(seconds(lambda: queries.interval_power_kw(ids[:1], *month)) for _ in range(3))
    report("30 days of one device", f"{spent:.3f} s", "", "0.1 s")
    spent = min(seconds(lambda: queries.latest(bench.ids)) for _ in range(3))
    report(f"latest of {bench.ids.size:,} devices", f"{spent:.3f} s", "", "0.3 s at 100,000")
    raw, packed = bytes_a_reading()
    report("bytes a reading of 4 values, raw with its key", f"{raw:.0f}", "", "130")
    report("bytes a reading of 4 values, packed day", f"{packed:.0f}", "", "20")


def history(bench: Bench, count: int) -> None:
    """One packed day of many devices."""
    from telemetry import operations
    from telemetry.kernels.batch import batch_of

    start_us = round((START - timedelta(days=2)).timestamp() * 1e6)
    batch = batch_of(
        codes=bench.codes[:count],
        device=np.repeat(np.arange(count), 96),
        time_us=np.tile(start_us + np.arange(96) * 900_000_000, count),
        power_kw=bench.rng.uniform(0, 10, count * 96),
    )
    operations.ingest(batch, at=START + timedelta(days=1), principal=None)


def bytes_a_reading() -> tuple[float, float]:
    """A day of 4 values at 1 minute for 200 devices, as meters count (watts, watt hours), raw and then packed."""
    from django.db import connection, transaction

    from telemetry import operations
    from telemetry.ingest.packed import pack_day
    from telemetry.kernels.batch import batch_of

    day = START + timedelta(days=20)
    rng, count = np.random.default_rng(2), 200
    for minute in range(1440):
        power_kw = rng.uniform(0, 10, count).round(3)
        batch = batch_of(
            codes=[f"device-{place:07d}" for place in range(count)],
            device=np.arange(count),
            time_us=np.full(count, round((day + timedelta(minutes=minute)).timestamp() * 1e6)),
            power_kw=power_kw,
            energy_kwh=(power_kw / 60).round(4),
            soc_kwh=rng.uniform(0, 5, count).round(2),
            voltage_pu=rng.uniform(0.95, 1.05, count).round(3),
        )
        operations.ingest(batch, at=day + timedelta(minutes=minute), principal=None, digest_later=True)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_total_relation_size('telemetry_reading_p{day:%Y%m%d}')")
        raw = cursor.fetchone()[0] / (count * 1440)
        cursor.execute("SELECT pg_total_relation_size('telemetry_readingday')")
        before = cursor.fetchone()[0]
        with transaction.atomic():
            operations.digest(at=day + timedelta(days=2))
            pack_day(round(day.timestamp()) // 86_400)
        cursor.execute("SELECT pg_total_relation_size('telemetry_readingday')")
        packed = (cursor.fetchone()[0] - before) / (count * 1440)
    return raw, packed


def soak(devices: int, seconds: float, environment: dict[str, str], report: Report) -> None:
    """At the rate of a reading a minute and device."""
    from tests.benchmarks.telemetry import soak as soaking
    from vpp.accounts import operations as accounts
    from vpp.accounts.models import Participant

    codes = soaking.enroll(devices)
    aggregator = Participant.objects.create(code="us", name="us", kind=Participant.Kind.AGGREGATOR)
    _, token = accounts.create_client(participant=aggregator, name="soak", scopes=["telemetry:write"], at=START)
    done = soaking.Soak(devices=devices, seconds=seconds, rate=devices * 1.002 / 60)
    soaking.run(done, codes, token, environment)
    what = f"{devices:,} devices, {done.rate:,.0f} rows/s for {seconds:,.0f} s"
    report(
        what,
        f"{soaking.lost(done):,} of {done.sent:,} lost",
        f"{done.latest_s:.1f} s behind at most, {done.late_s:.1f} s at the end",
        "0",
    )
    report("a request of 10,000 rows", f"p99 {done.p99_ms:.0f} ms", "", "")
    report("memory of the web process", f"{done.web_mb[-1]:.0f} MB", f"{done.growth_pu:+.1%}", "below +5 %")


def measure(devices: int, only: str, report: Report) -> None:
    from tests.benchmarks.telemetry import anchors

    anchors.make()
    bench = Bench(devices)
    for part in (ways_in, mqtt, rollup, ways_out):
        if only in ("", part.__name__):
            part(bench, report)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=100_000)
    parser.add_argument("--only", default="", help="ways_in, mqtt, rollup or ways_out")
    parser.add_argument("--soak", action="store_true", help="a million devices at a reading a minute, and nothing else")
    parser.add_argument("--seconds", type=float, default=600, help="of the soak")
    options = parser.parse_args()
    if options.soak and options.devices == parser.get_default("devices"):
        options.devices = 1_000_000
    from rich.table import Table

    table = Table("what", "figure", "beside", "to reach")
    with scratch_service():
        from django.conf import settings

        settings.ROOT_URLCONF = "tests.benchmarks.telemetry.urls"
        if options.soak:
            soak(options.devices, options.seconds, dict(os.environ), table.add_row)
        else:
            measure(options.devices, options.only, table.add_row)
    tell(table)


def tell(table: Table) -> None:
    from rich.console import Console

    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    Console(width=130).print(table, f"{os.cpu_count()} cores, load {load}")


if __name__ == "__main__":
    main()
