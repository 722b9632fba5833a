"""Figures of dispatch beside what is to be reached: `make bench-dispatch`, or `python -m tests.benchmarks.dispatch`.

A private, durable PostgreSQL in a temporary folder. The devices behind MQTT are one client in a process of its own that
answers every command; the broker is Mosquitto; the gateway's turns run in this process.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.scratch import scratch_service

Report = Callable[[str, str, str], None]
STEP = timedelta(minutes=15)
DAY = date(2016, 7, 14)
DEVICES_A_GATEWAY = 1_000


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def server_cpu_s() -> float:
    """Seconds of a core that the database has spent on this connection."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def disaggregation(count: int, report: Report) -> None:
    from tests.kernels.dispatch.states import mixed
    from vpp.dispatch.kernels.disaggregate import disaggregate

    for size, goal in ((10_000, "0.3 s"), (100_000, "3 s")):
        state, cost = mixed(size, 1), np.random.default_rng(1).choice([0.0, 0.03, 0.06], size)
        spent = min(seconds(lambda s=state, c=cost: disaggregate(20.0 * s.kind.size, s, c, 0.25)) for _ in range(3))  # type: ignore[misc]
        report(f"disaggregate {size:,} devices, one interval", f"{spent:.3f} s", goal)


def enroll(name: str, count: int, *, kind: str = "BATTERY") -> tuple[Any, np.ndarray]:
    """A portfolio of batteries (or another kind of that size); its device ids."""
    from django.db import connection
    from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

    from vpp.accounts.models import Participant
    from vpp.enrollment.models import Device, Enrollment, Portfolio, Site

    owner = Participant.objects.create(code=name, name=name, kind=Participant.Kind.OWNER)
    site = Site.objects.create(
        code=name, name=name, owner=owner, time_zone="Europe/Berlin", zone_code="DE", import_limit_kw=1e9,
        export_limit_kw=1e9,
    )  # fmt: skip
    rated = {"max_consumption_kw": 10.0, "max_production_kw": 10.0, "energy_capacity_kwh": 20.0, "controllable": True}
    Device.objects.bulk_create(
        [Device(code=f"{name}-{n:06d}", site=site, kind=kind, **rated) for n in range(count)], batch_size=5000
    )
    portfolio = Portfolio.objects.create(code=name, name=name, zone_code="DE", time_zone="Europe/Berlin", min_kw=1.0)
    ids = np.array(Device.objects.filter(site=site).order_by("pk").values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE enrollment_device")
    always = DateTimeTZRange(datetime(2016, 1, 1, tzinfo=UTC), None)
    Enrollment.objects.bulk_create(
        [Enrollment(device_id=pk, portfolio=portfolio, period=always) for pk in ids.tolist()], batch_size=5000
    )
    return portfolio, ids


def setpoints(count: int, report: Report) -> None:
    """Persisted in one transaction, then carried to devices and their answers stored."""
    from django.db import connection, transaction

    from vpp.dispatch import setpoint_rows
    from vpp.dispatch.models import Link
    from vpp.dispatch.setpoint_rows import NewSetpoints

    from .dispatch_live import make_cycle

    portfolio, ids = enroll("sent", count)
    now = datetime.now(UTC)
    start = now - timedelta(seconds=now.timestamp() % 900)

    new = NewSetpoints(
        ids, np.full(ids.size, portfolio.pk), np.full(ids.size, -5.0), np.zeros(ids.size),
        np.zeros(ids.size, dtype=bool), np.full(ids.size, round(now.timestamp()) + 3600),
    )  # fmt: skip

    def bare() -> None:
        """The anchor: the same rows into an equal table without indexes, rules or checks."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("CREATE TABLE IF NOT EXISTS bare (LIKE dispatch_setpoint INCLUDING IDENTITY)")
            setpoint_rows.copy_setpoints("bare", new, np.zeros(ids.size, dtype=np.int64), start, 0, now)

    def store(revision: int) -> None:
        with transaction.atomic():
            cycle = make_cycle(portfolio, start, revision, now, ids.size)
            setpoint_rows.write(new, np.full(ids.size, cycle), start=start - STEP * (2 - revision), sequence=0, at=now)

    begun_s = server_cpu_s()
    spent = [seconds(lambda n=n: store(n)) for n in range(3)]  # type: ignore[misc]
    cpu_s, anchor_s = (server_cpu_s() - begun_s) / 3, min(seconds(bare) for _ in range(3))
    report(f"{count:,} setpoints persisted, one transaction, best of 3", f"{min(spent):.2f} s", "0.6 s at 100,000")
    report("the same, seconds of a core that the server took", f"{cpu_s:.2f} s", "")
    report("the same, times a bare COPY in the same minute", f"{min(spent) / anchor_s:.1f} x {anchor_s:.2f} s", "")
    Link.objects.bulk_create(
        (
            Link(device_id=pk, protocol=Link.Protocol.MQTT, address=f"gateway-{n // DEVICES_A_GATEWAY:03d}")
            for n, pk in enumerate(ids.tolist())
        ),
        batch_size=5000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE dispatch_link")
    over_mqtt(count, report)


def over_mqtt(count: int, report: Report) -> None:
    """Every planned setpoint published with QoS 1 to its gateway, acknowledged, and the acknowledgement stored."""
    from django.db import connection

    from tests import servers
    from vpp.dispatch.gateway.session import Session
    from vpp.dispatch.gateway.turn import Outbox, turn

    folder = Path(tempfile.mkdtemp(prefix="vpp-bench-broker-"))
    with servers.mosquitto(folder) as port:
        ready = multiprocessing.get_context("spawn").Event()
        devices = multiprocessing.get_context("spawn").Process(target=answer_all, args=(port, ready), daemon=True)
        devices.start()
        ready.wait(60)
        session, outbox = Session(f"mqtt://127.0.0.1:{port}", client_id="bench"), Outbox()
        session.start()
        session.connected.wait(20)
        cpu_s, begin = time.process_time() + server_cpu_s(), time.perf_counter()
        while outbox.stored < count and time.perf_counter() - begin < 300:
            turn(session, outbox, datetime.now(UTC))
        spent, cpu_s = time.perf_counter() - begin, time.process_time() + server_cpu_s() - cpu_s
        session.stop()
        devices.terminate()
    shutil.rmtree(folder, ignore_errors=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM answered_at - sent_at))"
            " FROM dispatch_setpoint WHERE answered_at IS NOT NULL"
        )
        latency_s = float(cursor.fetchone()[0] or 0.0)
    stored = f"{spent:.1f} s" if outbox.stored == count else f"{outbox.stored:,} only"
    report(f"{count:,} commands over Mosquitto, answers stored", stored, "6 s at 100,000")
    report("the same, seconds of a core that gateway and database took", f"{cpu_s:.1f} s", "")
    report("99 of 100 answers, sent to stored within", f"{latency_s:.2f} s", "1.5 s")


def answer_all(port: int, ready: Any) -> None:
    """The devices behind their gateways: one connection that accepts whatever it hears."""
    import msgspec
    from paho.mqtt import client as mqtt
    from paho.mqtt.enums import CallbackAPIVersion

    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="devices", protocol=mqtt.MQTTv5)
    client.max_inflight_messages_set(0)

    def heard(_: mqtt.Client, __: Any, message: mqtt.MQTTMessage) -> None:
        heard = msgspec.json.decode(message.payload)["id"]
        if message.topic.endswith("/commands"):
            client.publish(message.topic[: -len("commands")] + "acks", msgspec.json.encode({"accepted": heard}), qos=1)
        else:
            client.publish(message.topic[: -len("command")] + "ack", b'{"id":%d}' % heard, qos=1)

    client.on_message = heard

    def connected(*_: Any) -> None:
        client.subscribe([("vpp/v1/+/+/command", 1), ("vpp/v1/+/commands", 1)])

    client.on_connect = connected
    client.on_subscribe = lambda *_: ready.set()
    client.connect("127.0.0.1", port)
    client.loop_forever()


def drop_out(count: int, report: Report) -> None:
    """A tenth of a fleet under a commitment goes silent at once; the next cycle makes up for it."""
    from telemetry import operations as telemetry
    from telemetry.kernels.batch import batch_of
    from tests.apps.settlement.makers import make_award
    from vpp.dispatch import operations, setpoint_rows
    from vpp.dispatch.models import Setpoint
    from vpp.enrollment.models import Device
    from vpp.lib.periods import DeliveryDay

    portfolio, ids = enroll("held", count)
    codes = list(Device.objects.filter(pk__in=ids.tolist()).order_by("pk").values_list("code", flat=True))
    committed_kw, first, end, gone_at = 4.0 * count, 40, 52, 44
    make_award(portfolio, day=DAY, up=dict.fromkeys(range(first, end), committed_kw))
    day = DeliveryDay(DAY, portfolio.time_zone)
    there = np.ones(count, dtype=bool)
    stored_kwh, delivered_kwh, took_s, recovered_pu = np.full(count, 18.0), 0.0, [], 0.0

    def report_all(index: int, power_kw: np.ndarray) -> None:
        rows = np.flatnonzero(there)
        batch = batch_of(
            codes=codes, device=rows, time_us=np.full(rows.size, round((day.start + STEP * index).timestamp() * 1e6)),
            power_kw=power_kw[rows], soc_kwh=stored_kwh[rows],
        )  # fmt: skip
        telemetry.ingest(batch, at=day.start + STEP * (index + 1), principal=None)

    report_all(first - 1, np.zeros(count))
    for index in range(first, end):
        start = day.start + STEP * index
        begin = time.perf_counter()
        operations.control_cycle(portfolio.pk, start, start)
        took_s.append(time.perf_counter() - begin)
        found = setpoint_rows.in_force([portfolio.pk], start)
        Setpoint.objects.filter(state="PLANNED").update(state="SENT", sent_at=start)
        Setpoint.objects.filter(state="SENT").update(state="ACKNOWLEDGED", answered_at=start)
        if index == gone_at:
            there[::10] = False  # from this interval on they neither act nor report
        power_kw = np.zeros(count)
        kept = ~found.released
        power_kw[np.searchsorted(ids, found.device_id[kept])] = found.target_kw[kept]
        power_kw[~there] = 0.0
        delivered_kwh -= power_kw.sum() / 4
        stored_kwh = np.maximum(stored_kwh + power_kw / 4, 0.0)
        if index == gone_at + 1:
            recovered_pu = -power_kw.sum() / committed_kw
        report_all(index, power_kw)
    share_pu = delivered_kwh / (committed_kw * (end - first) / 4)
    report(f"{count:,} devices, 10 % gone: error one cycle later", f"{abs(1 - recovered_pu):.1%}", "5 %")
    report("the same, delivered energy", f"{share_pu:.1%}", "97 %")
    report("the same, longest control cycle", f"{max(took_s):.2f} s", "")


def stations(count: int, report: Report) -> None:
    from . import dispatch_live

    dispatch_live.stations(count, report)


def live_loop(count: int, report: Report) -> None:
    from . import dispatch_live

    dispatch_live.live_loop(count, report)


PARTS: dict[str, tuple[Callable[[int, Report], None], int]] = {
    "disaggregation": (disaggregation, 100_000),
    "setpoints": (setpoints, 100_000),
    "drop_out": (drop_out, 10_000),
    "stations": (stations, 1_000),
    "live_loop": (live_loop, 20_000),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=0, help="instead of each figure's own number")
    parser.add_argument("--only", choices=PARTS)
    options = parser.parse_args()
    from rich.console import Console
    from rich.table import Table

    table = Table("what", "figure", "to reach")
    with scratch_service():
        for name, (part, size) in PARTS.items():
            if options.only in (None, name):
                part(options.devices or size, table.add_row)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    Console(width=130).print(table, f"{os.cpu_count()} cores, load {load}")


if __name__ == "__main__":
    main()
