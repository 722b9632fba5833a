"""A DERMS evening on a feeder: 24 quarter hours, 30 bids, a voltage floor and a line limit that the forecast breaks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vpp.network.kernels.clearing.problem import ClearingBid, ClearingProblem
from vpp.network.kernels.document import (
    BranchRow,
    FeederRow,
    NetworkDocument,
    NodeRow,
    SourceRow,
    SubstationRow,
    feeder_model,
)
from vpp.network.kernels.power_flow import run_power_flow

Floats = NDArray[np.float64]
N_INTERVALS, STEP_HOURS = 24, 0.25


def evening() -> Floats:
    """(24,) share of nominal load: a peak of a few intervals."""
    hours = np.linspace(-1, 1, N_INTERVALS)
    return np.asarray(0.72 + 0.25 * np.exp(-((hours / 0.28) ** 2)))


def reference_problem(
    document: NetworkDocument, p_kw: Floats, q_kvar: Floats, *, n_bids: int = 30, seed: int = 1, scale: float = 1.08
) -> ClearingProblem:
    """Load `scale` x evening; bids UP of 20-60 kW at load buses at 80-300 EUR/MWh from three aggregators; v >= 0.955
    and the head line's limit 2 % below its peak."""
    rng = np.random.default_rng(seed)
    nodes = [replace(row, v_min_pu=0.955, v_max_pu=1.05) for row in document.nodes]
    model = feeder_model(replace(document, nodes=nodes))
    shape = scale * evening()[:, None]
    base_p, base_q = shape * p_kw, shape * q_kvar
    flow = run_power_flow(model, base_p, base_q)
    line = int(
        np.argmax(
            np.where(flow.branch_p_kw.max(axis=0) < 0.6 * base_p.sum(axis=1).max(), flow.branch_p_kw.max(axis=0), 0)
        )
    )
    start, end = model.branches.from_node[line], model.branches.to_node[line]
    nominal_kv = model.nodes.nominal_kv[start]
    peak_kva = np.hypot(flow.branch_p_kw[:, line], flow.branch_q_kvar[:, line]).max()
    lowest = np.nanmin(flow.voltage_pu[:, [start, end]])
    rating_a = model.branches.rating_a.copy()
    rating_a[line] = 0.98 * peak_kva / (np.sqrt(3) * nominal_kv * lowest)
    model = replace(model, branches=replace(model.branches, rating_a=rating_a))
    loads = np.flatnonzero(p_kw > 0)
    bids = [_bid(number, int(rng.choice(loads)), rng) for number in range(n_bids)]
    return ClearingProblem(model, base_p, base_q, bids, STEP_HOURS)


def _bid(number: int, node: int, rng: np.random.Generator) -> ClearingBid:
    size_kw = rng.uniform(20, 60)
    price = np.full(N_INTERVALS, rng.uniform(80, 300))
    return ClearingBid(
        reference=f"bid-{number:03d}",
        aggregator=f"aggregator-{number % 3}",
        nodes=np.array([node]),
        weights=np.array([1.0]),
        p_kw=np.full(N_INTERVALS, -size_kw),
        q_kvar=np.full(N_INTERVALS, -size_kw * 0.3),
        price_per_mwh=price,
        price_per_mvarh=np.zeros(N_INTERVALS),
        start_cost=float(rng.choice([0.0, 0.0, 1.0])),
        min_pu=float(rng.choice([0.0, 0.2, 0.5])),
        energy_limit_kwh=size_kw * float(rng.choice([1.0, 2.0, np.inf])),
        rank=number,
    )


def many_options(
    document: NetworkDocument, p_kw: Floats, q_kvar: Floats, *, n_options: int = 1000, seed: int = 5
) -> ClearingProblem:
    """A day of 96 intervals with an evening peak; 250 bids of four exclusive options each, every second of which may be
    taken at another share in each interval."""
    small = reference_problem(document, p_kw, q_kvar, n_bids=0)
    rng = np.random.default_rng(seed)
    hours = np.arange(96) / 4
    shape = (1.08 * (0.62 + 0.1 * np.sin((hours - 13) / 24 * 2 * np.pi) + 0.25 * np.exp(-(((hours - 19) / 1.2) ** 2))))[
        :, None
    ]
    loads = np.flatnonzero(p_kw > 0)
    bids = []
    for number in range(n_options // 4):
        node, base_kw, base_price = int(rng.choice(loads)), rng.uniform(5, 20), rng.uniform(80, 300)
        for option in range(4):
            size = base_kw * (0.4 + 0.2 * option)
            window = (hours >= 16 + option % 2) & (hours < 21 + option % 3)
            bids.append(
                ClearingBid(
                    reference=f"bid-{number:04d}/{option}",
                    aggregator=f"aggregator-{number % 4}",
                    nodes=np.array([node]),
                    weights=np.array([1.0]),
                    p_kw=np.where(window, -size, 0.0),
                    q_kvar=np.where(window, -0.2 * size, 0.0),
                    price_per_mwh=np.full(96, base_price * (1 + 0.05 * option)),
                    price_per_mvarh=np.zeros(96),
                    min_pu=0.0 if number % 2 else 0.3,
                    one_share=number % 2 == 0,
                    energy_limit_kwh=size * 3 if number % 3 == 0 else np.inf,
                    exclusive_group=f"bid-{number:04d}",
                    rank=number,
                )
            )
    return replace(small, base_p_kw=shape * p_kw, base_q_kvar=shape * q_kvar, bids=bids)


def synthetic_feeder(count: int = 120, seed: int = 3) -> tuple[NetworkDocument, Floats, Floats]:
    """A medium-voltage tree of `count` buses at 4.16 kV with loads that bring its end near 0.95 pu."""
    rng = np.random.default_rng(seed)
    parents = [int(rng.integers(max(0, n - 5), n)) for n in range(1, count)]
    document = NetworkDocument(
        substations=[SubstationRow("S")],
        feeders=[FeederRow("F", "S")],
        nodes=[NodeRow(f"N{n}", "F", 4.16, 0.95, 1.05) for n in range(count)],
        branches=[
            BranchRow(
                f"L{n}", "F", f"N{parent}", f"N{n}", float(rng.uniform(0.004, 0.03)), float(rng.uniform(0.008, 0.04))
            )
            for n, parent in enumerate(parents, start=1)
        ],
        sources=[SourceRow("F", "N0", 1.0)],
    )
    p_kw = np.where(rng.random(count) < 0.7, rng.uniform(10, 40, count), 0.0)
    p_kw[0] = 0.0
    model = feeder_model(document)
    for _ in range(20):  # scaled until the end of the feeder stands near 0.952 pu
        lowest = float(run_power_flow(model, p_kw[None], 0.5 * p_kw[None]).voltage_pu.min())
        p_kw *= 0.048 / max(1 - lowest, 1e-6)
    return document, p_kw, 0.5 * p_kw
