"""`python -m tests.benchmarks.bidding`: the bid's figures, each beside the same work done the plain way; one thread.

CPU seconds of this process; ratios are within this run, so a busy machine does not spoil them. The replay needs a file
of prices (`--prices`), the laws as many random portfolios as `--cases` says.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import sparse

from bidding.kernels.solver import SolverFailed, SolverOptions, solve
from bidding.kernels.whatif.answer import what_if
from bidding.kernels.whatif.document import read_document
from bidding.kernels.whatif.matrix import build
from tests.benchmarks.bidding_days import law_row, nightly_row, replay_row, timed
from tests.kernels.bidding.reference import reference_objective
from tests.kernels.bidding.whatif_cases import battery_day, document, storage

TREE_S = 120.0


def fleet_day(
    count: int, *, kinds: int = 0, scenarios: int = 1, intervals: int = 96, seed: int = 1, apart: bool = False
) -> dict[str, Any]:
    """Storages with three hourly reserves (activation, endurance, 100 kW minimum) and priced deviations; with `kinds`
    that many sorts which differ in size only, else all different: `apart`, in everything there is.
    """
    rng = np.random.default_rng(seed)
    hours = intervals // 4
    prices = 45 + 25 * np.sin(np.arange(hours) / 24 * 4 * np.pi) + rng.normal(0, 12, (scenarios, hours))
    storages = []
    for number in range(count):
        kind = int(rng.integers(0, kinds)) if kinds else number
        own = np.random.default_rng(1000 + kind)
        power, duration = own.uniform(200, 1000), own.choice([1, 2, 4])
        size = rng.uniform(0.5, 1.5) if kinds else 1.0
        one_way = kind % 3 == 0
        energy = power * duration * size
        storages.append(
            storage(
                f"s{number}", feeder="FG"[kind % 2], charge_kw=power * size, energy_max_kwh=energy,
                discharge_kw=0.0 if one_way else power * size, energy_start_kwh=0.5 * energy,
                energy_end_kwh=(0.6 if one_way else 0.5) * energy,
                charge_efficiency=float(own.choice([0.9, 0.95])), wear_per_mwh=float(own.choice([2.0, 5.0])),
                discharge_efficiency=float(own.choice([0.9, 0.95])),
            )
            | (_own_everything(own, energy, one_way=one_way) if apart else {})
        )  # fmt: skip
    raw = document(prices.round(2).tolist(), storages, intervals=intervals)
    raw["energy"] |= {"mtu_minutes": 60, "min_quantity_kw": 100.0}
    deviation = np.repeat(prices, 4, axis=1) + rng.normal(0, 15, (scenarios, intervals))
    raw["imbalance"] = {"price_per_mwh": deviation.round(2).tolist(), "spread_per_mwh": 8.0}
    raw["reserves"] = [
        {"name": name, "direction": way, "mtu_minutes": 60, "min_quantity_kw": 100.0, "endurance_h": endurance,
         "price_per_mw_h": rng.uniform(3, 15, hours).round(2).tolist(), "activation": activation}
        for name, way, endurance, activation in (
            ("up", "up", 1.0, 0.1), ("down", "down", 1.0, 0.1), ("spin", "up", 0.5, 0.02))
    ]  # fmt: skip
    limit = 200.0 * count
    raw["feeders"] = [{"name": name, "export_limit_kw": limit, "import_limit_kw": limit} for name in "FG"]
    raw["risk"] = {"beta": 0.2 if scenarios > 1 else 0.0, "alpha": 0.8}
    return raw


def _own_everything(own: np.random.Generator, energy_kwh: float, *, one_way: bool) -> dict[str, float]:
    """Hours, beginning, efficiencies and wear of a storage as nobody else has them."""
    energy_kwh *= own.uniform(0.9, 1.1)
    start_kwh = own.uniform(0.0, 1.0) * energy_kwh
    return {
        "energy_max_kwh": energy_kwh, "energy_start_kwh": start_kwh,
        "energy_end_kwh": min(energy_kwh, 1.1 * start_kwh) if one_way else start_kwh,
        "charge_efficiency": own.uniform(0.85, 0.97), "discharge_efficiency": own.uniform(0.85, 0.97),
        "wear_per_mwh": own.uniform(0.0, 20.0),
    }  # fmt: skip


def battery_rows(table: Table) -> None:
    for kind in ("positive", "negative", "fee"):
        raw = battery_day(kind)
        answer, ours = timed(partial(what_if, raw))
        optimum, theirs = timed(partial(reference_objective, raw))
        off = abs(answer["objective"] / optimum - 1)
        table.add_row(
            f"battery day, {kind}", f"{ours:.3f} s", f"{theirs:.3f} s scipy", f"{off:.1e} off", "1e-6, 0.25 s"
        )


def reserve_row(table: Table) -> None:
    """Two passes against branch and bound on the same matrix with all direction binaries, both to 0.01 %."""
    raw = fleet_day(20)
    answer, ours = timed(lambda: what_if(raw))
    problem = read_document(raw)
    every = np.ones((problem.scenarios, problem.fleet.size, problem.intervals), dtype=bool)
    model = build(problem, exclusive=every)[0].model()
    options = SolverOptions(time_limit_s=TREE_S, mip_gap=1e-4, node_limit=100_000)
    exact, theirs = timed(lambda: solve(model, options))
    note = f"gap {answer['gap']:.1e}, ratio {ours / theirs:.2f}" + (
        "" if exact.gap <= 1e-4 else f", tree cut off at {TREE_S:.0f} s"
    )
    table.add_row(
        "20 storages x 96, 3 reserves", f"{ours:.1f} s", f"{theirs:.1f} s branch and bound", note, "1e-4, 0.6"
    )


def build_row(table: Table, count: int, scenarios: int) -> None:
    """Document in memory to arrays in the solver's layout, against handing over the bare matrix alone."""
    import highspy

    from bidding.kernels.engines import _highs_lp

    problem = read_document(fleet_day(count, kinds=count, scenarios=scenarios))

    def hand_over(model: Any) -> None:
        highs = highspy.Highs()
        highs.silent()
        highs.passModel(_highs_lp(model, highspy))

    model, built = timed(lambda: build(problem)[0].model())
    _, passed = timed(lambda: hand_over(model))
    triples = model.rows.tocoo()
    _, bare = timed(lambda: sparse.csr_matrix((triples.data, (triples.row, triples.col)), shape=model.rows.shape))
    ratio = (built + passed) / (bare + passed)
    table.add_row(
        f"build and hand over, {model.rows.nnz / 1e6:.1f} M non-zeros", f"{built + passed:.2f} s",
        f"{bare + passed:.2f} s bare matrix", f"ratio {ratio:.1f}", "6",
    )  # fmt: skip


def scenario_row(table: Table, *, storages: int, kinds: int) -> None:
    """Ten scenarios with CVaR, solved along their structure; wall time too, because two cores are allowed."""
    began = time.perf_counter()
    raw = fleet_day(storages, kinds=kinds, scenarios=10)
    answer, ours = timed(lambda: what_if(raw, time_limit_s=300.0))
    groups = answer["aggregation"]
    note = f"{groups['groups']} groups, gap {answer['gap']:.1e}, loss {groups['loss']:.1e}, {answer['status']}"
    wall = f"{time.perf_counter() - began:.0f} s wall"
    table.add_row(f"{storages:,} storages x 96 x 10", f"{ours:.1f} s", wall, note, "120 s, 1e-3, loss 5e-4")


def grouped_row(table: Table) -> None:
    answer, ours = timed(lambda: what_if(fleet_day(1000, kinds=20), time_limit_s=600.0))
    groups = answer["aggregation"]
    note = f"{groups['groups']} groups, gap {answer['gap']:.1e}, loss {groups['loss']:.1e}"
    table.add_row("1,000 storages x 96 of 20 sorts, grouped", f"{ours:.1f} s", "", note, "1e-3, loss 5e-4")


def different_row(table: Table, *, scenarios: int) -> None:
    """A thousand storages of which no two are alike in anything."""
    began = time.perf_counter()
    answer, ours = timed(lambda: what_if(fleet_day(1000, scenarios=scenarios, apart=True), time_limit_s=900.0))
    note = f"gap {answer['gap']:.1e}, loss {answer['aggregation']['loss']:.1e}, {answer['status']}"
    wall = f"{time.perf_counter() - began:.0f} s wall"
    table.add_row(f"1,000 different storages x 96 x {scenarios}", f"{ours:.1f} s", wall, note, "120 s, 1e-3, loss 5e-4")


PARTS = ("battery", "build", "reserves", "grouped", "scenarios", "different", "nightly", "replay", "laws")
QUICK = ("battery", "build")


def parts_of(chosen: argparse.Namespace, table: Table) -> dict[str, list[Callable[[], None]]]:
    parts: dict[str, list[Callable[[], None]]] = {
        "battery": [partial(battery_rows, table)],
        "build": [partial(build_row, table, 200, 1)],
        "reserves": [partial(reserve_row, table)],
        "grouped": [partial(grouped_row, table)],
        "scenarios": [partial(scenario_row, table, storages=1000, kinds=20)],
        "different": [partial(different_row, table, scenarios=count) for count in (1, 10)],
        "nightly": [partial(nightly_row, table, portfolios=chosen.portfolios, devices=chosen.devices)],
        "replay": [partial(replay_row, table, chosen.prices, chosen.first, chosen.days)],
        "laws": [partial(law_row, table, chosen.cases)],
    }
    if not chosen.quick:
        parts["build"].append(partial(build_row, table, 200, 10))
    return parts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only what takes seconds")
    parser.add_argument("--only", choices=PARTS, help="one part")
    parser.add_argument("--portfolios", type=int, default=50, help="of the nightly run")
    parser.add_argument("--devices", type=int, default=20_000, help="of the nightly run")
    parser.add_argument("--prices", type=Path, help="CSV of past prices to replay, as for manage.py replay")
    parser.add_argument("--from", dest="first", type=date.fromisoformat, default=date(2016, 1, 1))
    parser.add_argument("--days", type=int, default=90, help="to replay")
    parser.add_argument("--cases", type=int, default=500, help="random portfolios for the laws")
    chosen = parser.parse_args()
    table = Table("what", "ours, CPU", "beside it, CPU", "result", "to reach", title="Bidding")
    for name, rows in parts_of(chosen, table).items():
        if name == chosen.only or (chosen.only is None and (name in QUICK or not chosen.quick)):
            for row in rows:
                try:
                    row()
                except (SolverFailed, subprocess.CalledProcessError) as error:
                    table.add_row(name, "", "", f"FAILED: {error}"[:200], "")
                sys.stderr.write(f"{name} done\n")
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    Console(width=150).print(table, f"{os.cpu_count()} cores, load {load}")


if __name__ == "__main__":
    main()
