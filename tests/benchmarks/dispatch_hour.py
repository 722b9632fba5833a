"""The live loop in real time: `python -m tests.benchmarks.dispatch_hour --devices 20000 --minutes 60`.

The service as it runs (`serve`, its loop every minute, its MQTT gateway), Mosquitto, and a simulated fleet that reports
every minute, all on this machine, under a commitment of a third of what the batteries can give. Told every quarter hour:
how the cycles kept their time, and the memory of each process.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from tests.benchmarks.dispatch_live import ROOT, memory_mb
from tests.benchmarks.scratch import scratch_service
from tests.servers import free_port, mosquitto

UP_KW_PER_DEVICE = 0.6
FAULTS = ("--late", "0.02", "--lost", "0.005", "--doubled", "0.02", "--drop-out", "0.01", "--disobey", "0.01")
say = Console(width=150, highlight=False, soft_wrap=True).print


def enroll(folder: Path, count: int, minutes: int) -> str:
    """The made-up fleet enrolled, linked and under a commitment from now on; a token for its gateway."""
    from django.core.management import call_command

    from tests.apps.settlement.makers import make_award
    from vpp.enrollment.models import Portfolio
    from vpp.lib.periods import delivery_day_of
    from vpp.simulation.demo.service import ensure_tokens
    from vpp.simulation.live.made_up import write_fleet

    call_command("migrate", verbosity=0)
    write_fleet(folder, count, seed=7)
    call_command("import_sites", str(folder), verbosity=0)
    call_command("link_devices", str(folder / "links.csv"), verbosity=0)
    portfolio, now = Portfolio.objects.get(), datetime.now(UTC)
    day = delivery_day_of(now, portfolio.time_zone)
    first = day.index_of(now)
    promised = range(first, min(first + minutes // 15 + 2, day.n_intervals))
    make_award(portfolio, day=day.date, up=dict.fromkeys(promised, UP_KW_PER_DEVICE * count))
    return ensure_tokens(folder / "tokens.json")["gateway"]


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(one) for one in found]


def watch(serve: subprocess.Popen[bytes], fleet: subprocess.Popen[bytes], minutes: int) -> None:
    names = {serve.pid: "service", fleet.pid: "fleet"}
    for pid in children(serve.pid):
        words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        names[pid] = next((word for word in words if word in ("play", "dispatch_gateway")), words[0])
    ends = time.monotonic() + minutes * 60
    while time.monotonic() < ends:
        time.sleep(min(300.0, max(ends - time.monotonic(), 0.0)))
        memory = ", ".join(f"{name} {memory_mb(pid):.0f}" for pid, name in names.items())
        say(f"{datetime.now(UTC):%H:%M:%S}Z MB: {memory}; load {os.getloadavg()[1]:.1f}")


def judged() -> None:
    """What the database says about the hour."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE revision > 0), sum(written),"
            " min(placed_up_kw / committed_up_kw) FROM dispatch_controlcycle WHERE committed_up_kw > 0"
        )
        say("cycles {}, inside intervals {}, setpoints {}, least placed {:.3f}".format(*cursor.fetchone()))
        cursor.execute("SELECT state, count(*) FROM dispatch_setpoint GROUP BY state ORDER BY state")
        say(", ".join(f"{state} {count}" for state, count in cursor.fetchall()))
        cursor.execute(
            "SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM answered_at - sent_at))"
            " FROM dispatch_setpoint WHERE answered_at IS NOT NULL"
        )
        say("p99 sent to answered {:.2f} s".format(*cursor.fetchone()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=20_000)
    parser.add_argument("--minutes", type=int, default=60)
    options = parser.parse_args()
    with scratch_service() as folder:
        with mosquitto(folder) as broker:
            run(folder, options.devices, options.minutes, broker)
        judged()


def run(folder: Path, count: int, minutes: int, broker: int) -> None:
    world = folder / "fleet"
    token, port = enroll(world, count, minutes), free_port()
    environment = os.environ | {"VPP_MQTT_URL": f"mqtt://127.0.0.1:{broker}"}
    manage = [sys.executable, "manage.py"]
    beside = ["--with", "play --every 1", "--with", "dispatch_gateway"]
    serve = subprocess.Popen([*manage, "serve", "--bind", f"127.0.0.1:{port}", *beside], cwd=ROOT, env=environment)
    time.sleep(15)
    at = ["--url", f"http://127.0.0.1:{port}", "--token", token]
    with (folder / "fleet.log").open("w") as log:
        fleet = subprocess.Popen(
            [*manage, "simulate_fleet", str(world), *at, *FAULTS], cwd=ROOT, env=environment, stdout=log
        )
    try:
        watch(serve, fleet, minutes)
    finally:
        for process in (fleet, serve):
            process.send_signal(signal.SIGTERM)
            process.wait(60)
    say("\n".join((folder / "fleet.log").read_text().splitlines()[-2:]))


if __name__ == "__main__":
    main()
