"""Figures of the network room beside what is to be reached: `make bench-network ARGS='--ieee123 FOLDER'`.

Without the folder of IEEE-123 tables (buses.csv, branches.csv) its rows are left out and a synthetic feeder of 120 buses
stands in. Every figure is the best of a few runs; the feeder-days on two processes are one run.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.network.days import Feeder, feeder_days
from tests.benchmarks.network.ieee123 import read_feeder
from tests.benchmarks.network.reference_case import many_options, reference_problem, synthetic_feeder
from vpp.network.kernels.clearing.clear import ClearingOptions, clear
from vpp.network.kernels.document import feeder_model
from vpp.network.kernels.envelopes import operating_envelopes
from vpp.network.kernels.needs import find_needs
from vpp.network.kernels.power_flow import run_power_flow
from vpp.network.kernels.sweep import sweep_voltages_pu

Report = Callable[[str, str, str], None]


@dataclass(frozen=True)
class Spent:
    """Wall clock, and the processor's own seconds, which a busy machine does not stretch."""

    wall_s: float
    cpu_s: float

    def __str__(self) -> str:
        return f"{self.wall_s:.2f} s ({self.cpu_s:.2f} s CPU)"


def seconds(work: Callable[[], Any], runs: int = 3) -> tuple[Spent, Any]:
    """Best of `runs`, and the last answer."""
    wall_s, cpu_s, answer = np.inf, np.inf, None
    for _ in range(runs):
        begin, begin_cpu = time.perf_counter(), time.process_time()
        answer = work()
        wall_s = min(wall_s, time.perf_counter() - begin)
        cpu_s = min(cpu_s, time.process_time() - begin_cpu)
    return Spent(float(wall_s), float(cpu_s)), answer


def published(feeder: Feeder, report: Report) -> None:
    document, p_kw, q_kvar = feeder
    model = feeder_model(document)
    result = run_power_flow(model, p_kw[None], q_kvar[None])
    report("IEEE-123: losses", f"{result.source_p_kw[0] - p_kw.sum():.2f} kW", "96.64 kW")
    report("IEEE-123: lowest voltage", f"{result.voltage_pu.min():.5f} pu", "0.95124 pu")
    swept = sweep_voltages_pu(model, p_kw[None], q_kvar[None])
    report("IEEE-123: sweep against power-grid-model", f"{np.abs(swept - result.voltage_pu).max():.1e} pu", "1e-6 pu")


def flows(feeder: Feeder, count: int, report: Report) -> None:
    size = len(feeder[0].nodes)
    spent, _ = seconds(lambda: feeder_days(feeder, 10))
    report(
        f"feeder-day, {size} buses x 96, build and outputs",
        f"{spent.wall_s * 100:.1f} ms ({spent.cpu_s * 100:.1f} ms CPU)",
        "50 ms",
    )
    context = multiprocessing.get_context("spawn")
    begin = time.perf_counter()
    workers = [context.Process(target=feeder_days, args=(feeder, count // 2, seed)) for seed in (1, 2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise RuntimeError("a worker failed")
    report(f"{count:,} feeder-days, one process a core", f"{time.perf_counter() - begin:.1f} s", "60 s")


def clearing(feeder: Feeder, report: Report) -> None:
    """Against the best of two longer searches: rows from finite differences or LinDistFlow, gap 1e-7, 40 corrections."""
    for seed in (1, 2, 3):
        problem = reference_problem(*feeder, seed=seed)
        spent, result = seconds(lambda p=problem: clear(p))  # type: ignore[misc]
        thorough = [
            clear(problem, ClearingOptions(max_corrections=40, mip_gap=1e-7, probe=probe, time_limit_s=60))
            for probe in (False, True)
        ]
        best = min(plan.total_cost for plan in thorough if plan.ac_valid and plan.cures_all)
        over = result.total_cost / best - 1
        valid = "AC-valid" if result.ac_valid and result.cures_all else "NOT VALID"
        report(f"clearing 30 bids x 24, draw {seed}", f"{spent}, {valid}, {over:+.2%}", "2 s, valid, +2 %")


def large_clearing(feeder: Feeder, report: Report) -> None:
    problem = many_options(*feeder)
    spent, result = seconds(lambda: clear(problem), runs=1)
    valid = "AC-valid" if result.ac_valid else "NOT VALID"
    left = f"{len(result.after)} of {len(result.before)} violations left"
    report("clearing 1,000 options x 96", f"{spent}, {valid}, {left}, {result.corrections} corrections", "10 s")


def desk(feeder: Feeder, report: Report) -> None:
    document, p_kw, q_kvar = feeder
    problem = reference_problem(document, p_kw, q_kvar)
    spent, needs = seconds(lambda: find_needs(problem.model, problem.base_p_kw, problem.base_q_kvar))
    report(f"needs of 24 intervals ({len(needs)} found)", str(spent), "")
    shape = np.tile(0.6 + 0.3 * np.sin(np.arange(96) / 96 * np.pi), (p_kw.size, 1)).T
    cap_kw = np.tile(np.where(p_kw > 0, 50.0, 0.0), (96, 1))
    model = feeder_model(replace(document))
    spent, _ = seconds(
        lambda: operating_envelopes(model, shape * p_kw, shape * q_kvar, can_consume_kw=cap_kw, can_produce_kw=cap_kw)
    )
    report("operating envelopes of a feeder-day", str(spent), "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ieee123", type=Path, help="folder with buses.csv and branches.csv")
    parser.add_argument("--feeder-days", type=int, default=1000)
    parser.add_argument("--only", choices=("flows", "clearing", "large", "desk"))
    options = parser.parse_args()
    from rich.console import Console
    from rich.table import Table

    before = os.getloadavg()[0]
    table = Table("what", "figure", "to reach")
    feeder = read_feeder(options.ieee123) if options.ieee123 else synthetic_feeder()
    if options.ieee123:
        published(feeder, table.add_row)
    if options.only in (None, "flows"):
        flows(feeder, options.feeder_days, table.add_row)
    if options.only in (None, "clearing"):
        clearing(feeder, table.add_row)
    if options.only in (None, "large"):
        large_clearing(feeder, table.add_row)
    if options.only in (None, "desk"):
        desk(feeder, table.add_row)
    load = f"load {before:.1f} before, {os.getloadavg()[0]:.1f} after"
    Console(width=130).print(table, f"{os.cpu_count()} cores, {load}")


if __name__ == "__main__":
    main()
