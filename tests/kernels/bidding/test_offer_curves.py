"""Curves: rising, in whole lots, and every mixture of cleared blocks can be delivered with the reserve still held."""

from __future__ import annotations

import numpy as np
import pytest

from bidding.kernels.co_optimise import build, co_optimise
from bidding.kernels.curve import curve_findings, extremes, quantity_at
from bidding.kernels.offer_curves import energy_curve
from bidding.kernels.reading import read_model
from bidding.kernels.reserve_curves import cheap_reserve_lots, reserve_curve
from bidding.kernels.solver import Status, solve
from bidding.kernels.variables import take
from tests.kernels.bidding.cases import FAST, battery, energy, problem, reserve

HOURS = 12


def day(seed: int):
    rng = np.random.default_rng(seed)
    prices = (40 + 25 * np.sin(np.arange(HOURS) / 2) + rng.normal(0, 4, HOURS)).round(2)
    groups = [
        battery(
            HOURS, name="a", power_kw=400.0, energy_kwh=900.0, energy_start_kwh=450.0, energy_end_kwh=450.0,
            charge_efficiency=0.95, discharge_efficiency=0.95, up_cost_eur_per_mwh=2.0, down_cost_eur_per_mwh=2.0,
        ),
        battery(HOURS, name="b", power_kw=250.0, energy_kwh=500.0, energy_start_kwh=250.0, energy_end_kwh=200.0),
    ]  # fmt: skip
    stated = problem(
        groups, HOURS, energy=energy(prices.tolist()), reserves=(reserve(4.0, HOURS, endurance_h=0.5),),
        imbalance_price_eur_per_mwh=prices, imbalance_spread_eur_per_mwh=60.0,
    )  # fmt: skip
    scenarios = prices + rng.normal(0, 15, (8, HOURS))
    plan = co_optimise(stated, FAST, gap_target=0.02)
    curve = energy_curve(stated, plan, scenarios, FAST, floor=-500.0, cap=3000.0, tick=0.01)
    return stated, plan, curve


def deliverable(stated, plan, net_kw, *, free_recovery=False) -> bool:
    """Whether the groups can follow a net position with the plan's reserve; only the day's end may fall short."""
    lp, made = build(stated)
    model = read_model(lp)
    lower, upper = model.lower.copy(), model.upper.copy()
    for position, kw in ((made.sell, np.maximum(net_kw, 0)), (made.buy, np.maximum(-net_kw, 0))):
        places = [model.column(v) for v in position.lots]
        lower[places] = upper[places] = np.round(kw / 100.0)
        places = [model.column(v) for v in position.on]
        lower[places] = upper[places] = kw > 0
    for item in stated.reserves:
        places = [model.column(v) for v in made.reserve[item.code].lots]
        lower[places] = upper[places] = np.round(plan.reserve_kw[item.code][0] / item.lot_kw)
    for column in (made.surplus, made.deficit):
        places = [model.column(v) for v in column]
        upper[places] = 0.0 if net_kw.any() and not free_recovery else upper[places]
    for column in () if free_recovery else (made.surplus, made.deficit):
        for t, variable in enumerate(column):
            rest = plan.recovery_kw[t] if column is made.surplus else -plan.recovery_kw[t]
            lower[model.column(variable)] = upper[model.column(variable)] = max(rest, 0.0) / 1000.0
    answer = solve(model.with_bounds(lower, upper), FAST, relax=True)
    if answer.status is not Status.OPTIMAL:
        return False
    short = max(float(take(model, column[:-1], answer.values).max(initial=0.0)) for column in made.missing)
    return short <= 1e-5


@pytest.mark.parametrize("seed", range(4))
def test_every_mixture_of_a_curve_can_be_delivered(seed):
    stated, plan, curve = day(seed)
    assert curve is not None
    rules = {"blocks": HOURS, "max_points": 10, "price_floor": -500.0, "price_cap": 3000.0, "tick": 0.01}
    assert curve_findings(curve, **rules) == []
    firm = plan.sell_kw - plan.buy_kw
    expected = [
        quantity_at(points, price) for points, price in zip(curve, stated.energy.price_eur_per_mwh, strict=True)
    ]
    assert np.allclose(expected, firm)
    rng = np.random.default_rng(seed)
    choices = [
        [q for _, q in points] if points and points[0][0] == -500.0 else [0.0, *(q for _, q in points)]
        for points in curve
    ]
    assert any(len(quantities) > 1 for quantities in choices)
    mixtures = [[max(q) for q in choices], [min(q) for q in choices]]
    mixtures += [[float(rng.choice(q)) for q in choices] for _ in range(12)]
    for mixture in mixtures:
        sold, bought = max(mixture), -min(mixture)
        assert deliverable(stated, plan, np.array(mixture)), (sold, bought)


def test_extremes_and_quantities_of_a_curve():
    points = [[-500.0, -200.0], [20.0, 0.0], [60.0, 100.0]]
    assert extremes(points) == (100.0, 200.0) and extremes([]) == (0.0, 0.0)
    assert [quantity_at(points, price) for price in (-500.0, 19.99, 20.0, 59.0, 60.0, 900.0)] == [
        -200.0, -200.0, 0.0, 0.0, 100.0, 100.0,
    ]  # fmt: skip


def test_a_curve_that_falls_or_leaves_its_limits_is_found():
    rules = {"blocks": 1, "max_points": 2, "price_floor": 0.0, "price_cap": 100.0, "tick": 0.5}
    assert curve_findings([[[10.0, 100.0], [20.0, 50.0]]], **rules) == ["block 0: not rising at 20.0"]
    assert len(curve_findings([[[10.2, 1.0], [20.0, 2.0], [200.0, 3.0]]], **rules)) == 3
    assert curve_findings([], **rules) == ["0 blocks, the day has 1"]


def test_reserve_steps_rise_and_the_cheap_part_is_what_half_the_price_still_buys():
    stated, plan, _ = day(1)
    cheap = cheap_reserve_lots(stated, plan, FAST)
    item = stated.reserves[0]
    full = np.round(plan.reserve_kw[item.code][:1] / 100.0)
    assert np.all(cheap[item.code] <= full)
    curve = reserve_curve(
        np.array([5.0, 3.0, 0.0]), np.array([2.0, 3.0, 0.0]), np.array([10.0, 8.0, 5.0]), lot_kw=100.0, min_kw=100.0,
        floor=0.0, cap=1000.0, tick=0.01,
    )  # fmt: skip
    assert curve == [[[5.0, 200.0], [8.0, 500.0]], [[4.0, 300.0]], []]
