"""`python -m tests.benchmarks.asks`: asks over the API at 50 a second, and 200 open asks over 50 portfolios.

A private, durable PostgreSQL in a temporary folder. The service's own web process answers the posts over HTTP; the bids
are made by the jobs that the posts wrote, in this process, one after the other.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.scratch import scratch_service

ROOT = Path(__file__).resolve().parents[2]
RATE = 50
PORTFOLIOS, ASKS = 50, 200
DEVICES = 20
WARM_UP = 20  # the first posts of a process load what it needs


def worlds(count: int, at: datetime) -> list[Any]:
    """Feeders with a portfolio of 20 batteries each, all of one utility; (congestion point, portfolio)."""
    from bidding.models import Product
    from tests.apps.bidding import world
    from tests.factories import make_congestion_point
    from vpp.lib.periods import DeliveryDay

    world.import_demo_markets(at)
    day = DeliveryDay((at + timedelta(days=2)).date(), world.ZONE)
    energy = Product.objects.select_related("market").get(code="ENERGY-60")
    world.post_price_history(energy, day, at - timedelta(hours=2))  # so that an answer displaces a sale of energy
    first = make_congestion_point()
    points = [first] + [make_congestion_point(utility=first.utility) for _ in range(count - 1)]
    return [(point, world.make_fleet(point.feeder.code, batteries=DEVICES, heat_pumps=0)) for point in points]


def body(point: Any, number: int, at: datetime) -> dict[str, Any]:
    quantity_kw = [0.0] * 96
    first = 60 + number % 24
    quantity_kw[first : first + 4] = [20.0] * 4
    day = (at + timedelta(days=2)).date()
    return {
        "reference": f"bench-{number}",
        "congestion_point": point.code,
        "direction": "UP",
        "delivery_date": day.isoformat(),
        "interval_minutes": 15,
        "quantity_kw": quantity_kw,
        "ceiling_price_per_mwh": 400.0,
        "gate_at": (at + timedelta(hours=6)).isoformat(),
        "expires_at": (at + timedelta(hours=8)).isoformat(),
    }


def post_at_rate(url: str, headers: dict[str, str], bodies: list[dict[str, Any]]) -> np.ndarray:
    """Milliseconds per post, each sent at its own moment whatever became of the one before."""
    import requests

    session = threading.local()

    def post(place: int) -> float:
        if not hasattr(session, "http"):
            session.http = requests.Session()
        due = began + place / RATE
        time.sleep(max(due - time.perf_counter(), 0.0))
        answer = session.http.post(f"{url}/api/v1/asks", json=bodies[place], headers=headers, timeout=30)
        assert answer.status_code == 201, answer.text
        return (time.perf_counter() - due) * 1000

    with ThreadPoolExecutor(16) as pool:
        began = time.perf_counter() + 1.0
        return np.array(list(pool.map(post, range(len(bodies)))))


def answer_all() -> tuple[float, int, int]:
    """Seconds to work the jobs off, asks with a bid before their gate, bids."""
    from bidding.models import Ask, Bid
    from vpp.jobs import operations as jobs

    began = time.perf_counter()
    jobs.run_pending(limit=5000)
    seconds = time.perf_counter() - began
    in_time = [
        bid.ask.pk for bid in Bid.objects.select_related("ask") if bid.ask and bid.submitted_at < bid.ask.gate_at
    ]
    return seconds, Ask.objects.filter(pk__in=in_time).count(), Bid.objects.count()


def run() -> None:
    import requests
    from rich.console import Console
    from rich.table import Table

    from bidding.queries import book_check
    from tests.apps.bidding.world import client_of
    from tests.servers import free_port

    at = datetime.now(UTC)
    places = worlds(PORTFOLIOS, at)
    _, headers = client_of(places[0][0].utility, "read", "asks:write")
    bodies = [body(places[number % PORTFOLIOS][0], number, at) for number in range(ASKS)]
    url = f"http://127.0.0.1:{free_port()}"
    web = subprocess.Popen(
        [sys.executable, "manage.py", "web", "--bind", url.removeprefix("http://"), "--processes", str(os.cpu_count())],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            try:
                requests.get(f"{url}/api/v1/asks", headers=headers, timeout=5)
                break
            except requests.ConnectionError:
                time.sleep(0.1)
        post_at_rate(url, headers, [body(places[0][0], ASKS + number, at) for number in range(WARM_UP)])
        ms = post_at_rate(url, headers, bodies)
    finally:
        web.terminate()
        web.wait()
    seconds, answered, bids = answer_all()
    table = Table("what", "load", "measured", "to reach")
    p50, p99 = np.percentile(ms, [50, 99])
    table.add_row(
        "ask accepted", f"{RATE}/s, {len(ms)} asks", f"p50 {p50:.0f} ms, p99 {p99:.0f} ms", "p99 below 200 ms"
    )
    load = f"{ASKS + WARM_UP} asks, {PORTFOLIOS} portfolios of {DEVICES} batteries"
    table.add_row(
        "a bid for each before its gate", load, f"{answered} asks, {bids} bids in {seconds:.1f} s", "all, 300 s"
    )
    problems = len(book_check((at + timedelta(days=2)).date()))
    table.add_row("kilowatts sold twice", "the same", str(problems), "0")
    Console().print(table)


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    with scratch_service():
        run()


if __name__ == "__main__":
    main()
