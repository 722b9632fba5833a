"""CVaR in the bid: a sure hour is preferred to a better one that may fail, as much as beta says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bidding.kernels.co_optimise import co_optimise
from bidding.kernels.problem import RiskAversion
from bidding.kernels.risk import scenario_profits, value_at_risk_mean, with_risk
from tests.kernels.bidding.cases import FAST, battery, energy, problem

DAYS = np.array([[50.0, 120.0], [50.0, 0.0]])  # a sure 50, or 60 on average


def plan_with(beta: float, alpha: float = 0.5, **fields):
    stated = problem([battery(2, energy_start_kwh=1000.0, **fields)], 2, energy=energy([50.0, 60.0]))
    stated = with_risk(stated, RiskAversion(beta, alpha, DAYS))
    return stated, co_optimise(stated, FAST, gap_target=1e-6)


def test_the_sure_hour_is_sold_once_the_worst_day_weighs_enough():
    """By hand: the sure hour is worth 50; the other (1 - beta) 60 + beta 0, which is less from beta 1/6 on."""
    for beta, hour, value, expected in ((0.0, 1, 60.0, 60.0), (0.1, 1, 54.0, 60.0), (0.2, 0, 50.0, 50.0)):
        stated, plan = plan_with(beta)
        assert int(np.argmax(plan.sell_kw)) == hour and plan.profit_eur == pytest.approx(value)
        assert (plan.profit_eur if plan.expected_eur is None else plan.expected_eur) == pytest.approx(expected)
        assert plan.bound_profit_eur >= plan.profit_eur - 1e-6


@pytest.mark.parametrize("beta", [0.3, 0.7, 1.0])
def test_what_is_maximised_is_what_plain_arithmetic_says(beta):
    rng = np.random.default_rng(7)
    hours = 6
    days = (40 + 20 * np.sin(np.arange(hours)) + rng.normal(0, 15, (7, hours))).round(2)
    groups = [
        battery(hours, energy_start_kwh=500.0, energy_end_kwh=500.0, charge_efficiency=0.95, discharge_efficiency=0.95)
    ]
    stated = problem(groups, hours, energy=energy(days.mean(axis=0).tolist()))
    averse = with_risk(stated, RiskAversion(beta, 0.8, days))
    plan, neutral = co_optimise(averse, FAST, gap_target=1e-6), co_optimise(stated, FAST, gap_target=1e-6)

    def tail(found, expected):
        return value_at_risk_mean(scenario_profits(averse, expected, found.sell_kw, found.buy_kw), 0.8)

    worst, before = tail(plan, plan.expected_eur), tail(neutral, neutral.profit_eur)
    assert plan.profit_eur == pytest.approx((1 - beta) * plan.expected_eur + beta * worst, abs=1e-4)
    assert plan.expected_eur <= neutral.profit_eur + 1e-6 and worst >= before - 1e-6


def test_the_mean_of_the_worst_is_counted_by_shares():
    assert value_at_risk_mean(np.array([4.0, 1.0, 3.0, 2.0]), 0.5) == pytest.approx(1.5)
    assert value_at_risk_mean(np.array([4.0, 1.0, 3.0, 2.0]), 0.625) == pytest.approx((1.0 + 0.5 * 2.0) / 1.5)


def test_one_scenario_or_another_number_of_blocks_is_no_risk():
    stated = problem([battery(2)], 2, energy=energy([50.0, 60.0]))
    assert with_risk(stated, RiskAversion(0.5, 0.5, DAYS[:1])) is stated
    assert with_risk(stated, RiskAversion(0.5, 0.5, np.ones((2, 3)))) is stated and with_risk(stated, None) is stated
    assert with_risk(replace(stated, energy=None), RiskAversion(0.5, 0.5, DAYS)).risk is None
