"""A regulation signal is split in proportion, exactly, and saturation is taken over by the others."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpp.dispatch.kernels.places import PlaceLimits
from vpp.dispatch.kernels.regulation import Ready, split_signal, within_places


def ready(share: list[float], room: list[float], reach: float = np.inf) -> Ready:
    n = len(share)
    zero, bound = np.zeros(n), np.array(room)
    return Ready(zero, zero, -bound, bound, np.array(share), np.full(n, reach))


def test_shares_are_in_proportion() -> None:
    target, missing = split_signal(ready([10.0, 20.0, 10.0], [50.0] * 3), 8.0)
    np.testing.assert_allclose(target, [-2.0, -4.0, -2.0])
    assert missing == 0.0


def test_who_saturates_gives_all_and_the_others_take_over_in_proportion() -> None:
    target, missing = split_signal(ready([10.0, 20.0, 10.0], [1.0, 50.0, 50.0]), -13.0)
    np.testing.assert_allclose(target, [1.0, 8.0, 4.0])
    assert missing == 0.0


def test_what_nobody_can_give_is_said_with_its_sign() -> None:
    target, missing = split_signal(ready([1.0, 1.0], [3.0, 4.0]), -10.0)
    np.testing.assert_allclose(target, [3.0, 4.0])
    assert missing == -3.0


def test_a_ramp_bounds_what_can_be_reached_by_the_next_signal() -> None:
    target, missing = split_signal(ready([1.0, 1.0], [9.0, 9.0], reach=2.0), 6.0)
    np.testing.assert_allclose(target, [-2.0, -2.0])
    assert missing == pytest.approx(2.0)


def test_no_request_and_no_devices_are_nothing() -> None:
    assert split_signal(ready([1.0], [5.0]), 0.0)[1] == 0.0
    target, missing = split_signal(ready([], []), 4.0)
    assert target.size == 0 and missing == 4.0


@given(st.integers(0, 2**32 - 1), st.floats(-500.0, 500.0))
def test_the_sum_is_exact_and_no_bound_is_passed(seed: int, request: float) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 40))
    base = rng.uniform(-5, 5, n)
    one = Ready(
        base, base, base - rng.uniform(0, 20, n), base + rng.uniform(0, 20, n), rng.choice([0.0, 1.0, 7.0], n),
        np.full(n, np.inf),
    )  # fmt: skip
    target, missing = split_signal(one, request)
    assert (base - target).sum() + missing == pytest.approx(request, abs=1e-6)
    assert (target >= one.lowest_kw - 1e-9).all() and (target <= one.highest_kw + 1e-9).all()
    assert (target[one.share_kw == 0.0] == base[one.share_kw == 0.0]).all()


def test_ten_thousand_devices_are_split_far_within_a_signal() -> None:
    rng = np.random.default_rng(1)
    one = ready(rng.uniform(1, 5, 10_000).tolist(), rng.uniform(0, 10, 10_000).tolist())
    begin = time.perf_counter()
    split_signal(one, 9_000.0)
    assert time.perf_counter() - begin < 0.2


@given(st.integers(0, 2**32 - 1))
def test_devices_that_all_go_as_far_as_they_may_overload_no_place(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, places = int(rng.integers(1, 40)), int(rng.integers(1, 6))
    limits = PlaceLimits(rng.integers(0, places, n), rng.uniform(0, 30, places), rng.uniform(0, 30, places))
    moved_kw = np.round(rng.uniform(-3, 3, n), 3)
    up_kw, down_kw = within_places((limits,), moved_kw, rng.uniform(0, 9, n), rng.uniform(0, 9, n))
    assert (up_kw >= 0.0).all() and (down_kw >= 0.0).all()
    before_kw = np.bincount(limits.place, moved_kw, places)
    up_at_most = np.maximum(limits.up_kw, before_kw)  # who is over it already is moved no further
    assert (before_kw + np.bincount(limits.place, up_kw, places) <= up_at_most + 1e-6).all()
    down_at_most = np.maximum(limits.down_kw, -before_kw)
    assert (np.bincount(limits.place, down_kw, places) - before_kw <= down_at_most + 1e-6).all()
