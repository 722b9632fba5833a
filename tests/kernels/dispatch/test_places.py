"""What nodes and feeders bear, in the split of a commitment."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.dispatch.states import batteries, mixed
from vpp.dispatch.kernels.disaggregate import PlaceLimits, disaggregate
from vpp.dispatch.kernels.headroom import headroom
from vpp.dispatch.kernels.limits import Limit

STEP_H = 0.25


def nodes(place: list[int], up_kw: list[float], codes: tuple[str, ...] = ()) -> PlaceLimits:
    limit_kw = np.array(up_kw)
    return PlaceLimits(np.array(place), limit_kw, limit_kw.copy(), Limit.NODE, codes)


def test_a_full_node_stops_its_devices_and_the_others_take_over() -> None:
    limits = nodes([0, 0, 1, 1], [2.0, np.inf])
    split = disaggregate(9.0, batteries(4), np.zeros(4), STEP_H, places=(limits,))
    assert split.change_kw[:2].sum() <= 2.0
    assert split.change_kw.sum() == pytest.approx(9.0) and split.stops == ()


def test_what_a_node_stops_is_told_with_the_node_and_the_kilowatts() -> None:
    limits = nodes([0, 0, 1], [2.0, 4.0], ("N1", "N2"))
    split = disaggregate(14.0, batteries(3), np.zeros(3), STEP_H, places=(limits,))
    assert split.residual_kw == pytest.approx(8.0)
    assert split.reason is Limit.NODE
    told = [(stop.limit, stop.where, stop.bears_kw, round(stop.missing_kw, 3)) for stop in split.stops]
    assert told == [(Limit.NODE, "N1", 2.0, 8.0)]  # ten could be given at N1 and two may: that explains all
    down = disaggregate(-14.0, batteries(3), np.zeros(3), STEP_H, places=(limits,))
    assert [round(stop.missing_kw, 3) for stop in down.stops] == [-8.0]


def test_a_node_inside_a_full_feeder_does_not_take_from_the_feeder_what_it_may_not_use_itself() -> None:
    feeder = PlaceLimits(np.zeros(4, dtype=np.int64), np.array([9.0]), np.array([9.0]))
    node = nodes([0, 1, 1, 1], [1.0, np.inf])
    split = disaggregate(20.0, batteries(4), np.zeros(4), STEP_H, places=(node, feeder))
    assert split.change_kw[0] <= 1.0 and split.change_kw.sum() == pytest.approx(9.0, abs=0.005)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-600.0, 600.0))
def test_no_node_and_no_feeder_is_passed_and_nothing_is_missing_that_could_be_given(
    seed: int, net_up_kw: float
) -> None:
    rng = np.random.default_rng(seed)
    n, n_nodes = 40, 12
    state, cost = mixed(n, seed), rng.choice([0.0, 0.03, 0.06], n)
    state = type(state)(**{**vars(state), "min_on_hours": np.zeros(n), "min_off_hours": np.zeros(n)})
    node, feeder_of = rng.integers(0, n_nodes, n), rng.integers(0, 3, n_nodes)
    node_kw = np.where(rng.random(n_nodes) < 0.4, np.inf, rng.uniform(0.0, 60.0, n_nodes))
    feeder_kw = np.where(rng.random(3) < 0.4, np.inf, rng.uniform(0.0, 150.0, 3))
    places = (
        PlaceLimits(node, node_kw, node_kw, Limit.NODE), PlaceLimits(feeder_of[node], feeder_kw, feeder_kw),
    )  # fmt: skip
    split = disaggregate(net_up_kw, state, cost, STEP_H, places=places)
    moved_kw = np.abs(split.change_kw)
    assert (np.bincount(node, weights=moved_kw, minlength=n_nodes) <= node_kw + 1e-9).all()
    assert (np.bincount(feeder_of[node], weights=moved_kw, minlength=3) <= feeder_kw + 1e-9).all()
    room = headroom(state, STEP_H)
    cap_kw = room.up_kw if net_up_kw >= 0.0 else room.down_kw
    at_node_kw = np.minimum(np.bincount(node, weights=cap_kw, minlength=n_nodes), node_kw)
    possible_kw = np.minimum(np.bincount(feeder_of, weights=at_node_kw, minlength=3), feeder_kw).sum()
    wanted_kw = round(abs(net_up_kw), 3)
    assert moved_kw.sum() == pytest.approx(min(wanted_kw, possible_kw), abs=0.001 * (n * 3))
    assert moved_kw.sum() + abs(split.residual_kw) == pytest.approx(wanted_kw, abs=1e-6)
    assert sum(abs(stop.missing_kw) for stop in split.stops) <= abs(split.residual_kw) + 1e-6


def test_a_hundred_thousand_devices_at_ten_thousand_tight_nodes_take_less_than_the_limit() -> None:
    n = 100_000
    state, rng = mixed(n, 1), np.random.default_rng(1)
    cost, node_kw = rng.choice([0.0, 0.03, 0.06], n), rng.uniform(0.0, 100.0, 10_000)
    limits = PlaceLimits(rng.integers(0, 10_000, n), node_kw, node_kw, Limit.NODE)
    started = time.process_time()
    split = disaggregate(400_000.0, state, cost, STEP_H, places=(limits,))
    assert time.process_time() - started < 3.0
    assert (limits.load_w(split.change_kw) <= node_kw + 1e-9).all() and split.change_kw.sum() > 100_000.0
