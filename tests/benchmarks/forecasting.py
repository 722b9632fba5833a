"""The nightly forecast at 1,000, 10,000 and 100,000 series: `make bench-forecast ARGS="1000 10000"`.

From database to database: packed readings of 56 days in, mean and three quantiles of 96 intervals a series out, with 300
portfolios whose sums go through SARIMA, their scenarios and envelopes. Each size runs in a process of its own with a
private PostgreSQL in a temporary folder; service and database share the machine's cores.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import resource
import subprocess
import sys
import time
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from tests.benchmarks.scratch import scratch_service

DAY = date(2016, 7, 14)
ISSUE = datetime(2016, 7, 13, 8, tzinfo=UTC)
HISTORY_DAYS = 57
TEMPLATES = 1000
GROUPS = 300
KINDS = {"LOAD": 0.64, "PV": 0.22, "EV_CHARGER": 0.06, "HEAT_PUMP": 0.06, "WIND": 0.02}


def synthetic(kind: str, hours: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Power in kW over hours since midnight of the first day, consumption positive."""
    of_day, day = hours % 24, (hours // 24).astype(int)
    noise = random.gamma(4, 0.25, len(hours))
    if kind == "PV":
        clear = random.uniform(0.2, 1, day.max() + 1)[day]
        return -8 * np.maximum(np.sin((of_day - 5) / 14 * np.pi), 0) * ((of_day > 5) & (of_day < 19)) * clear
    if kind == "EV_CHARGER":
        arrives, stays = random.uniform(15, 22), random.uniform(0, 5, day.max() + 1)
        return np.where((of_day >= arrives) & (of_day < arrives + stays[day] - 2), 7.0, 0.0)
    if kind == "WIND":
        gusts = np.convolve(random.normal(size=len(hours)), np.ones(48) / 7, mode="same")
        return -30 / (1 + np.exp(-gusts))
    usual = 1 + np.sin((of_day - random.uniform(4, 8)) / 24 * 2 * np.pi) ** 2
    return usual * np.where(day % 7 < 5, 1.0, random.uniform(0.5, 1.2)) * noise


def enroll(series: int) -> list[int]:
    """Sites, devices and portfolios; returns the device ids, kinds in turn as `KINDS` says."""
    from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

    from vpp.accounts.models import Participant
    from vpp.enrollment.models import Device, Enrollment, Portfolio, Site

    always = DateTimeTZRange(datetime(2015, 1, 1, tzinfo=UTC), None)
    owner = Participant.objects.create(code="owner", name="owner", kind="OWNER")
    sites = Site.objects.bulk_create(
        (
            Site(code=f"s{n}", name=f"s{n}", owner=owner, time_zone="Europe/Berlin", zone_code="DE",
                 import_limit_kw=50, export_limit_kw=50)
            for n in range(series)
        ),
        batch_size=5000,
    )  # fmt: skip
    kinds = np.random.default_rng(0).choice(list(KINDS), p=list(KINDS.values()), size=TEMPLATES)
    devices = Device.objects.bulk_create(
        (
            Device(code=site.code, site=site, kind=kinds[n % TEMPLATES], controllable=kinds[n % TEMPLATES] != "LOAD",
                   max_consumption_kw=0 if kinds[n % TEMPLATES] in ("PV", "WIND") else 30,
                   max_production_kw=35 if kinds[n % TEMPLATES] in ("PV", "WIND") else 0)
            for n, site in enumerate(sites)
        ),
        batch_size=5000,
    )  # fmt: skip
    portfolios = Portfolio.objects.bulk_create(
        Portfolio(code=f"P{n}", name=f"P{n}", zone_code="DE", time_zone="Europe/Berlin") for n in range(GROUPS)
    )
    Enrollment.objects.bulk_create(
        (Enrollment(device=one, portfolio=portfolios[n % GROUPS], period=always) for n, one in enumerate(devices)),
        batch_size=5000,
    )
    return [one.pk for one in devices]


def meter(ids: list[int]) -> None:
    """Packed days of readings: made for some devices, copied for the others."""
    from django.db import connection

    from vpp.enrollment.models import Device

    first = ISSUE.replace(hour=0) - timedelta(days=HISTORY_DAYS - 1)
    hours = np.arange(HISTORY_DAYS * 96) / 4 + 2  # UTC midnight is two o'clock
    known = hours - 2 < (ISSUE - first).total_seconds() / 3600
    kinds = dict(Device.objects.filter(pk__in=ids[:TEMPLATES]).values_list("pk", "kind"))
    with connection.cursor() as cursor:
        for seed, device_id in enumerate(ids[:TEMPLATES]):
            energy = np.where(known, synthetic(kinds[device_id], hours, np.random.default_rng(seed)) / 4, np.nan)
            days = [
                ((first + timedelta(days=n)).date(), device_id, ISSUE, ISSUE, row.astype("<f8").tobytes())
                for n, row in enumerate(energy.reshape(HISTORY_DAYS, 96))
            ]
            cursor.executemany(
                "INSERT INTO telemetry_rollupday (day, device_id, first_available_at, available_at, energy_kwh) "
                "VALUES (%s, %s, %s, %s, %s)",
                days,
            )
        for start in range(TEMPLATES, len(ids), TEMPLATES):
            shift = ids[start] - ids[0]
            cursor.execute(
                "INSERT INTO telemetry_rollupday (day, device_id, first_available_at, available_at, energy_kwh) "
                "SELECT day, device_id + %s, first_available_at, available_at, energy_kwh FROM telemetry_rollupday "
                "WHERE device_id BETWEEN %s AND %s",
                [shift, ids[0], ids[min(TEMPLATES, len(ids) - start) - 1]],
            )
        cursor.execute("ANALYZE telemetry_rollupday")


def run(series: int, *, profiled: bool) -> None:
    """One size; writes seconds of the clock, CPU seconds of this process, its workers and the database's backend, and
    the peak memory in GB of this process and of the largest worker."""
    with scratch_service():
        meter(enroll(series))
        from forecasting.models import Forecast
        from forecasting.operations import run_forecast

        began, before = time.perf_counter(), cpu_seconds()
        with cProfile.Profile() if profiled else nullcontext() as profile:
            runs = run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE)
        spent = time.perf_counter() - began
        used = [now - then for now, then in zip(cpu_seconds(), before, strict=True)]
        assert len(runs) == GROUPS and Forecast.objects.filter(scope="DEVICE").count() == series
        if profile is not None:
            pstats.Stats(profile, stream=sys.stderr).sort_stats("cumulative").print_stats(70)
        whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        peaks = [resource.getrusage(who).ru_maxrss / 2**20 for who in whose]
        sys.stdout.write(" ".join(str(one) for one in (spent, *used, *peaks)) + "\n")


def cpu_seconds() -> tuple[float, float, float]:
    """Of this process, of its workers that have ended, and of the database's process that serves it."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]
    fields = Path(f"/proc/{backend}/stat").read_text().rsplit(")", 1)[1].split()
    ticks = int(fields[11]) + int(fields[12])  # utime and stime, proc(5)
    workers = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time(), workers.ru_utime + workers.ru_stime, ticks / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", type=int, nargs="*", default=[1000, 10_000, 100_000])
    parser.add_argument("--one", action="store_true", help="run the one size in this process")
    parser.add_argument("--profile", action="store_true", help="with --one: where the seconds of this process go")
    options = parser.parse_args()
    if options.one:
        return run(options.sizes[0], profiled=options.profile)
    from rich.console import Console
    from rich.table import Table

    table = Table("series x 96", "clock s", "CPU s: service", "workers", "database", "peak GB", "a worker", "slope")
    before: tuple[int, float, float] | None = None
    for size in options.sizes:
        command = [sys.executable, "-m", "tests.benchmarks.forecasting", "--one", str(size)]
        answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        spent, own, workers, database, peak, largest = (float(one) for one in answer[-6:])
        cpu = own + workers + database
        slope = ""
        if before:
            more = size - before[0]
            slope = f"{(spent - before[1]) / more * 1000:.1f} ms, {(cpu - before[2]) / more * 1000:.1f} CPU ms"
        numbers = [f"{one:.1f}" for one in (spent, own, workers, database)]
        table.add_row(f"{size:,}", *numbers, f"{peak:.2f}", f"{largest:.2f}", slope)
        before = (size, spent, cpu)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    Console(width=120).print(
        table, f"{GROUPS} ARIMA groups, {os.cpu_count()} cores, load {load}; 100,000 in 900 s, 6 GB"
    )
    return None


if __name__ == "__main__":
    main()
