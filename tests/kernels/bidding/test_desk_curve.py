"""A trader's hand on one block of a curve: less of it at the same prices, or all of it at one."""

from __future__ import annotations

from bidding.kernels.curve import limits, quantity_at
from bidding.kernels.desk_curve import at_one_price, scaled

LIMITS = {"price_floor": -500.0, "price_cap": 3000.0, "tick": 0.01}
BOTH = [[-500.0, -200.0], [-22.55, 0.0], [38.75, 1700.0]]


def test_less_of_a_curve_keeps_its_prices_and_whole_lots():
    assert scaled(BOTH, 0.9, lot_kw=100.0) == [[-500.0, -100.0], [-22.55, 0.0], [38.75, 1500.0]]
    assert scaled([[2.5, 300.0], [4.0, 400.0]], 1.2, lot_kw=100.0) == [[2.5, 300.0], [4.0, 400.0]]
    assert scaled(BOTH, 1.0, lot_kw=100.0) == BOTH


def test_a_step_that_moves_nothing_any_more_is_left_out():
    assert scaled([[-500.0, 100.0], [38.75, 1400.0]], 0.5, lot_kw=100.0) == [[38.75, 700.0]]
    assert scaled([[2.5, 300.0], [4.0, 350.0]], 0.5, lot_kw=100.0) == [[2.5, 100.0]]
    assert scaled(BOTH, 0.0, lot_kw=100.0) == []


def test_a_small_step_gives_way_to_the_minimum_and_the_largest_is_left_to_the_rules():
    assert scaled([[1.0, 50.0], [1.6, 190.0]], 0.5, lot_kw=5.0, min_kw=50.0) == [[1.6, 95.0]]
    assert scaled([[1.0, 50.0]], 0.5, lot_kw=5.0, min_kw=50.0) == [[1.0, 25.0]]


def test_a_line_keeps_every_point():
    line = [[-500.0, -200.0], [38.74, 0.0], [38.75, 100.0], [3000.0, 100.0]]
    assert scaled(line, 0.5, lot_kw=100.0, is_line=True) == [
        [-500.0, -100.0],
        [38.74, 0.0],
        [38.75, 0.0],
        [3000.0, 0.0],
    ]


def test_at_one_price_the_most_is_sold_from_it_on_and_bought_up_to_it():
    one = at_one_price(BOTH, 45.0, **LIMITS)
    assert [quantity_at(one, price) for price in (-500.0, 44.99, 45.0, 3000.0)] == [-200.0, -200.0, 1700.0, 1700.0]
    bought = at_one_price([[-500.0, -200.0]], 45.0, **LIMITS)
    assert [quantity_at(bought, price) for price in (45.0, 45.01)] == [-200.0, 0.0]
    assert at_one_price([[-500.0, -200.0]], 3000.0, **LIMITS) == [[-500.0, -200.0]]
    assert at_one_price(BOTH, -500.0, **LIMITS) == [[-500.0, 1700.0]]
    assert at_one_price([], 45.0, **LIMITS) == []


def test_the_limits_of_a_curve_are_where_its_sales_begin_and_its_purchases_end():
    assert limits(BOTH, 3000.0) == [-22.55, 38.75]
    assert limits([[-500.0, 100.0], [38.75, 1400.0]], 3000.0) == [-500.0, 38.75]
    assert limits([[-500.0, -200.0]], 3000.0) == [3000.0]
    assert limits([[-500.0, -200.0], [38.74, -200.0], [38.75, 100.0], [3000.0, 100.0]], 3000.0) == [38.75, 38.75]
