"""Rest between movements: who ended one within it does not begin another."""

from __future__ import annotations

import numpy as np
import pytest

from bidding.kernels.co_optimise import co_optimise
from bidding.kernels.problem import FlexGroup
from tests.kernels.bidding.cases import FAST, ask, problem, reserve


def loads(count: int, **fields: float) -> FlexGroup:
    return FlexGroup("loads", "F", np.full(count, 100.0), np.zeros(count), **fields)


@pytest.mark.parametrize(("rest_hours", "answered_kwh"), [(0.0, 200.0), (1.0, 200.0), (2.0, 100.0), (3.0, 100.0)])
def test_two_asks_an_hour_apart_are_both_answered_only_where_the_rest_allows(rest_hours, answered_kwh):
    case = problem([loads(5, rest_hours=rest_hours)], 5, asks=(ask([0.0, 100.0, 0.0, 100.0, 0.0]),))
    plan = co_optimise(case, FAST)
    assert plan.ask_kw["ask"].sum() == pytest.approx(answered_kwh)


def test_some_rest_while_the_others_move_and_a_movement_may_go_on():
    """Half of the devices answer the first ask, the other half the second; three hours in a row are one movement."""
    half = problem([loads(4, rest_hours=3.0)], 4, asks=(ask([50.0, 0.0, 50.0, 0.0]),))
    assert co_optimise(half, FAST).ask_kw["ask"].sum() == pytest.approx(100.0)
    long = problem([loads(4, rest_hours=3.0)], 4, asks=(ask([100.0, 100.0, 100.0, 0.0]),))
    assert co_optimise(long, FAST).ask_kw["ask"].sum() == pytest.approx(300.0)


def test_reserve_that_is_held_counts_as_a_movement():
    product = reserve(1.0, 4, code="R", endurance_h=0.0, lot_kw=10.0)
    product = type(product)(**(vars(product) | {"block_of_interval": np.array([0, 1, 2, 3]),
                                               "price_eur_per_mw_h": np.array([9.0, 0.0, 9.0, 0.0])}))  # fmt: skip
    free = problem([loads(4)], 4, reserves=(product,))
    resting = problem([loads(4, rest_hours=2.0)], 4, reserves=(product,))
    assert co_optimise(free, FAST).profit_eur == pytest.approx(1.8)
    plan = co_optimise(resting, FAST)  # held through the unpaid hour as well, it is one movement
    assert plan.reserve_kw["R"].tolist()[:3] == [100.0] * 3 or plan.profit_eur == pytest.approx(1.8)
