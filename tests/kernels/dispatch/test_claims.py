"""Commitments that only some devices may serve."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.dispatch.states import batteries
from vpp.dispatch.kernels.disaggregate import Claims, PlaceLimits, disaggregate
from vpp.dispatch.kernels.limits import Limit

STEP_H = 0.25


def claims(kw: list[float], admitted: list[list[int]], n: int) -> Claims:
    masks = np.array([[device in row for device in range(n)] for row in admitted])
    return Claims(np.array(kw), masks, tuple(f"P{row}" for row in range(len(kw))))


def test_a_product_is_served_by_devices_it_admits_however_dear_they_are() -> None:
    cost = np.array([0.0, 0.0, 0.5, 0.5])
    split = disaggregate(6.0, batteries(4), cost, STEP_H, claims=claims([6.0], [[2, 3]], 4))
    np.testing.assert_allclose(split.change_kw, [0.0, 0.0, 3.0, 3.0])


def test_what_is_open_to_all_leaves_the_admitted_to_the_product_that_needs_them() -> None:
    split = disaggregate(15.0, batteries(4), np.zeros(4), STEP_H, claims=claims([5.0], [[0]], 4))
    np.testing.assert_allclose(split.change_kw[0], 5.0)
    assert split.change_kw.sum() == pytest.approx(15.0)


def test_what_the_admitted_cannot_give_is_missing_though_others_could_and_is_told_with_the_product() -> None:
    split = disaggregate(12.0, batteries(4), np.zeros(4), STEP_H, claims=claims([8.0], [[0]], 4))
    assert split.change_kw[0] == pytest.approx(5.0) and split.change_kw.sum() == pytest.approx(9.0)
    assert split.residual_kw == pytest.approx(3.0)
    (stop,) = split.stops
    assert (stop.limit, stop.where) == (Limit.NOT_ADMITTED, "P0") and stop.missing_kw == pytest.approx(3.0)


def test_opposite_claims_are_both_served_and_a_device_of_both_moves_by_the_difference() -> None:
    split = disaggregate(6.0, batteries(2), np.zeros(2), STEP_H, claims=claims([10.0, -4.0], [[0, 1], [0]], 2))
    assert split.residual_kw == 0.0 and split.change_kw.sum() == pytest.approx(6.0)
    apart = disaggregate(1.0, batteries(2), np.zeros(2), STEP_H, claims=claims([5.0, -4.0], [[1], [0]], 2))
    np.testing.assert_allclose(apart.change_kw, [-4.0, 5.0])
    neither = disaggregate(0.0, batteries(2), np.zeros(2), STEP_H, claims=claims([7.0, -7.0], [[1], [0]], 2))
    np.testing.assert_allclose(neither.change_kw, [-5.0, 5.0])
    assert neither.residual_kw == 0.0 and sorted(stop.missing_kw for stop in neither.stops) == [-2.0, 2.0]


def test_a_product_hands_over_devices_that_another_cannot_do_without() -> None:
    cost = np.array([0.5, 0.0, 0.5])
    overlapping = claims([5.0, 10.0], [[0, 1], [1, 2]], 3)
    split = disaggregate(15.0, batteries(3), cost, STEP_H, claims=overlapping)
    np.testing.assert_allclose(split.change_kw, [5.0, 5.0, 5.0])
    assert split.residual_kw == 0.0 and split.stops == ()


def test_a_node_that_is_full_holds_for_all_claims_together() -> None:
    limits = PlaceLimits(
        np.array([0, 0, 1]), np.array([4.0, np.inf]), np.array([4.0, np.inf]), Limit.NODE, ("N1", "N2")
    )
    split = disaggregate(9.0, batteries(3), np.zeros(3), STEP_H, places=(limits,), claims=claims([3.0], [[0]], 3))
    assert split.change_kw[:2].sum() == pytest.approx(4.0) and split.change_kw[0] >= 3.0
    assert split.change_kw[2] == pytest.approx(5.0) and split.residual_kw == 0.0


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_claims_of_one_direction_are_met_as_far_as_any_assignment_could(seed: int) -> None:
    """Two products over three classes of devices: the largest flow is known by hand (Hall's condition)."""
    rng = np.random.default_rng(seed)
    n = 12
    admitted = rng.random((2, n)) < 0.5
    admitted[0] |= admitted[1] if seed % 2 else False  # every other time one contains the other
    kw = rng.integers(1, 40, 2).astype(float)
    split = disaggregate(
        kw.sum(), batteries(n), rng.choice([0.0, 0.1], n), STEP_H, claims=Claims(kw, admitted, ("A", "B"))
    )
    able = [5.0 * row.sum() for row in admitted]
    either = 5.0 * admitted.any(axis=0).sum()
    best = min(kw.sum(), min(kw[0], able[0]) + min(kw[1], able[1]), either)
    assert split.change_kw.sum() == pytest.approx(best, abs=0.02)
    assert split.change_kw[~admitted.any(axis=0)].sum() == 0.0
    assert (split.change_kw <= 5.0 + 1e-9).all()
