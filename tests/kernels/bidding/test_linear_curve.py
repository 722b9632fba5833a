"""Lines say what the steps say, rise, stay within floor, cap, tick and number of points, and go out and come back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidding.kernels.curve import quantity_at
from bidding.kernels.linear_curve import line_findings, line_of_steps, quantity_on_line

LIMITS = {"floor": -500.0, "cap": 4000.0, "tick": 0.1}
RULES = {"blocks": 1, "max_points": 200, "price_floor": -500.0, "price_cap": 4000.0, "tick": 0.1}


def test_a_line_worked_out_by_hand():
    line = line_of_steps([[-500.0, -200.0], [20.0, 0.0], [60.0, 100.0]], max_points=10, **LIMITS)
    assert line == [[-500.0, -200.0], [19.9, -200.0], [20.0, 0.0], [59.9, 0.0], [60.0, 100.0], [4000.0, 100.0]]
    assert quantity_on_line(line, 19.95) == pytest.approx(-100.0) and quantity_on_line(line, 4000.1) == 0.0
    assert quantity_on_line([[0.0, 0.0], [100.0, 50.0]], 30.0) == pytest.approx(15.0)
    assert line_of_steps([], max_points=10, **LIMITS) == []


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(-4999, 39999), st.integers(-20, 20)), max_size=8), st.integers(2, 12))
def test_at_every_tick_the_line_offers_what_the_steps_do(pairs, max_points):
    prices = sorted({price / 10 for price, _ in pairs})
    quantities = sorted({100.0 * lots for _, lots in pairs})
    steps = [[price, kw] for price, kw in zip(prices, quantities, strict=False) if kw]
    line = line_of_steps(steps, max_points=200, **LIMITS)
    assert line_findings([line], **RULES) == []
    if not steps or steps[0][1] > 0:  # a purchase begins at the floor, as the steps of a bid do
        for price in [p for p, _ in steps] + [round(p - 0.1, 6) for p, _ in steps] + [-500.0, 4000.0]:
            if price >= -499.8:
                assert quantity_on_line(line, price) == pytest.approx(quantity_at(steps, price), abs=1e-6)
    few = line_of_steps(steps, max_points=max_points, **LIMITS)
    assert len(few) <= max_points and np.all(np.diff([kw for _, kw in few]) >= 0)


def test_what_a_market_would_refuse_is_named():
    rules = RULES | {"max_points": 3}
    good = [[-500.0, 0.0], [10.0, 50.0], [4000.0, 50.0]]
    assert line_findings([good], **rules) == [] and line_findings([[]], **rules) == []
    for bad, text in (
        ([[-500.0, 10.0], [10.0, 0.0], [4000.0, 20.0]], "not rising at 10.0"),
        ([[-400.0, 0.0], [4000.0, 50.0]], "must run from -500.0 to 4000.0"),
        ([[-500.0, 0.0], [10.05, 50.0], [4000.0, 50.0]], "no multiple"),
        ([[-500.0, 0.0], [1.0, 1.0], [2.0, 2.0], [4000.0, 3.0]], "4 points"),
        ([[-500.0, 0.0], [-500.0, 3.0], [4000.0, 3.0]], "not rising at -500.0"),
    ):
        assert any(text in finding for finding in line_findings([bad], **rules)), text
    assert line_findings([], **rules) == ["0 blocks, the day has 1"]
