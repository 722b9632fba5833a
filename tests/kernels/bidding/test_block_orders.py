"""Exclusive groups: every block deliverable on its own, at its cost, in runs of whole lots; few and the best of them."""

from __future__ import annotations

import numpy as np
import pytest

from bidding.kernels.block_group import BlockOrder, BlockRules, best_of, expected_gain
from bidding.kernels.block_orders import exclusive_group, without_energy
from bidding.kernels.co_optimise import co_optimise
from tests.kernels.bidding.cases import FAST, battery, energy, problem, reserve
from tests.kernels.bidding.test_offer_curves import deliverable

RULES = BlockRules(most=6, loops=True, floor=-500.0, cap=4000.0, tick=0.01)


def group(stated, scenarios, **rules):
    plan = co_optimise(without_energy(stated), FAST)
    chosen = BlockRules(**(vars(RULES) | rules))
    found = exclusive_group(stated, plan, np.array(scenarios), chosen, FAST)
    assert found is not None and found.idle.profit_eur <= plan.profit_eur + 1e-6 and not found.idle.sell_kw.any()
    return plan, found.orders


def test_a_full_lossless_battery_sells_its_hour_at_its_wear():
    """By hand: 1 MWh stored and not wanted back, 1 MW, wear 5 a MWh: it sells in the dearer hour from 5.00 on."""
    stated = problem(
        [battery(4, energy_start_kwh=1000.0, up_cost_eur_per_mwh=5.0)], 4, energy=energy([20.0, 30.0, 25.0, 22.0])
    )
    _, orders = group(stated, [[20.0, 30.0, 25.0, 22.0], [20.0, 18.0, 60.0, 22.0]])
    by_hour = {int(np.argmax(one.up_kw)): one for one in orders}
    assert set(by_hour) == {1, 2}
    for one in orders:
        assert one.up_kw.sum() == 1000.0 and not one.down_kw.any()
        assert one.price == 5.0 and one.buy_price is None and one.cost == pytest.approx(5.0)
    assert expected_gain(orders, np.array([[20.0, 30.0, 25.0, 22.0], [20.0, 18.0, 60.0, 22.0]]), np.ones(4)) == 40.0


def test_a_loop_buys_and_sells_as_one_and_loses_what_the_battery_loses():
    """By hand: empty, 90 % each way; 1.0 MWh bought gives 0.81 MWh, in lots of 100 kW 0.8; it costs nothing else."""
    stated = problem(
        [battery(4, charge_efficiency=0.9, discharge_efficiency=0.9)], 4, energy=energy([10.0, 10, 90, 90])
    )
    _, orders = group(stated, [[10.0, 12.0, 90.0, 80.0]])
    loops = [one for one in orders if one.buy_price is not None]
    assert loops and loops[0].down_kw.sum() == 1000.0 and loops[0].up_kw.sum() == 800.0
    worth = loops[0].price * 0.8 - loops[0].buy_price * 1.0
    assert worth == pytest.approx(loops[0].cost, abs=0.02)
    _, without = group(stated, [[10.0, 12.0, 90.0, 80.0]], loops=False)
    assert all(one.buy_price is None and not (one.up_kw.any() and one.down_kw.any()) for one in without)


@pytest.mark.parametrize("seed", range(4))
def test_every_block_is_a_run_of_lots_that_can_be_delivered_beside_the_reserve(seed):
    rng = np.random.default_rng(seed)
    hours = 8
    prices = 40 + 30 * np.sin(np.arange(hours) / 1.5)
    groups = [
        battery(hours, name="a", power_kw=450.0, energy_kwh=900.0, energy_start_kwh=500.0, energy_end_kwh=300.0,
                charge_efficiency=0.92, discharge_efficiency=0.95, up_cost_eur_per_mwh=3.0),
        battery(hours, name="b", power_kw=250.0, energy_kwh=500.0, energy_start_kwh=100.0),
    ]  # fmt: skip
    stated = problem(groups, hours, energy=energy(prices.tolist()), reserves=(reserve(6.0, hours, endurance_h=0.5),))
    scenarios = prices + rng.normal(0, 20, (6, hours))
    plan, orders = group(stated, scenarios, most_kw=400.0, most=3)
    assert 0 < len(orders) <= 3 and plan.reserve_kw["RES-UP"].any()
    for one in orders:
        for side in (one.up_kw, one.down_kw):
            moved = np.flatnonzero(side)
            assert np.all(np.diff(moved) == 1) and np.all(side % 100 == 0) and side.max() <= 400.0
        assert not np.any((one.up_kw > 0) & (one.down_kw > 0))
        assert deliverable(stated, plan, one.up_kw - one.down_kw, free_recovery=True)
        at_limit = np.where(one.up_kw > 0, one.price, one.price if one.buy_price is None else one.buy_price)
        assert one.surplus(at_limit[None, :], np.ones(hours))[0] == pytest.approx(0.0, abs=1e-9)
        paid = float((at_limit * (one.up_kw - one.down_kw)).sum()) / 1000.0
        assert paid >= one.cost - 1e-6 and paid == pytest.approx(one.cost, abs=0.02)


def test_the_few_that_are_sent_are_those_that_gain_most_together():
    def one(name, hour, price):
        up = np.zeros(3)
        up[hour] = 1000.0
        return BlockOrder(name, up, np.zeros(3), price, None, price)

    days = np.array([[50.0, 10.0, 10.0], [10.0, 60.0, 10.0], [48.0, 10.0, 10.0]])
    chosen = best_of([one("x", 0, 20.0), one("y", 0, 21.0), one("z", 1, 30.0)], days, np.ones(3), 2)
    assert [int(np.argmax(item.up_kw)) for item in chosen] == [0, 1] and chosen[0].price == 20.0
    assert expected_gain(chosen, days, np.ones(3)) == pytest.approx((30 + 30 + 28) / 3)
    assert len(best_of([one("x", 2, 20.0)], days, np.ones(3), 2)) == 0


def test_without_scenarios_or_where_no_block_is_no_choice_there_is_no_group():
    stated = problem([battery(4)], 4, energy=energy([20.0] * 4))
    plan = co_optimise(without_energy(stated), FAST)
    assert exclusive_group(stated, plan, np.zeros((0, 4)), RULES, FAST) is None
    assert exclusive_group(without_energy(stated), plan, np.ones((2, 4)), RULES, FAST) is None
