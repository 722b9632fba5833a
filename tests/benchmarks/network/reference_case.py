"""A DERMS evening on a feeder: 24 quarter hours, 30 bids, a voltage floor and a line limit that the forecast breaks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vpp.network.kernels.clearing.problem import ClearingBid, ClearingProblem
from vpp.network.kernels.document import NetworkDocument, feeder_model

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
    from vpp.network.kernels.power_flow import run_power_flow

    flow = run_power_flow(model, base_p, base_q)
    line = int(
        np.argmax(
            np.where(flow.branch_p_kw.max(axis=0) < 0.6 * base_p.sum(axis=1).max(), flow.branch_p_kw.max(axis=0), 0)
        )
    )
    start, end = model.branches.from_node[line], model.branches.to_node[line]
    peak_kva = np.hypot(flow.branch_p_kw[:, line], flow.branch_q_kvar[:, line]).max()
    lowest = np.nanmin(flow.voltage_pu[:, [start, end]])
    rating_a = model.branches.rating_a.copy()
    rating_a[line] = 0.98 * peak_kva / (np.sqrt(3) * 4.16 * lowest)
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
