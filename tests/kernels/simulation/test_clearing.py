"""The auction and the modelled price."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vpp.simulation.kernels.clearing import clear_energy_day, clear_reserve_day, clear_uniform, steps_of_line
from vpp.simulation.kernels.prices import MERIT_ORDER, merit_order_price


def test_it_finds_the_price_of_a_small_book_worked_by_hand() -> None:
    cleared = clear_uniform(
        np.array([10.0, 20.0, 40.0]),
        np.array([50.0, 50.0, 50.0]),
        np.array([50.0, 30.0, 5.0]),
        np.array([60.0, 30.0, 90.0]),
    )
    assert cleared.price_eur_per_mwh == 20.0  # the 20 EUR offer is filled in part: it sets the price
    np.testing.assert_allclose(cleared.accepted_supply_kw, [50.0, 40.0, 0.0])
    np.testing.assert_allclose(cleared.accepted_demand_kw, [60.0, 30.0, 0.0])


def test_orders_at_the_margin_share_pro_rata() -> None:
    cleared = clear_uniform(np.array([20.0, 20.0]), np.array([30.0, 10.0]), np.array([25.0]), np.array([20.0]))
    np.testing.assert_allclose(cleared.accepted_supply_kw, [15.0, 5.0])


def test_a_book_that_does_not_cross_trades_nothing() -> None:
    cleared = clear_uniform(np.array([30.0]), np.array([5.0]), np.array([20.0]), np.array([5.0]))
    assert np.isnan(cleared.price_eur_per_mwh)
    assert cleared.accepted_supply_kw.sum() == cleared.accepted_demand_kw.sum() == 0.0


prices = st.lists(st.integers(-50, 100), min_size=1, max_size=8)


@settings(max_examples=150, deadline=None)
@given(prices, prices, st.integers(0, 2**32 - 1))
def test_supply_equals_demand_and_nobody_trades_at_a_loss(asks: list[int], bids: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    ask, bid = np.array(asks, dtype=float), np.array(bids, dtype=float)
    offer_kw, want_kw = rng.integers(0, 50, ask.size).astype(float), rng.integers(0, 50, bid.size).astype(float)
    cleared = clear_uniform(ask, offer_kw, bid, want_kw)
    assert cleared.accepted_supply_kw.sum() == pytest.approx(cleared.accepted_demand_kw.sum())
    assert (cleared.accepted_supply_kw <= offer_kw + 1e-9).all()
    price = cleared.price_eur_per_mwh
    assert (ask[cleared.accepted_supply_kw > 1e-9] <= price + 1e-9).all()
    assert (bid[cleared.accepted_demand_kw > 1e-9] >= price - 1e-9).all()
    if not np.isnan(price):
        assert cleared.accepted_supply_kw[ask < price] == pytest.approx(offer_kw[ask < price])


def test_a_small_seller_below_the_reference_price_is_taken_near_that_price() -> None:
    sell, buy = np.array([[100.0, 100.0]]), np.zeros((1, 2))
    price, sold, _ = clear_energy_day(sell, buy, np.array([[20.0, 60.0]]), np.array([30.0, 30.0]), 1000.0)
    assert sold[0, 0] == 100.0 and sold[0, 1] == 0.0
    assert np.abs(price - 30.0).max() <= 1.0


def test_a_buyer_above_the_reference_price_is_taken_also_when_the_price_is_negative() -> None:
    sell, buy = np.zeros((1, 1)), np.array([[80.0]])
    price, _, bought = clear_energy_day(sell, buy, np.array([[5.0]]), np.array([-12.0]), 1000.0)
    assert bought[0, 0] == 80.0
    assert price[0] == pytest.approx(-12.0, abs=1.0)


def test_reserve_is_taken_in_whole_blocks() -> None:
    offered = np.full((2, 8), 100.0)
    limit = np.array([[5.0] * 8, [5.0] * 4 + [50.0] * 4])
    price, accepted = clear_reserve_day(offered, limit, np.full(8, 10.0), block_intervals=4)
    np.testing.assert_allclose(price, 10.0)
    np.testing.assert_allclose(accepted, [[100.0] * 8, [100.0] * 4 + [0.0] * 4])


def test_the_modelled_price_never_falls_with_the_residual_load_and_may_be_negative() -> None:
    price = merit_order_price(np.linspace(-800.0, 1200.0, 200), 1000.0)
    assert (np.diff(price) >= 0.0).all()
    assert price[0] < 0.0 < price[-1] <= MERIT_ORDER.marginal_cost_eur_per_mwh[-1]
    with pytest.raises(ValueError, match="positive"):
        merit_order_price(np.ones(3), 0.0)


def test_a_line_is_cleared_as_small_steps_that_reach_both_ends():
    steps = steps_of_line([[-500.0, -200.0], [20.0, -200.0], [60.0, 100.0], [4000.0, 100.0]], parts=10)
    prices, quantities = [price for price, _ in steps], [kw for _, kw in steps]
    assert prices == sorted(prices) and quantities[0] == -200.0 and quantities[-1] == 100.0
    assert steps[1] == [22.0, -170.0] and steps_of_line([]) == []
