"""The nightly run of a zone, from database to database; a part of `python -m tests.benchmarks.bidding`.

A private PostgreSQL in a temporary folder holds devices, 42 days of readings and prices; the run makes its own forecast,
the fallbacks, the optimised plans with curves, the bids and the book's check, and sends. Service and database share the
machine's cores; memory is the peak of this process.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from datetime import UTC, datetime
from typing import Any

import numpy as np

from tests.benchmarks.forecasting import DAY, ISSUE, TEMPLATES, meter
from tests.benchmarks.scratch import scratch_service

ZONE = "Europe/Berlin"
SHARES = {"BATTERY": 0.25, "EV_CHARGER": 0.25, "HEAT_PUMP": 0.2, "PV": 0.2, "LOAD": 0.1}
CONSUMES_KW = {"BATTERY": 10.0, "EV_CHARGER": 11.0, "HEAT_PUMP": 6.0, "PV": 0.0, "LOAD": 4.0}
PRODUCES_KW = {"BATTERY": 10.0, "PV": 8.0}
DURATIONS_H = (1.0, 2.0, 4.0)


def _device(site: Any, number: int, kind: str) -> Any:
    from vpp.enrollment.models import Device

    storage: dict[str, Any] = {}
    if kind == "BATTERY":
        hours, efficiency = DURATIONS_H[number % 3], 0.95 if number % 2 else 0.92
        storage = {"energy_capacity_kwh": 10.0 * hours, "charge_efficiency": efficiency, "cost_per_kwh": "0.005",
                   "discharge_efficiency": efficiency}  # fmt: skip
    return Device(
        code=site.code, site=site, kind=kind, controllable=True, max_consumption_kw=CONSUMES_KW[kind],
        max_production_kw=PRODUCES_KW.get(kind, 0.0), **storage,
    )  # fmt: skip


def enroll(portfolios: int, devices: int) -> list[int]:
    """One feeder a portfolio, with a limit at its head; kinds as in SHARES; returns the ids of the devices."""
    from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

    from tests.factories import make_congestion_point
    from vpp.accounts.models import Participant
    from vpp.enrollment.models import Device, Enrollment, Portfolio, Site

    always = DateTimeTZRange(datetime(2015, 1, 1, tzinfo=UTC), None)
    owner = Participant.objects.create(code="owner", name="owner", kind="OWNER")
    first = make_congestion_point(limit_kw=4000.0)
    points = [first, *(make_congestion_point(utility=first.utility, limit_kw=4000.0) for _ in range(portfolios - 1))]
    sites = Site.objects.bulk_create(
        (
            Site(code=f"s{n}", name=f"s{n}", owner=owner, time_zone=ZONE, zone_code="DE", import_limit_kw=50,
                 export_limit_kw=50, feeder_code=points[n % portfolios].feeder.code, node_code="n1")
            for n in range(devices)
        ),
        batch_size=5000,
    )  # fmt: skip
    kinds = np.random.default_rng(0).choice(list(SHARES), p=list(SHARES.values()), size=TEMPLATES)
    made = Device.objects.bulk_create(
        (_device(site, n, str(kinds[n % TEMPLATES])) for n, site in enumerate(sites)), batch_size=5000
    )
    groups = Portfolio.objects.bulk_create(
        Portfolio(code=f"P{n}", name=f"P{n}", zone_code="DE", time_zone=ZONE) for n in range(portfolios)
    )
    Enrollment.objects.bulk_create(
        (Enrollment(device=one, portfolio=groups[n % portfolios], period=always) for n, one in enumerate(made)),
        batch_size=5000,
    )
    return [one.pk for one in made]


def _figures(portfolios: int, devices: int) -> dict[str, Any]:
    from bidding import operations
    from bidding.models import Bid, PlannedDay, Product
    from bidding.queries import book_check
    from tests.apps.bidding.world import import_demo_markets, post_price_history
    from vpp.lib.periods import DeliveryDay

    import_demo_markets(ISSUE, one_reserve=False)
    meter(enroll(portfolios, devices))
    post_price_history(Product.objects.get(code="ENERGY-60"), DeliveryDay(DAY, ZONE), ISSUE)
    began, cpu = time.perf_counter(), time.process_time()
    run = operations.nightly(zone_code="DE", delivery_date=DAY, at=ISSUE)
    spent, cpu = time.perf_counter() - began, time.process_time() - cpu
    plans = PlannedDay.objects.filter(run=run)
    gaps = [plan.gap for plan in plans if plan.gap is not None]
    return {
        "wall_s": spent, "cpu_s": cpu, "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "steps_s": {step.name: step.duration_s for step in run.steps.order_by("pk")},
        "optimised": plans.filter(kind=PlannedDay.Kind.OPTIMISED).count(), "state": run.state,
        "gap_median": float(np.median(gaps)) if gaps else None, "gap_worst": max(gaps, default=None),
        "bids": Bid.objects.filter(nightly_run=run, state__in=Bid.SENT_STATES).count(),
        "sold_twice": len(book_check(DAY)),
        "findings": [text for step in run.steps.all() for text in step.detail.get("findings", [])][:5],
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--portfolios", type=int, default=50)
    parser.add_argument("--devices", type=int, default=20_000)
    chosen = parser.parse_args()
    with scratch_service():
        sys.stdout.write(json.dumps(_figures(chosen.portfolios, chosen.devices)) + "\n")


if __name__ == "__main__":
    main()
