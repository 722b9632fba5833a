"""The optimisation against answers worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bidding.kernels.ask_price import price_asks
from bidding.kernels.co_optimise import co_optimise
from bidding.kernels.fallback import idle_plan
from bidding.kernels.problem import BadProblem, FeederLimit
from tests.kernels.bidding.cases import FAST, ask, battery, energy, problem, reserve

ENGINES = ["highs", "cbc"]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_battery_buys_low_and_sells_high(engine):
    plan = co_optimise(problem([battery(2)], 2, energy=energy([10.0, 60.0])), replace(FAST, engine=engine))
    assert plan.buy_kw.tolist() == [1000, 0] and plan.sell_kw.tolist() == [0, 1000]
    assert plan.profit_eur == pytest.approx(50.0)
    assert plan.status == "optimal" and plan.gap <= 1e-3


@pytest.mark.parametrize("engine", ENGINES)
def test_losses_and_wear_are_paid_for(engine):
    unit = battery(2, charge_efficiency=0.8, up_cost_eur_per_mwh=5.0, down_cost_eur_per_mwh=5.0)
    plan = co_optimise(problem([unit], 2, energy=energy([10.0, 60.0])), replace(FAST, engine=engine))
    # 1 MWh bought gives 0.8 MWh: sold in lots of 0.1 MW; 0.8 x 60 - 1 x 10 - 5 x 1.8
    assert plan.profit_eur == pytest.approx(29.0)


def test_equal_prices_make_no_trade():
    assert (
        co_optimise(problem([battery(3, up_cost_eur_per_mwh=1.0)], 3, energy=energy([30.0] * 3)), FAST).profit_eur == 0
    )


def test_a_negative_price_is_taken_but_energy_is_not_burnt():
    """A lossy battery would like to charge and discharge at once to be paid for its losses; it physically cannot."""
    unit = battery(2, charge_efficiency=0.9, discharge_efficiency=0.9, energy_kwh=450.0)
    plan = co_optimise(problem([unit], 2, energy=energy([-100.0, -100.0])), FAST)
    assert np.all(np.minimum(plan.group_up_kw, plan.group_down_kw) < 1e-3)
    # 500 kW x 0.9 fills it; selling at a negative price only to refill loses money here: one hour of 500 kW
    assert plan.profit_eur == pytest.approx(50.0, abs=1e-6)
    assert plan.bound_profit_eur >= plan.profit_eur - 1e-6


def test_no_kilowatt_is_sold_twice():
    """Energy at 60 and reserve at 40 want the same megawatt; only one of them gets it."""
    full = battery(1, energy_start_kwh=1000.0)
    both = problem([full], 1, energy=energy([60.0]), reserves=(reserve(40.0, 1),))
    plan = co_optimise(both, FAST)
    assert plan.sell_kw[0] + plan.reserve_kw["RES-UP"][0] <= 1000
    assert plan.profit_eur == pytest.approx(60.0)


def test_reserve_needs_the_energy_to_last():
    half = battery(1, energy_start_kwh=500.0, energy_end_kwh=500.0)
    plan = co_optimise(problem([half], 1, reserves=(reserve(40.0, 1, endurance_h=2.0),)), FAST)
    assert plan.reserve_kw["RES-UP"].tolist() == [200]  # 250 kW for two hours, in lots of 100 kW


def test_a_charging_battery_may_also_hold_downward_reserve_only_with_room():
    unit = battery(1, energy_start_kwh=0.0)
    plan = co_optimise(problem([unit], 1, reserves=(reserve(40.0, 1, direction="DOWN"),)), FAST)
    assert plan.reserve_kw["RES-DOWN"].tolist() == [1000]
    full = battery(1, energy_start_kwh=1000.0)
    plan = co_optimise(problem([full], 1, reserves=(reserve(40.0, 1, direction="DOWN"),)), FAST)
    assert plan.reserve_kw["RES-DOWN"].tolist() == [0]


def test_below_the_minimum_there_is_no_bid():
    small = battery(2, power_kw=90.0)
    plan = co_optimise(problem([small], 2, energy=energy([10.0, 60.0], lot_kw=10.0), reserves=(reserve(5.0, 2),)), FAST)
    assert not plan.sell_kw.any() and not plan.buy_kw.any() and not plan.reserve_kw["RES-UP"].any()


def test_positions_are_whole_lots():
    odd = battery(2, power_kw=777.0)
    plan = co_optimise(problem([odd], 2, energy=energy([10.0, 60.0])), FAST)
    assert plan.sell_kw.tolist() == [0, 700] and plan.buy_kw.tolist() == [700, 0]


def test_an_ask_is_answered_from_its_own_feeder_only():
    here, there = battery(2, power_kw=30.0, energy_start_kwh=60.0), battery(2, power_kw=500.0, energy_start_kwh=900.0)
    there = replace(there, name="far", feeder="G")
    plan = co_optimise(problem([here, there], 2, asks=(ask([50.0, 0.0]),)), FAST)
    assert plan.ask_kw["ask"].tolist() == [30, 0]


def test_an_ask_and_reserve_share_the_same_kilowatts():
    unit = battery(1, energy_start_kwh=1000.0)
    plan = co_optimise(
        problem([unit], 1, asks=(ask([400.0], ceiling=100.0),), reserves=(reserve(50.0, 1, endurance_h=0.25),)), FAST
    )
    assert plan.ask_kw["ask"][0] == 400 and plan.reserve_kw["RES-UP"][0] == 600


def test_the_price_of_an_ask_is_what_it_costs_elsewhere_plus_the_premium():
    unit = battery(1, energy_start_kwh=1000.0)
    case = problem([unit], 1, asks=(ask([400.0], ceiling=500.0),), energy=energy([80.0]))
    (answer,) = price_asks(case, co_optimise(case, FAST), FAST, premium_pu=0.1, premium_eur_per_mwh=2.0)
    assert answer.opportunity_eur_per_mwh == pytest.approx(80.0)  # each MWh would have been sold at 80
    assert answer.price_eur_per_mwh == pytest.approx(90.0)
    assert answer.energy_mwh == pytest.approx(0.4)


def test_the_price_of_an_ask_stays_below_its_ceiling():
    unit = battery(1, energy_start_kwh=1000.0)
    case = problem([unit], 1, asks=(ask([400.0], ceiling=81.0),), energy=energy([80.0]))
    (answer,) = price_asks(case, co_optimise(case, FAST), FAST)
    assert answer.price_eur_per_mwh == 81.0


def test_an_ask_below_our_cost_gets_no_bid():
    unit = battery(1, energy_start_kwh=1000.0)
    case = problem([unit], 1, asks=(ask([400.0], ceiling=40.0),), energy=energy([80.0]))
    plan = co_optimise(case, FAST)
    assert not plan.ask_kw["ask"].any() and price_asks(case, plan, FAST) == []


def test_the_energy_of_an_ask_is_recovered_outside_promised_hours():
    unit = battery(3, energy_start_kwh=500.0, energy_end_kwh=500.0)
    case = problem([unit], 3, asks=(ask([0.0, 400.0, 0.0]),), imbalance_spread_eur_per_mwh=20.0)
    plan = co_optimise(case, FAST)
    assert plan.ask_kw["ask"].tolist() == [0, 400, 0]
    assert plan.recovery_kw[1] == 0 and plan.recovery_kw.sum() == pytest.approx(-400)


def test_a_feeder_limit_holds_with_all_reserve_activated():
    unit = battery(1, energy_start_kwh=1000.0)
    feeder = FeederLimit("F", np.array([100.0]), np.array([500.0]), np.array([200.0]))
    plan = co_optimise(problem([unit], 1, energy=energy([60.0]), reserves=(reserve(40.0, 1),), feeders=(feeder,)), FAST)
    assert plan.sell_kw[0] + plan.reserve_kw["RES-UP"][0] == 300  # 200 kW export beyond 100 kW of load


def test_what_is_committed_already_is_delivered_beside_new_bids():
    unit = battery(1, energy_start_kwh=1000.0)
    case = problem(
        [unit], 1, energy=energy([60.0]), committed_net_up_kw=np.array([300.0]), book_up_kw=np.array([700.0])
    )
    plan = co_optimise(case, FAST)
    assert plan.sell_kw[0] == 700 and plan.group_up_kw[0, 0] == pytest.approx(1000)


def test_what_cannot_be_met_is_named():
    empty = battery(1, power_kw=100.0)
    case = problem([empty], 1, committed_net_up_kw=np.array([300.0]))
    plan = co_optimise(case, FAST)
    assert plan.status == "degraded"
    assert {(item.subject, item.interval) for item in plan.shortfalls} == {("committed", 0)}
    assert sum(item.missing for item in plan.shortfalls) == pytest.approx(300.0)


def test_energy_that_cannot_be_reached_is_a_shortfall_with_its_group():
    unit = battery(2, power_kw=100.0, energy_end_kwh=900.0)
    plan = co_optimise(problem([unit], 2), FAST)
    assert [(item.subject, item.limit) for item in plan.shortfalls] == [("battery", "energy_end_kwh")]
    assert plan.shortfalls[0].missing == pytest.approx(700.0)


def test_an_empty_portfolio_bids_nothing():
    plan = co_optimise(problem([], 4, energy=energy([10.0, 60.0, 5.0, 70.0]), reserves=(reserve(5.0, 4),)), FAST)
    assert plan.profit_eur == 0 and not plan.sell_kw.any()


def test_owner_hours_limit_the_day():
    """By hand: one hour of use, either way: half of it charges, half of it sells."""
    unit = battery(4, max_hours=1.0, energy_kwh=4000.0)
    plan = co_optimise(problem([unit], 4, energy=energy([1.0, 1.0, 50.0, 50.0])), FAST)
    assert plan.sell_kw.sum() == 500 and plan.buy_kw.sum() == 500


def test_reserve_uses_hours_as_it_is_expected_to_be_called():
    """By hand: 4 h at a call share of 0.25 are 1 h at full power; 0.5 h are allowed."""
    unit = battery(4, max_hours=0.5, energy_start_kwh=1000.0)
    case = problem([unit], 4, reserves=(reserve(5.0, 4, activation_pu=0.25),))
    assert co_optimise(case, FAST).reserve_kw["RES-UP"].tolist() == [500.0] * 4


@pytest.mark.parametrize(("starts", "profit"), [(4.0, 196.0), (2.0, 98.0), (1.0, 49.0), (0.0, 0.0)])
def test_owner_starts_limit_how_often_the_day_moves(starts, profit):
    """By hand: from 1 to 99, twice a day, dull hours between gain nothing; a full cycle takes two starts."""
    unit = battery(8, max_starts=starts)
    plan = co_optimise(problem([unit], 8, energy=energy([1.0, 50.0, 99.0, 50.0, 1.0, 50.0, 99.0, 50.0])), FAST)
    assert plan.profit_eur == pytest.approx(profit)
    net = np.concatenate([[0.0], (plan.group_up_kw - plan.group_down_kw)[0] / 1000.0, [0.0]])
    assert np.maximum(np.diff(net), 0.0).sum() <= starts + 1e-6


def test_without_the_rows_of_the_owner_both_limits_are_broken(monkeypatch):
    from bidding.kernels import constraints

    unit = battery(8, max_starts=1.0, max_hours=1.0)
    case = problem([unit], 8, energy=energy([1.0, 50.0, 99.0, 50.0, 1.0, 50.0, 99.0, 50.0]))
    monkeypatch.setattr(constraints, "add_owner_rows", lambda *_args: None)
    assert co_optimise(case, FAST).sell_kw.sum() == 2000.0


def test_a_problem_that_contradicts_itself_is_refused_with_every_finding():
    unit = battery(2, charge_efficiency=1.2, energy_min_kwh=np.array([5.0, 5000.0]))
    with pytest.raises(BadProblem) as refused:
        co_optimise(problem([unit], 2, energy=energy([np.nan, 1.0])), FAST)
    assert len(refused.value.findings) == 3


def test_the_fallback_needs_no_solver_and_keeps_the_limits():
    unit = battery(4, energy_start_kwh=500.0, retention=0.99)
    case = problem([unit], 4, reserves=(reserve(5.0, 4, endurance_h=1.0),))
    plan = idle_plan(case)
    assert plan.status == "fallback" and plan.reserve_kw["RES-UP"].tolist() == [400] * 4
    assert plan.profit_eur == pytest.approx(5.0 * 0.4 * 4)


@pytest.mark.parametrize("rule", ["add_headroom_rows", "add_book_rows"])
def test_without_the_headroom_or_book_row_a_kilowatt_would_be_sold_twice(rule, monkeypatch):
    from bidding.kernels import constraints

    full = battery(1, energy_start_kwh=1000.0)
    case = problem([full], 1, energy=energy([60.0]), reserves=(reserve(40.0, 1, endurance_h=0.0),))
    assert co_optimise(case, FAST).profit_eur == pytest.approx(60.0)
    monkeypatch.setattr(constraints, rule, lambda *_: None)
    other = "add_book_rows" if rule == "add_headroom_rows" else "add_headroom_rows"
    monkeypatch.setattr(constraints, other, lambda *_: None)
    assert co_optimise(case, FAST).profit_eur == pytest.approx(100.0)


def test_without_the_lot_rule_a_bid_below_the_minimum_would_leave_the_house(monkeypatch):
    from bidding.kernels import constraints

    scarce = battery(2, power_kw=150.0, energy_kwh=60.0)
    case = problem([scarce], 2, energy=energy([10.0, 60.0], lot_kw=10.0, min_kw=100.0))
    assert not co_optimise(case, FAST).sell_kw.any()
    monkeypatch.setattr(constraints, "add_lot_rows", lambda *_: None)
    assert co_optimise(case, FAST).sell_kw.tolist() == [0, 60]
