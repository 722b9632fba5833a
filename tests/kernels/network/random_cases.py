"""Random feeders, states and bids for the law of clearing: a commit breaks nothing that held without it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vpp.network.kernels.clearing.clear import ClearingOptions, clear
from vpp.network.kernels.clearing.problem import ClearingBid, ClearingProblem, ClearingResult
from vpp.network.kernels.document import (
    BranchRow,
    FeederRow,
    NetworkDocument,
    NodeRow,
    ShuntRow,
    SourceRow,
    SubstationRow,
    TransformerRow,
    feeder_model,
)
from vpp.network.kernels.power_flow import run_power_flow
from vpp.network.kernels.screening import PowerLimit

STEP_HOURS = 0.25


@dataclass(frozen=True)
class Case:
    problem: ClearingProblem
    result: ClearingResult


def random_document(rng: np.random.Generator) -> NetworkDocument:
    """A random tree of 5 to 30 low-voltage nodes behind a transformer; now and then a capacitor."""
    count = int(rng.integers(5, 31))
    nodes = [NodeRow("MV", "F", 20.0), *(NodeRow(f"N{n}", "F", 0.4, 0.94, 1.06) for n in range(count))]
    branches = []
    for number in range(1, count):
        parent = int(rng.integers(max(0, number - 4), number))
        r_ohm, x_ohm = rng.uniform(0.003, 0.03), rng.uniform(0.002, 0.012)
        ends = (f"N{parent}", f"N{number}") if rng.random() < 0.8 else (f"N{number}", f"N{parent}")
        branches.append(BranchRow(f"L{number}", "F", *ends, r_ohm, x_ohm, 50.0, float(rng.uniform(120, 350))))
    transformer = TransformerRow(
        "T", "F", "MV", "N0", float(rng.choice([160, 250, 400])), 20.0, 0.4, 4.0, 1.2, 0.4, 0.3
    )
    shunts = [ShuntRow("C", "F", f"N{count - 1}", -15.0)] if rng.random() < 0.2 else []
    return NetworkDocument(
        substations=[SubstationRow("S")],
        feeders=[FeederRow("F", "S")],
        nodes=nodes,
        branches=branches,
        transformers=[transformer],
        shunts=shunts,
        sources=[SourceRow("F", "MV", float(rng.uniform(0.98, 1.04)))],
    )


def random_problem(seed: int) -> ClearingProblem:
    """One to four intervals around the edge of what the feeder bears, three to twelve bids of every kind."""
    rng = np.random.default_rng(seed)
    document = random_document(rng)
    model = feeder_model(document)
    n_nodes, n_intervals = len(model.nodes.codes), int(rng.integers(1, 5))
    rated_kva = document.transformers[0].rated_kva
    level = rng.uniform(-1.2, 1.3, (n_intervals, 1)) * rated_kva / (n_nodes - 1)
    p_kw = level * rng.uniform(0.4, 1.6, (n_intervals, n_nodes))
    p_kw[:, 0] = 0.0
    q_kvar = np.maximum(p_kw, 0) * rng.uniform(0.1, 0.4)
    bids = [_random_bid(rng, number, n_nodes, n_intervals) for number in range(int(rng.integers(3, 13)))]
    limits = [PowerLimit("head", 0.9 * rated_kva, "T")] if rng.random() < 0.5 else []
    return ClearingProblem(model, p_kw, q_kvar, bids, STEP_HOURS, power_limits=limits)


def _random_bid(rng: np.random.Generator, number: int, n_nodes: int, n_intervals: int) -> ClearingBid:
    size_kw = rng.uniform(2, 60) * rng.choice([-1.0, 1.0])
    p_kw = np.full(n_intervals, size_kw) * rng.uniform(0.3, 1.0, n_intervals)
    q_kvar = np.zeros(n_intervals)
    if rng.random() < 0.2:
        p_kw, q_kvar = np.zeros(n_intervals), p_kw / 2
    nodes = rng.choice(np.arange(1, n_nodes), size=int(rng.integers(1, 4)), replace=False)
    weights = rng.dirichlet(np.ones(nodes.size))
    return ClearingBid(
        reference=f"b{number:02d}",
        aggregator=f"a{number % 3}",
        nodes=nodes,
        weights=weights,
        p_kw=p_kw,
        q_kvar=q_kvar,
        price_per_mwh=np.full(n_intervals, rng.uniform(10, 400)),
        price_per_mvarh=np.full(n_intervals, rng.uniform(1, 20)),
        start_cost=float(rng.choice([0.0, 0.0, 2.0])),
        min_pu=float(rng.choice([0.0, 0.3, 1.0])),
        one_share=bool(rng.random() < 0.5),
        energy_limit_kwh=float(rng.choice([np.inf, abs(size_kw) * 0.5])),
        exclusive_group=str(rng.choice(["", "", "g1", "g2"])),
        rank=number,
    )


def run_case(seed: int) -> Case:
    problem = random_problem(seed)
    return Case(problem, clear(problem, ClearingOptions(max_corrections=8, time_limit_s=5.0)))


def breaches(case: Case) -> list[str]:
    """What the plan breaks that held without it, by a power flow of its own (no code of the clearing)."""
    problem, share = case.problem, case.result.share
    p_kw, q_kvar = problem.base_p_kw.copy(), problem.base_q_kvar.copy()
    for place, bid in enumerate(problem.bids):
        for node, weight in zip(bid.nodes, bid.weights, strict=True):
            p_kw[:, node] += weight * share[place] * bid.p_kw
            q_kvar[:, node] += weight * share[place] * bid.q_kvar
    before, after = _excess(problem, problem.base_p_kw, problem.base_q_kvar), _excess(problem, p_kw, q_kvar)
    return [name for name in before if (after[name] > np.maximum(before[name], 0) + 2e-6).any()] + rule_breaches(case)


def rule_breaches(case: Case) -> list[str]:
    """Bids taken against their own terms."""
    found: list[str] = []
    groups: dict[str, list[str]] = {}
    for place, bid in enumerate(case.problem.bids):
        share = case.result.share[place]
        active = share[(bid.p_kw != 0) | (bid.q_kvar != 0)]
        if (share < 0).any() or (share > 1 + 1e-9).any():
            found.append(f"{bid.reference}: share")
        if bid.one_share and np.ptp(share) > 1e-9:
            found.append(f"{bid.reference}: several shares")
        if ((active > 0) & (active < bid.min_pu - 1e-6)).any():
            found.append(f"{bid.reference}: below its minimum")
        if (share * np.abs(bid.p_kw)).sum() * STEP_HOURS > bid.energy_limit_kwh + 1e-6:
            found.append(f"{bid.reference}: energy")
        if bid.exclusive_group and share.any():
            groups.setdefault(bid.exclusive_group, []).append(bid.reference)
    return found + [f"group {name}: {members}" for name, members in groups.items() if len(members) > 1]


def _excess(problem: ClearingProblem, p_kw: np.ndarray, q_kvar: np.ndarray) -> dict[str, np.ndarray]:
    model = problem.model
    result = run_power_flow(model, p_kw, q_kvar)
    excess = {
        "low": np.nan_to_num(model.nodes.v_min_pu - result.voltage_pu, nan=1e3),
        "high": np.nan_to_num(result.voltage_pu - model.nodes.v_max_pu, nan=1e3),
        "lines": np.nan_to_num(result.branch_loading_pu - 1, nan=1e3),
        "transformer": np.nan_to_num(result.transformer_loading_pu - 1, nan=1e3),
    }
    for limit in problem.power_limits:
        over = (np.abs(result.transformer_p_kw[:, 0]) - limit.limit_kw) / limit.limit_kw - 2e-6
        excess[limit.code] = np.nan_to_num(over, nan=1e3)
    return excess
