"""What a market does not admit is not offered there, and stays free for what does admit it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bidding.kernels.co_optimise import co_optimise
from bidding.kernels.fallback import idle_plan
from tests.kernels.bidding.cases import FAST, battery, energy, problem, reserve

FULL = {"energy_start_kwh": 1000.0, "energy_end_kwh": 0.0}
BARRED = frozenset({"barred"})


def test_a_barred_group_carries_no_reserve():
    groups = [battery(1, **FULL), battery(1, name="barred", **FULL)]
    both = problem(groups, 1, reserves=(reserve(40.0, 1),))
    only_one = replace(both, reserves=(reserve(40.0, 1, barred=BARRED),))
    assert co_optimise(both, FAST).reserve_kw["RES-UP"].tolist() == [2000.0]
    assert co_optimise(only_one, FAST).reserve_kw["RES-UP"].tolist() == [1000.0]
    assert idle_plan(only_one).reserve_kw["RES-UP"][0] <= 1000.0 < idle_plan(both).reserve_kw["RES-UP"][0]


def test_energy_is_moved_by_admitted_groups():
    groups = [battery(2), battery(2, name="barred")]
    open_to_all = problem(groups, 2, energy=energy([10.0, 60.0]))
    limited = replace(open_to_all, energy=replace(energy([10.0, 60.0]), barred=BARRED))
    assert co_optimise(open_to_all, FAST).profit_eur == pytest.approx(100.0)
    plan = co_optimise(limited, FAST)
    assert plan.profit_eur == pytest.approx(50.0)
    assert np.allclose(plan.group_up_kw[0], plan.sell_kw)


def test_no_bid_is_larger_than_the_market_takes():
    groups = [battery(2)]
    stated = problem(
        groups, 2, energy=replace(energy([10.0, 60.0]), most_kw=350.0), reserves=(reserve(1.0, 2, most_kw=250.0),)
    )
    plan = co_optimise(stated, FAST)
    assert plan.sell_kw.max() == 300.0 and plan.reserve_kw["RES-UP"].max() <= 200.0
    closed = replace(stated, energy=replace(energy([10.0, 60.0]), most_kw=0.0))
    assert co_optimise(closed, FAST).sell_kw.tolist() == [0.0, 0.0]
