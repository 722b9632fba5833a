"""From loading to an ask."""

from __future__ import annotations

import numpy as np

from vpp.simulation.kernels.congestion import DOWN, UP, Need, cut_to, need_above_limit, tightened_limit_kw


def test_consumption_above_the_limit_asks_for_less_and_production_for_more() -> None:
    need = need_above_limit(np.array([50.0, 110.2, 130.0, 90.0]), 100.0)
    assert need is not None and need.direction == UP
    np.testing.assert_array_equal(need.quantity_kw, [0.0, 11.0, 30.0, 0.0])
    need = need_above_limit(np.array([-150.0, 104.0]), 100.0)
    assert need is not None and need.direction == DOWN
    assert need_above_limit(np.array([50.0, -99.0]), 100.0) is None


def test_a_tightened_limit_is_broken_by_the_wanted_power_over_some_intervals() -> None:
    head = 100.0 + 40.0 * np.sin(np.linspace(0, np.pi, 96))
    limit = tightened_limit_kw(head, 12.0, 8)
    need = need_above_limit(head, limit)
    assert need is not None
    assert need.quantity_kw.max() in (12.0, 13.0)
    assert np.count_nonzero(need.quantity_kw) >= 8


def test_a_long_need_is_cut_to_its_heaviest_window() -> None:
    quantity = np.array([5.0, 5.0, 40.0, 90.0, 60.0, 5.0])
    cut = cut_to(Need(UP, quantity), 50.0, 3)
    np.testing.assert_array_equal(cut.quantity_kw, [0.0, 0.0, 40.0, 50.0, 50.0, 0.0])
