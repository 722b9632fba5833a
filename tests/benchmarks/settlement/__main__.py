"""Figures of settlement beside their anchors: `make bench-settlement`, or `python -m tests.benchmarks.settlement`.

A private PostgreSQL in a temporary folder for each part; service and database share the machine's cores. The sizes are
the arguments; smaller ones are named in the table, nothing is extrapolated.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np

from tests.benchmarks.scratch import scratch_service
from tests.benchmarks.settlement.world import DAY, EVENING, ZONE, World

Report = Callable[[str, str, str, str], None]
METHODS = ("CAISO_10_IN_10", "PJM_4_OF_5_SAA", "NYISO_AVERAGE_DAY", "ENA_MID_8_OF_10_SDA")
MIDNIGHT = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)
EVENT_GAP_DAYS = 9
NIGHT = MIDNIGHT + timedelta(days=1, hours=3)


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def baselines(world: World, report: Report, history_days: int) -> None:
    """Four methods on one event, values read from the database in chunks; a sample beside the plain-Python reference."""
    from telemetry.queries import interval_power_kw
    from tests.kernels.settlement import reference
    from vpp.lib.units import energy_kwh
    from vpp.settlement.kernels.circumstances import Circumstances
    from vpp.settlement.kernels.methods import MethodContext, answer_for, make_rule
    from vpp.settlement.kernels.profile_data import shipped_profiles
    from vpp.settlement.kernels.slots import Event, Series

    ids = np.array([device.pk for device in world.devices])
    start = MIDNIGHT - timedelta(days=history_days)
    series = Series(np.datetime64(start.replace(tzinfo=None), "s"), 900, (history_days + 1) * 96)
    event = Event(MIDNIGHT + timedelta(hours=16), MIDNIGHT + timedelta(hours=19))
    rules = [
        make_rule(name=name, version=1, method="x_of_y", parameters=shipped_profiles()[name], zone=ZONE)
        for name in METHODS
    ]
    nothing = np.full(1, np.nan)
    sample: list[np.ndarray] = []

    def run() -> None:
        context = MethodContext(Circumstances())
        for first in range(0, ids.size, 500):
            power = interval_power_kw(ids[first : first + 500], start, MIDNIGHT + timedelta(days=1), as_of=NIGHT)
            values = energy_kwh(power, 15)
            if not sample:
                sample.append(values[1])
            for row in values:
                for rule in rules:
                    assert answer_for(rule, row, event, series, nothing, context).is_payable

    spent = seconds(run)
    report(
        f"baselines, {ids.size:,} sites x 1 event x 4 methods, from database", f"{spent:.1f} s", "", "60 s at 10,000"
    )
    question = {
        "tz": ZONE, "interval_minutes": 15, "series_start": start.isoformat(), "values": sample[0].tolist(),
        "event": {"start": event.start.isoformat(), "end": event.end.isoformat()},
    }  # fmt: skip
    plain = seconds(lambda: [reference.answer({**question, "preset": name}) for name in METHODS])
    context = MethodContext(Circumstances())
    for rule in rules:
        context.grid(rule, event, series)
    ours = seconds(lambda: [answer_for(rule, sample[0], event, series, nothing, context) for rule in rules])
    report("one site x 4 methods, in memory", f"{ours * 1e3:.2f} ms", f"{plain / ours:.0f} times a plain loop", "")
    assert ZoneInfo(ZONE)


def day(world: World, report: Report, owners: int, awards: int) -> None:
    from vpp.settlement import operations
    from vpp.settlement.models import SettlementRun

    spent = seconds(lambda: operations.settle_day(portfolio_id=world.portfolio.pk, delivery_date=DAY, at=NIGHT))
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    size = f"{len(world.codes):,} devices, {awards} commitments, {owners:,} owners"
    report(
        f"settlement of a day, {size}", f"{spent:.1f} s, {peak_gb:.2f} GB", "", "180 s and 3 GB at 20,000, 50, 5,000"
    )
    run = SettlementRun.objects.get(delivery_date=DAY, version=1)
    again = seconds(lambda: operations.verify_run(run))  # raises where a byte differs
    report("rerun of the settled day", "identical", f"{again:.1f} s", "identical to the byte")


def restatement(world: World, report: Report, events: int, corrected: int) -> None:
    """Earlier days are settled too; then single readings of 90 days are corrected and only what they touch is computed."""
    from vpp.settlement import operations
    from vpp.settlement.models import SettlementRun

    for back in range(events):
        when = DAY - timedelta(days=EVENT_GAP_DAYS * back)
        operations.settle_day(portfolio_id=world.portfolio.pk, delivery_date=when, at=NIGHT)
    later = NIGHT + timedelta(hours=1)
    world.correct(corrected, later)
    found: list[SettlementRun] = []
    spent = seconds(lambda: found.extend(operations.restate_changed(at=later + timedelta(hours=1))))
    size = f"{corrected:,} corrected readings over 90 days, {events} settled events, {len(world.codes):,} devices"
    report(f"restatement, {size}", f"{spent:.1f} s", f"{len(found)} touched", "60 s, only touched events")
    world.correct_one(DAY - timedelta(days=EVENT_GAP_DAYS * (events - 1)), later + timedelta(hours=2))
    few: list[SettlementRun] = []
    spent = seconds(lambda: few.extend(operations.restate_changed(since=later, at=later + timedelta(hours=3))))
    dates = ", ".join(str(run.delivery_date) for run in few)
    report("restatement, one reading of the oldest event", f"{spent:.1f} s", f"{len(few)} touched: {dates}", "")


def allocation(report: Report) -> None:
    from vpp.lib.money import allocate_cents

    rng = np.random.default_rng(1)
    weights = [Decimal(int(value)) for value in rng.integers(0, 10**9, 1_000_000)]
    keys = [f"{number:012d}" for number in range(len(weights))]
    parts: list[int] = []
    spent = seconds(lambda: parts.extend(allocate_cents(123_456_789, weights, keys)))
    assert sum(parts) == 123_456_789
    report("allocation, 1,000,000 owners", f"{spent:.2f} s", "exact sum", "3 s")


def main() -> None:
    options = arguments()
    from rich.console import Console
    from rich.table import Table

    table = Table("what", "figure", "beside", "to reach")
    with scratch_service():
        PARTS[options.part](options, table.add_row)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    Console(width=150).print(table, f"{os.cpu_count()} cores, load {load}, event of {len(EVENING)} intervals")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=sorted(PARTS), required=True)
    parser.add_argument("--devices", type=int, help="of the part; its own full size without it")
    parser.add_argument("--owners", type=int, default=5000)
    parser.add_argument("--commitments", type=int, help="50 for a day, 1 for each event that is restated")
    parser.add_argument("--events", type=int, default=10, help="settled before the restatement, every nine days")
    parser.add_argument("--corrected", type=int, default=1000)
    return parser.parse_args()


def _baselines(options: argparse.Namespace, report: Report) -> None:
    world = World(devices=options.devices or 10_000, owners=100, history_days=61)
    baselines(world, report, 61)


def _day(options: argparse.Namespace, report: Report) -> None:
    world = World(devices=options.devices or 20_000, owners=options.owners, history_days=46)
    world.sell(options.commitments or 50)
    day(world, report, options.owners, options.commitments or 50)


def _restatement(options: argparse.Namespace, report: Report) -> None:
    days = EVENT_GAP_DAYS * options.events + 46
    world = World(devices=options.devices or 1500, owners=100, history_days=days, metered=True)
    for back in range(options.events):
        world.sell(options.commitments or 1, on=DAY - timedelta(days=EVENT_GAP_DAYS * back))
    restatement(world, report, options.events, options.corrected)


PARTS: dict[str, Callable[[argparse.Namespace, Report], None]] = {
    "allocation": lambda _, report: allocation(report),
    "baselines": _baselines,
    "day": _day,
    "restatement": _restatement,
}


if __name__ == "__main__":
    main()
