"""Our own quantity moves the price: fewer lots are sold where the next step costs more than it brings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import LinearConstraint, milp

from bidding.kernels.co_optimise import co_optimise
from bidding.kernels.price_maker import paid_change, reachable, step_of
from bidding.kernels.problem import FeederLimit
from tests.kernels.bidding.cases import FAST, battery, energy, problem, reserve

STAIRS = ((400.0, 0.0), (800.0, -30.0), (5000.0, -60.0))


def full_battery(**fields):
    return battery(4, energy_start_kwh=2000.0, energy_kwh=2000.0, **fields)


def test_it_stops_before_the_step_that_spoils_the_price():
    """By hand: 400 kW at 100 earn 40, 800 kW at 70 earn 56, 1000 kW at 40 earn 40; at 60: 24, 24, 0."""
    product = replace(energy([100.0, 60.0, 20.0, 20.0]), stairs=STAIRS)
    plan = co_optimise(problem([full_battery(up_cost_eur_per_mwh=1.0)], 4, energy=product), FAST)
    assert plan.sell_kw.tolist() == [800.0, 400.0, 400.0, 400.0]
    assert plan.profit_eur == pytest.approx(0.8 * 70 + 0.4 * (60 + 20 + 20) - 2.0)
    taker = co_optimise(problem([full_battery()], 4, energy=replace(product, stairs=())), FAST)
    assert taker.sell_kw.tolist()[:2] == [1000.0, 1000.0]


def test_a_purchase_raises_the_price_and_a_reserve_lowers_its_own():
    product = replace(energy([10.0, 10.0, 90.0, 90.0]), stairs=((300.0, 0.0), (2000.0, -50.0)))
    unit = battery(4, energy_kwh=600.0)
    plan = co_optimise(problem([unit], 4, energy=product), FAST)
    assert plan.buy_kw.tolist() == [300.0, 300.0, 0.0, 0.0] and plan.sell_kw.tolist() == [0.0, 0.0, 300.0, 300.0]
    held = replace(reserve(10.0, 4, endurance_h=0.5), stairs=((500.0, 0.0), (2000.0, -6.0)))
    plan = co_optimise(problem([full_battery()], 4, reserves=(held,)), FAST)
    assert plan.reserve_kw["RES-UP"].tolist() == [500.0] * 4 and plan.profit_eur == pytest.approx(20.0)


@pytest.mark.parametrize("seed", range(6))
def test_it_equals_an_independent_choice_of_step(seed):
    """Enumerated: a store of fixed energy over hours, one choice of (lots) an hour, by scipy's own branch and bound."""
    rng = np.random.default_rng(seed)
    prices = rng.uniform(10, 90, 4).round(1)
    stairs = ((200.0, 0.0), (600.0, -float(rng.integers(1, 30))), (1000.0, -float(rng.integers(30, 60))))
    product = replace(energy(prices.tolist()), stairs=stairs)
    stored = float(rng.integers(8, 25)) * 100.0
    unit = battery(4, energy_start_kwh=stored, energy_kwh=4000.0)
    roof = FeederLimit("F", np.zeros(4), np.zeros(4), np.full(4, np.inf))  # nothing may come in
    plan = co_optimise(problem([unit], 4, energy=product, feeders=(roof,)), FAST, gap_target=1e-6)
    lots = np.arange(11) * 100.0
    worth = np.array([[kw / 1000 * (p + paid_change(stairs, kw)) * (kw > 0) for kw in lots] for p in prices])
    rows = [np.repeat(np.eye(4), lots.size, axis=1), np.tile(lots, 4)[None, :]]
    best = milp(
        -worth.ravel(), integrality=np.ones(worth.size), bounds=(0, 1),
        constraints=[LinearConstraint(rows[0], 1, 1), LinearConstraint(rows[1], 0, stored)],
    )  # fmt: skip
    assert plan.profit_eur == pytest.approx(-best.fun, abs=1e-6)
    paid = sum(kw / 1000 * (p + paid_change(stairs, kw)) for kw, p in zip(plan.sell_kw, prices, strict=True) if kw)
    assert plan.profit_eur == pytest.approx(paid, abs=1e-6)


def test_steps_out_of_reach_have_no_binaries():
    assert reachable(STAIRS, 0.4) == () and reachable(STAIRS, 0.5) == STAIRS[:2]
    edges = np.array([0.0, 0.4, 0.8])
    assert [step_of(edges, mw) for mw in (0.0, 0.1, 0.4, 0.5, 0.8, 2.0)] == [-1, 0, 0, 1, 1, 1]
