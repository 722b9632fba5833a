"""A commitment into setpoints."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.dispatch.states import batteries, mixed
from vpp.dispatch.kernels.day_plan import DayPlan, DayTask, plan_day
from vpp.dispatch.kernels.disaggregate import PlaceLimits, disaggregate
from vpp.dispatch.kernels.headroom import FleetState, headroom
from vpp.dispatch.kernels.limits import Limit
from vpp.dispatch.kernels.shares import level_fill

STEP_H = 0.25


def plan(net_up_kw: np.ndarray, baseline_kw: np.ndarray, state: FleetState, cost: np.ndarray) -> DayPlan:
    nothing = np.zeros(net_up_kw.size)
    return plan_day(DayTask(net_up_kw, nothing, nothing), baseline_kw, state, cost, STEP_H)


def test_equal_devices_share_equally_and_the_sum_is_exact() -> None:
    split = disaggregate(7.0, batteries(3), np.zeros(3), STEP_H)
    assert split.change_kw.sum() == pytest.approx(7.0, abs=1e-9)
    assert np.ptp(split.change_kw) <= 0.001 + 1e-12
    assert split.residual_kw == 0.0 and split.reason is Limit.NONE
    np.testing.assert_allclose(split.target_kw, -split.change_kw)


def test_down_charges() -> None:
    split = disaggregate(-6.0, batteries(3), np.zeros(3), STEP_H)
    np.testing.assert_allclose(split.target_kw, 2.0)


def test_what_cannot_be_given_is_stated_with_its_reason() -> None:
    state = batteries(4, stored_kwh=np.array([5.0, 0.25, 0.25, 0.0]))
    split = disaggregate(20.0, state, np.zeros(4), STEP_H)
    np.testing.assert_allclose(split.change_kw, [5.0, 1.0, 1.0, 0.0])
    assert split.residual_kw == pytest.approx(13.0)
    assert split.reason is Limit.ENERGY
    silent = batteries(2, barred=np.array([Limit.SILENT, Limit.NONE], dtype=np.int8))
    split = disaggregate(8.0, silent, np.zeros(2), STEP_H)
    np.testing.assert_allclose(split.change_kw, [0.0, 5.0])
    assert split.reason is Limit.SILENT


def test_the_owners_floor_and_the_losses_count() -> None:
    state = batteries(1, stored_kwh=np.array([2.0]), floor_kwh=np.array([1.5]), discharge_efficiency=np.array([0.8]))
    split = disaggregate(5.0, state, np.zeros(1), STEP_H)
    assert split.change_kw[0] == pytest.approx(0.5 * 0.8 / STEP_H, abs=1e-3)


def test_a_generator_goes_no_faster_than_its_ramp() -> None:
    state = batteries(
        1, kind=np.array(["BIOMASS"]), baseline_kw=np.array([-2.0]), previous_kw=np.array([-2.0]),
        ramp_kw_per_minute=np.array([0.1]), max_consumption_kw=np.zeros(1),
    )  # fmt: skip
    split = disaggregate(3.0, state, np.zeros(1), STEP_H)
    assert split.target_kw[0] == pytest.approx(-3.5)
    assert split.reason is Limit.RAMP


def test_the_cheapest_go_first_and_the_fuller_store_before_the_emptier() -> None:
    state = batteries(4, stored_kwh=np.array([5.0, 5.0, 9.0, 6.0]))
    split = disaggregate(6.0, state, np.array([0.01, 0.02, 0.02, 0.02]), STEP_H)
    np.testing.assert_allclose(split.change_kw, [5.0, 0.0, 1.0, 0.0], atol=2e-3)


def test_rotation_spreads_use_among_equals_over_a_day() -> None:
    n = 6
    state = batteries(
        n, kind=np.array(["FLEXIBLE_LOAD"] * n), baseline_kw=np.full(n, 5.0), stored_kwh=np.full(n, np.nan)
    )
    state_used = batteries(
        n, kind=state.kind, baseline_kw=state.baseline_kw, stored_kwh=state.stored_kwh,
        used_kwh=np.array([20.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
    )  # fmt: skip
    day = plan(np.full(96, 7.0), np.full((n, 96), 5.0), state_used, np.zeros(n))
    moved_kwh = (5.0 - day.target_kw).sum(axis=1) * STEP_H
    assert moved_kwh[0] + 20.0 == pytest.approx(moved_kwh[1], abs=0.6)
    assert np.ptp(moved_kwh[1:]) < 0.1


def test_energy_for_later_commitments_is_kept_in_the_store() -> None:
    state = batteries(
        2,
        kind=np.array(["BATTERY", "BIOMASS"]),
        stored_kwh=np.array([5.0, np.nan]),
        max_consumption_kw=np.array([5.0, 0.0]),
    )
    cheap_store = np.array([0.0, 0.1])
    assert disaggregate(4.0, state, cheap_store, STEP_H).change_kw[0] == pytest.approx(4.0)
    kept = disaggregate(4.0, state, cheap_store, STEP_H, spare_store_kwh=0.5)
    np.testing.assert_allclose(kept.change_kw, [2.0, 2.0])
    emergency = disaggregate(9.0, state, cheap_store, STEP_H, spare_store_kwh=0.5)
    assert emergency.residual_kw == 0.0


def test_a_day_that_needs_the_store_in_the_evening_is_met_in_full() -> None:
    state = batteries(
        2,
        kind=np.array(["BATTERY", "BIOMASS"]),
        stored_kwh=np.array([5.0, np.nan]),
        max_consumption_kw=np.array([5.0, 0.0]),
    )
    net = np.zeros(96)
    net[20:40], net[76:80] = 4.0, 10.0
    day = plan(net, np.zeros((2, 96)), state, np.array([0.0, 0.1]))
    promised = net > 0.0
    np.testing.assert_allclose(day.residual_kw, 0.0)
    np.testing.assert_allclose(-day.target_kw.sum(axis=0)[promised], net[promised], atol=1e-9)


def test_a_feeder_limit_holds_for_its_devices_together() -> None:
    limits = PlaceLimits(np.array([0, 0, 1]), up_kw=np.array([4.0, 99.0]), down_kw=np.array([99.0, 99.0]))
    split = disaggregate(12.0, batteries(3), np.zeros(3), STEP_H, places=(limits,))
    assert split.change_kw[:2].sum() == pytest.approx(4.0)
    assert split.residual_kw == pytest.approx(3.0)
    assert split.reason is Limit.FEEDER


def test_what_a_full_feeder_cannot_take_is_asked_of_the_others() -> None:
    limits = PlaceLimits(np.array([0, 0, 1, 1]), up_kw=np.array([4.0, np.inf]), down_kw=np.array([99.0, 99.0]))
    split = disaggregate(12.0, batteries(4), np.zeros(4), STEP_H, places=(limits,))
    assert split.change_kw[:2].sum() <= 4.0 and split.change_kw.sum() == pytest.approx(12.0)
    assert split.residual_kw == 0.0


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-400.0, 400.0))
def test_no_feeder_is_passed_and_limits_that_do_not_bind_change_nothing(seed: int, net_up_kw: float) -> None:
    rng = np.random.default_rng(seed)
    state, cost = mixed(30, seed), rng.choice([0.0, 0.03, 0.06], 30)
    feeder, limit_kw = rng.integers(0, 4, 30), rng.uniform(0.0, 120.0, 4)
    free = disaggregate(net_up_kw, state, cost, STEP_H)
    split = disaggregate(net_up_kw, state, cost, STEP_H, places=(PlaceLimits(feeder, limit_kw, limit_kw),))
    load_kw = np.bincount(feeder, weights=np.abs(split.change_kw), minlength=4)
    assert (load_kw <= limit_kw + 1e-9).all()
    assert np.abs(split.change_kw).sum() + abs(split.residual_kw) == pytest.approx(abs(net_up_kw), abs=5.01e-4)
    if (np.bincount(feeder, weights=np.abs(free.change_kw), minlength=4) <= limit_kw).all():
        np.testing.assert_array_equal(split.change_kw, free.change_kw)


def test_excluded_devices_keep_their_baseline() -> None:
    state = batteries(3, barred=np.array([Limit.OPTED_OUT, Limit.SUSPENDED, Limit.NONE], dtype=np.int8))
    np.testing.assert_array_equal(disaggregate(4.0, state, np.zeros(3), STEP_H).change_kw, [0.0, 0.0, 4.0])


def test_the_owners_hours_events_and_rest_end_the_use_of_a_device() -> None:
    state = batteries(
        4,
        hours_left=np.array([0.0, 4.0, 4.0, 4.0]),
        events_left=np.array([1.0, 0.0, 2.0, 0.0]),
        idle_hours=np.array([np.inf, np.inf, 0.25, 0.0]),
        rest_hours=np.full(4, 0.5),
    )
    np.testing.assert_array_equal(disaggregate(4.0, state, np.zeros(4), STEP_H).change_kw, [0.0, 0.0, 0.0, 4.0])
    codes = [Limit.OWNER_HOURS, Limit.OWNER_EVENTS, Limit.OWNER_REST, Limit.RATING]
    assert disaggregate(4.0, state, np.zeros(4), STEP_H).bound.tolist() == codes


def test_a_plan_starts_no_more_events_than_the_owner_allows() -> None:
    net = np.zeros(96)
    net[[10, 20, 30, 40]] = 3.0
    day = plan(net, np.zeros((1, 96)), batteries(1, events_left=np.array([2.0])), np.zeros(1))
    np.testing.assert_allclose(day.residual_kw[[10, 20, 30, 40]], [0.0, 0.0, 3.0, 3.0])
    assert day.reason[30] is Limit.OWNER_EVENTS


def test_the_weather_is_only_ever_curtailed() -> None:
    state = batteries(1, kind=np.array(["PV"]), baseline_kw=np.array([-3.0]), max_consumption_kw=np.zeros(1))
    assert disaggregate(1.0, state, np.zeros(1), STEP_H).residual_kw == 1.0
    assert disaggregate(-1.0, state, np.zeros(1), STEP_H).target_kw[0] == pytest.approx(-2.0)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-1500.0, 1500.0), st.floats(0.0, 200.0))
def test_every_split_keeps_every_limit_and_states_what_is_missing(seed: int, net: float, later_kwh: float) -> None:
    state = mixed(60, seed)
    cost = np.round(np.random.default_rng(seed).uniform(0, 0.1, 60), 2)
    split = disaggregate(net, state, cost, STEP_H, spare_store_kwh=later_kwh)
    again = disaggregate(net, state, cost, STEP_H, spare_store_kwh=later_kwh)
    np.testing.assert_array_equal(split.target_kw, again.target_kw)
    room = headroom(state, STEP_H)
    assert (split.change_kw <= room.up_kw + 1e-6).all() and (-split.change_kw <= room.down_kw + 1e-6).all()
    assert split.change_kw.sum() + split.residual_kw == pytest.approx(net, abs=0.0005 + 1e-9)  # whole watts
    assert (split.target_kw <= state.max_consumption_kw + 1e-6).all()
    assert (split.target_kw >= -state.max_production_kw - 1e-6).all()
    if abs(split.residual_kw) > 0:
        assert split.reason is not Limit.NONE
        cap = room.up_kw if net >= 0 else room.down_kw
        assert abs(split.change_kw).sum() >= cap.sum() - 0.001 * cap.size - 1e-6


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 1.0))
def test_the_level_fill_gives_exactly_what_is_wanted_to_those_who_last_longest(seed: int, part: float) -> None:
    rng = np.random.default_rng(seed)
    cap, hours = rng.uniform(0, 10, 30), rng.choice([0.25, 1.0, 2.0, 24.0], 30)
    share = level_fill(part * cap.sum(), cap, hours, STEP_H)
    assert share.sum() == pytest.approx(part * cap.sum(), abs=1e-6)
    used = share > 1e-9
    for i in np.flatnonzero(used):
        assert (share[hours > hours[i]] >= cap[hours > hours[i]] - 1e-6).all() or np.isclose(hours, hours[i]).any()


def test_ten_thousand_devices_take_less_than_the_limit() -> None:
    state, cost = mixed(10_000, 1), np.round(np.random.default_rng(1).uniform(0, 0.1, 10_000), 3)
    disaggregate(20_000.0, state, cost, STEP_H)
    started = time.perf_counter()
    disaggregate(20_000.0, state, cost, STEP_H, spare_store_kwh=100.0)
    assert time.perf_counter() - started < 0.3
