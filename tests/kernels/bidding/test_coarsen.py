"""The problem by market time units bounds the one in quarter hours, and finds its lots."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from bidding.kernels.co_optimise import build, co_optimise
from bidding.kernels.coarsen import coarsen
from bidding.kernels.problem import BidProblem
from bidding.kernels.reading import read_model
from bidding.kernels.solver import SolverOptions, solve
from tests.kernels.bidding.cases import FAST, ask, battery, energy, problem, reserve
from tests.kernels.bidding.test_properties import portfolios

EXACT = SolverOptions(time_limit_s=60, mip_gap=1e-7)


def small_fleet() -> BidProblem:
    """Twenty 10 kW batteries and a shiftable load behind one feeder: few lots, so rounding matters most."""
    batteries = battery(
        96, power_kw=195.0, energy_kwh=410.0, energy_start_kwh=205.0, energy_end_kwh=205.0,
        charge_efficiency=0.95, discharge_efficiency=0.95, retention=0.9999,
        up_cost_eur_per_mwh=5.0, down_cost_eur_per_mwh=5.0,
    )  # fmt: skip
    wave = 20.0 + 5.0 * np.sin(np.arange(96) / 7)
    load = battery(96, name="load", energy_min_kwh=np.full(96, -30.0), energy_max_kwh=np.full(96, 30.0))
    load = replace(load, up_limit_kw=wave, down_limit_kw=wave)
    prices = list(35.0 + 25.0 * np.sin((np.arange(24) - 12) / 24 * 2 * np.pi))
    wanted = [40.0 if 72 <= t < 76 else 0.0 for t in range(96)]
    return problem(
        [batteries, load], 96, step_hours=0.25, energy=energy(prices, per_block=4), asks=(ask(wanted),),
        reserves=(replace(reserve(5.0, 96, endurance_h=0.5), block_of_interval=np.arange(96) // 16,
                          price_eur_per_mw_h=np.full(6, 5.0)),),
        imbalance_spread_eur_per_mwh=40.0,
    )  # fmt: skip


@settings(max_examples=10, deadline=None, derandomize=True)
@given(portfolios())
def test_the_coarse_optimum_bounds_the_fine_one(case):
    coarse = coarsen(case)
    assert coarse is not None and coarse.n_intervals == case.n_intervals // 2
    fine = solve(read_model(build(case)[0]), EXACT)
    assert solve(read_model(build(coarse)[0]), EXACT).bound <= fine.objective + 1e-6


@pytest.mark.thorough
def test_a_small_fleet_is_certified_within_half_a_percent_and_branched_to_the_optimum():
    case = small_fleet()
    quick, exact = co_optimise(case, FAST, thorough=False), co_optimise(case, FAST)
    assert quick.gap <= 0.02 and exact.gap <= 1e-3
    assert exact.status == "optimal" and exact.profit_eur >= quick.profit_eur - 1e-9
    whole = solve(read_model(build(case)[0]), replace(EXACT, mip_gap=1e-3))
    assert -whole.objective <= exact.bound_profit_eur + 1e-6
    assert exact.profit_eur >= -whole.objective * (1 - 1e-3) - 1e-6


def test_the_same_problem_gives_the_same_bids():
    first, second = (co_optimise(small_fleet(), FAST, thorough=False) for _ in range(2))
    assert first.sell_kw.tolist() == second.sell_kw.tolist() and first.gap == second.gap


@pytest.mark.parametrize("change", ["quarter hours", "no energy", "uneven price"])
def test_there_is_no_coarse_problem_where_it_would_not_bound(change):
    case = small_fleet()
    if change == "quarter hours":
        case = replace(case, energy=energy([30.0] * 96))
    elif change == "no energy":
        case = replace(case, energy=None)
    else:
        case = replace(case, imbalance_price_eur_per_mwh=np.arange(96.0))
    assert coarsen(case) is None
