"""Figures of the console beside what is to be reached: `make bench-console`, or `python -m tests.benchmarks.console`.

A private, durable PostgreSQL in a temporary folder with one played day, 100,000 devices on 20,000 sites in 40
portfolios, 90 days of their settlement runs and 100,000 lines of audit trail. Pages are asked in this process (server
time: view, database and template), then over HTTP by 50 people at once, then by Chromium with an empty cache.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.console_watchers import PEOPLE, WATCH_S

ROUNDS = int(os.environ.get("ROUNDS", "20"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=100_000)
    parser.add_argument("--skip-browser", action="store_true")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="vpp-bench-"))
    folder.chmod(0o711)
    try:
        bench(folder, asked.devices, asked.skip_browser)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def bench(folder: Path, devices: int, skip_browser: bool) -> None:
    from vpp.lib.embedded_postgres import EmbeddedPostgres

    server = EmbeddedPostgres(folder / "data")
    os.environ |= {
        "DATABASE_URL": server.ensure_running(), "DJANGO_SETTINGS_MODULE": "vpp.settings",
        "DJANGO_ALLOW_ASYNC_UNSAFE": "true",
    }  # fmt: skip
    try:
        import django

        django.setup()
        from django.conf import settings
        from django.core.management import call_command

        settings.ALLOWED_HOSTS = ["*"]
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        call_command("migrate", interactive=False, verbosity=0)
        world = seed(devices)
        say("seeded, load " + " ".join(f"{one:.1f}" for one in os.getloadavg()), f"{devices:,} devices", "")
        server_times(world)
        with_people(world)
        if not skip_browser:
            in_a_browser(world)
    finally:
        server.release()


def say(what: str, figure: str, goal: str) -> None:
    sys.stdout.write(f"{what:58} {figure:>24} {goal:>16}\n")
    sys.stdout.flush()


def seed(devices: int) -> Any:
    """The played day of the tests, and a large house around it."""
    from django.db import connection

    from tests.apps.console.makers import make_day
    from tests.factories import ZONE, make_participant
    from vpp.lib import clock

    world = make_day()
    owners = [make_participant(code=f"owner-{number:04d}").pk for number in range(500)]
    every = {"devices": devices, "sites": max(devices // 5, 1), "first": owners[0], "owners": len(owners), "zone": ZONE}
    with connection.cursor() as cursor:
        for statement in BULK:
            cursor.execute(statement, every)
        cursor.execute("ANALYZE")
    clock.set_simulated(world.after)
    return world


BULK = (
    """INSERT INTO enrollment_site (code, name, owner_id, time_zone, zone_code, feeder_code, node_code, import_limit_kw,
         export_limit_kw, baseline_method)
       SELECT 'big-' || n, 'house ' || n, %(first)s + n %% %(owners)s, %(zone)s, 'DE', 'F' || n %% 40, '', 30, 30,
         'CAISO_10_IN_10' FROM generate_series(1, %(sites)s) n""",
    """INSERT INTO enrollment_portfolio (code, name, zone_code, feeder_code, time_zone, min_kw)
       SELECT 'PF-F' || n, 'feeder ' || n, 'DE', 'F' || n, %(zone)s, 100 FROM generate_series(0, 39) n""",
    """INSERT INTO enrollment_device (code, site_id, kind, name, max_consumption_kw, max_production_kw, controllable,
         energy_capacity_kwh, charge_efficiency, discharge_efficiency, cost_per_kwh, self_discharge_pu_per_day,
         min_on_minutes, min_off_minutes)
       SELECT s.code || '-' || k, s.id, (ARRAY['BATTERY', 'PV', 'HEAT_PUMP', 'EV_CHARGER', 'WATER_HEATER'])[k], '',
         10 + (s.id %% 7), 10, true, CASE WHEN k = 1 THEN 20 END, 0.95, 0.95, 0, 0, 0, 0
       FROM enrollment_site s, generate_series(1, 5) k WHERE s.code LIKE 'big-%%'""",
    """INSERT INTO enrollment_enrollment (device_id, portfolio_id, period)
       SELECT d.id, p.id, tstzrange('2016-01-01', NULL) FROM enrollment_device d JOIN enrollment_site s ON s.id = d.site_id
       JOIN enrollment_portfolio p ON p.feeder_code = s.feeder_code WHERE d.code LIKE 'big-%%'""",
    """INSERT INTO enrollment_ownerterms (device_id, period, reserve_floor_pu, notice_minutes, rest_minutes, opted_out)
       SELECT id, tstzrange('2016-01-01', NULL), 0.1, 0, 0, id %% 97 = 0 FROM enrollment_device
       WHERE code LIKE 'big-%%'""",
    """INSERT INTO dispatch_devicestatus (device_id, state, since, failures, retry_at)
       SELECT id, CASE WHEN id %% 50 = 0 THEN 'SILENT' ELSE 'ONLINE' END, '2016-07-14', 0, NULL FROM enrollment_device
       WHERE code LIKE 'big-%%' AND id %% 3 > 0""",
    """INSERT INTO settlement_settlementrun (portfolio_id, delivery_date, version, as_of, state, currency, revenue, penalty,
         payouts, fees, margin, findings, rules, checksum)
       SELECT p.id, date '2016-07-13' - n, 1, timestamptz '2016-07-14 03:00Z' - n * interval '1 day', 'OK', 'EUR', 100, 1,
         70, 5, 25, '[]', '{}', '' FROM enrollment_portfolio p, generate_series(1, 90) n WHERE p.code LIKE 'PF-F%%'""",
    """INSERT INTO accounts_auditevent (at, actor, action, subject_type, subject_key, reason)
       SELECT timestamptz '2016-07-14' - n * interval '1 minute', 'service', 'bid.checked', 'bidding.bid', n::text, ''
       FROM generate_series(1, 100000) n""",
)  # fmt: skip


def server_times(world: Any) -> None:
    """p50 and p95 over ROUNDS requests of each of staff's pages, after one that warms up."""
    from tests.apps.console.makers import client_for, every_page, make_user
    from vpp.accounts.models import Participant

    client = client_for(make_user("bench", Participant.Kind.AGGREGATOR, admin=True))
    extra = ["/fleet/?q=house+77", "/fleet/?kind=BATTERY&sort=power", "/fleet/?state=SILENT", "/fleet/?after=big-5"]
    for url in [*every_page(world), *extra]:
        client.get(url)
        spent, cpu = [], time.process_time()
        for _round in range(ROUNDS):
            begin = time.perf_counter()
            answer = client.get(url)
            spent.append((time.perf_counter() - begin) * 1000.0)
        cpu_ms = (time.process_time() - cpu) * 1000.0 / ROUNDS
        assert answer.status_code == 200, url
        middle, high = np.percentile(spent, [50, 95])
        goal = "p95 < 500 ms" if url.startswith("/fleet/") and "device" not in url else "p95 < 300 ms"
        say(f"GET {url[:52]}", f"{middle:.0f} / {high:.0f} ms, CPU {cpu_ms:.0f}", goal)


def with_people(world: Any) -> None:
    """50 people watch Today; what happens is seen by all within one round and the second for which an answer is kept."""
    from django.test import Client

    from tests.apps.console.makers import make_dead_job, make_user
    from vpp.accounts.models import Participant
    from vpp.jobs.web import WebServer

    client = Client()
    client.force_login(make_user("watcher", Participant.Kind.AGGREGATOR))
    cookie = f"sessionid={client.cookies['sessionid'].value}"
    with WebServer("127.0.0.1:0") as server:
        command = [sys.executable, "-m", "tests.benchmarks.console_watchers", server.url + "/", cookie]
        begin_cpu = time.process_time()
        people = subprocess.Popen(command, stdout=subprocess.PIPE)
        time.sleep(WATCH_S / 2)
        happened = time.time()
        make_dead_job(datetime.now(UTC) - timedelta(minutes=1))
        answer, _ = people.communicate(timeout=120)
        cpu_s = time.process_time() - begin_cpu
    told = json.loads(answer)
    took, seen = told["took"], told["seen"].values()
    middle, high = np.percentile(took, [50, 95])
    say(f"Today, {PEOPLE} people at once, {len(took)} answers, p50 / p95", f"{middle:.2f} / {high:.2f} s", "")
    say("the server's CPU for them", f"{cpu_s:.1f} of {WATCH_S:.0f} s", "")
    say(f"an event is on the screens of {len(seen)} of {PEOPLE} after", f"{max(seen) - happened:.1f} s", "< 5 s")


#: Milliseconds to the first contentful paint, waited for without eval, which the pages' policy forbids.
PAINTED = """() => new Promise((resolve) => {
  new PerformanceObserver((list) => {
    const found = list.getEntriesByName("first-contentful-paint");
    if (found.length) resolve(found[0].startTime);
  }).observe({ type: "paint", buffered: true });
})"""


def in_a_browser(world: Any) -> None:
    """First contentful paint and bytes with an empty cache, without the chart library."""
    from playwright.sync_api import sync_playwright

    from tests.apps.console.makers import client_for, day_url, make_user
    from vpp.accounts.models import Participant
    from vpp.jobs.web import WebServer

    client = client_for(make_user("browser", Participant.Kind.AGGREGATOR))
    session = client.cookies["sessionid"].value
    with WebServer("127.0.0.1:0") as server, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        chromium.new_context().new_page().goto(server.url + "/login/")  # the browser itself is warm, its cache is not
        for url in ("/", day_url(world), "/asks/", "/fleet/", "/bids/", "/settlement/", "/system/"):
            context = chromium.new_context()
            context.add_cookies([{"name": "sessionid", "value": str(session), "url": server.url}])
            page = context.new_page()
            page.goto(server.url + url, wait_until="load")
            paint = page.evaluate(PAINTED)
            weight = page.evaluate(
                "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
                ".filter(e => !e.name.includes('plotly')).reduce((sum, e) => sum + e.transferSize, 0)"
            )
            say(f"Chromium {url}: first paint, weight", f"{paint:.0f} ms, {weight / 1000:.0f} kB", "1500 ms, 400 kB")
            context.close()
        chromium.close()


if __name__ == "__main__":
    main()
