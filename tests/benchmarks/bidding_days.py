"""Rows of `tests.benchmarks.bidding` that play whole days: the nightly run, the replay of past prices, the laws."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from rich.table import Table


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    began = time.process_time()
    answer = work()
    return answer, time.process_time() - began


def nightly_row(table: Table, *, portfolios: int, devices: int) -> None:
    """In a process of its own: its memory is its peak, its database a private one."""
    command = [sys.executable, "-m", "tests.benchmarks.bidding_nightly", "--portfolios", str(portfolios)]
    answer = subprocess.run([*command, "--devices", str(devices)], capture_output=True, text=True, check=True)
    found = json.loads(answer.stdout.splitlines()[-1])
    steps = ", ".join(f"{name} {seconds:.0f}" for name, seconds in found["steps_s"].items())
    result = (
        f"{found['peak_gb']:.2f} GB, {found['optimised']} optimised, gap {found['gap_median']:.1e} "
        f"(worst {found['gap_worst']:.1e}), {found['bids']} bids, {found['sold_twice']} sold twice"
    )
    table.add_row(
        f"nightly run, {portfolios} portfolios, {devices:,} devices, 2 markets",
        f"{found['cpu_s']:.0f} s, {found['wall_s']:.0f} s wall", f"s of wall: {steps}", result, "600 s wall, 4 GB",
    )  # fmt: skip


def replay_row(table: Table, prices: Path | None, first: date, days: int) -> None:
    """A 1 MW / 2 MWh battery over past days, their prices forecast at noon of the day before."""
    what = f"replay, {days} days from {first}"
    if prices is None:
        table.add_row(what, "", "", "not run: --prices FILE.csv", "85 %, +15 points")
        return
    from bidding.kernels.replay import ReplayBattery, summed
    from bidding.operations.replay import read_prices, replay

    battery = ReplayBattery(min_quantity_kw=100.0)
    last = first + timedelta(days=days - 1)
    played, ours = timed(lambda: summed(list(replay(read_prices(prices), first, last, battery))))
    bid, copied = played.captured("bid"), played.captured("persistence")
    table.add_row(
        what, f"{ours:.0f} s", f"persistence {100 * copied:.1f} %",
        f"{100 * bid:.1f} % of perfect foresight, {100 * (bid - copied):+.1f} points", "85 %, +15 points",
    )  # fmt: skip


def law_row(table: Table, cases: int) -> None:
    """The law test, with more cases than everyday: nothing sold twice, below the minimum, both ways, falling."""
    test = "tests/kernels/bidding/test_properties.py::test_every_plan_keeps_every_limit_and_its_bound"
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", test],
        env=os.environ | {"VPP_BIDDING_CASES": str(cases)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    broken = "0 broken" if done.returncode == 0 else "BROKEN " + "".join(re.findall(r"^E  .*$", done.stdout, re.M)[:1])
    table.add_row(f"laws, {cases:,} random portfolios", "", f"{time.perf_counter() - began:.0f} s wall", broken, "0")
