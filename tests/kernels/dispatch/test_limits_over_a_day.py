"""Laws of a whole day of splits: whatever is asked, each limit of each device holds in each interval."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.dispatch.states import batteries, mixed
from vpp.dispatch.kernels.day_plan import after_step, split_interval
from vpp.dispatch.kernels.disaggregate import PlaceLimits, disaggregate
from vpp.dispatch.kernels.headroom import SHIFTABLE, FleetState, is_on
from vpp.dispatch.kernels.limits import Limit

STEPS, STEP_H, SLACK = 12, 0.25, 2e-3
seeds = st.integers(0, 2**32 - 1)


def lived(seed: int) -> list[tuple[FleetState, np.ndarray]]:
    """States and targets of a few hours of drawn commitments, each interval starting where the one before ended."""
    rng = np.random.default_rng(seed)
    state = mixed(12, seed)
    machine = state.kind != "BATTERY"
    state = replace(
        state, previous_kw=state.baseline_kw.copy(), run_hours=np.full(12, np.inf), idle_hours=np.full(12, np.inf),
        hours_left=rng.choice([0.5, 1.0, np.inf], 12), events_left=rng.choice([0.0, 1.0, 2.0, np.inf], 12),
        min_on_hours=machine * rng.choice([0.0, 0.5, 1.0], 12), min_off_hours=machine * rng.choice([0.0, 0.5, 1.0], 12),
    )  # fmt: skip
    told = []
    for _ in range(STEPS):
        wanted_kw = float(rng.choice([0.0, rng.uniform(-200.0, 200.0)]))
        split = split_interval(wanted_kw, state, np.zeros(12), 0.0, np.inf, STEP_H)
        assert abs(split.change_kw.sum() + split.residual_kw - np.round(wanted_kw, 3)) < SLACK or wanted_kw == 0.0
        told.append((state, split.target_kw))
        state = after_step(state, split.target_kw, STEP_H)
    return told


@settings(max_examples=150, deadline=None)
@given(seeds)
def test_ratings_stores_and_floors_hold(seed: int) -> None:
    for state, target_kw in lived(seed):
        assert (target_kw <= state.max_consumption_kw + SLACK).all()
        assert (target_kw >= -state.max_production_kw - SLACK).all()
        after = after_step(state, target_kw, STEP_H)
        full = (state.capacity_kwh > 0.0) & (state.kind == "BATTERY") & ~np.isnan(state.stored_kwh)
        floor_kwh = np.minimum(state.floor_kwh, state.stored_kwh)[full]  # one found below it is not drawn further
        assert (after.stored_kwh[full] >= floor_kwh - SLACK).all()
        assert (after.stored_kwh[full] <= state.capacity_kwh[full] + SLACK).all()


@settings(max_examples=150, deadline=None)
@given(seeds)
def test_a_car_keeps_its_departure_and_a_house_its_comfort(seed: int) -> None:
    """What they report is the energy they can do without; held back by more, the car or the house would want."""
    for state, target_kw in lived(seed):
        told = np.isin(state.kind, SHIFTABLE) & ~np.isnan(state.stored_kwh)
        held_back_kwh = np.maximum(state.baseline_kw - target_kw, 0.0) * STEP_H
        assert (held_back_kwh[told] <= state.stored_kwh[told] + SLACK).all()


@settings(max_examples=150, deadline=None)
@given(seeds)
def test_nobody_moves_faster_than_its_ramp_from_where_it_is(seed: int) -> None:
    for state, target_kw in lived(seed):
        moved = np.abs(target_kw - state.baseline_kw) > SLACK
        reach_kw = np.maximum(state.ramp_kw_per_minute * 15.0, np.abs(state.baseline_kw - state.previous_kw))
        assert (np.abs(target_kw - state.previous_kw)[moved] <= reach_kw[moved] + SLACK).all()


@settings(max_examples=150, deadline=None)
@given(seeds)
def test_hours_and_events_are_no_more_than_the_owner_allows(seed: int) -> None:
    told = lived(seed)
    moved = np.array([np.abs(target_kw - state.baseline_kw) > SLACK for state, target_kw in told])
    first = told[0][0]
    kept_on = np.array(
        [np.isin(state.run_hours, np.arange(1, 5) * STEP_H) for state, _ in told]
    )  # may not stop at once
    begun = moved & ~np.vstack([np.zeros((1, 12), dtype=bool), moved[:-1]])
    assert (begun.sum(axis=0) <= first.events_left).all()
    free = ~kept_on.any(axis=0)
    assert (moved.sum(axis=0)[free] * STEP_H <= first.hours_left[free]).all()


@settings(max_examples=300, deadline=None)
@given(seeds)
def test_who_is_switched_on_or_off_stays_so_for_its_minimum_time(seed: int) -> None:
    for state, target_kw in lived(seed):
        was_on, now_on = is_on(state, state.previous_kw), is_on(state, target_kw)
        usable = np.isin(state.barred, (Limit.NONE,))
        too_soon = usable & was_on & ~now_on & (state.run_hours < state.min_on_hours)
        by_us = np.abs(target_kw - state.baseline_kw) > SLACK
        assert not (too_soon & (by_us | ~is_on(state, state.baseline_kw))).any()
        too_soon = usable & ~was_on & now_on & (state.run_hours < state.min_off_hours)
        assert not (too_soon & by_us & ~is_on(state, state.baseline_kw)).any()


def genset(**changes: object) -> FleetState:
    """A genset of 50 kW that we started a quarter hour ago, and batteries that can make up for it."""
    state = batteries(3, stored_kwh=np.full(3, 5.0))
    values = {
        "kind": np.array(["GENSET", "BATTERY", "BATTERY"]), "max_production_kw": np.array([50.0, 25.0, 25.0]),
        "max_consumption_kw": np.array([0.0, 25.0, 25.0]), "previous_kw": np.array([-40.0, 0.0, 0.0]),
        "capacity_kwh": np.array([0.0, 40.0, 40.0]), "run_hours": np.array([0.25, np.inf, np.inf]),
        "min_on_hours": np.array([0.5, 0.0, 0.0]),
    }  # fmt: skip
    return replace(state, **(values | changes))  # type: ignore[arg-type]


def test_a_genset_that_just_started_runs_on_and_batteries_take_what_is_too_much() -> None:
    for wanted_kw in (0.0, 10.0):
        split = split_interval(wanted_kw, genset(), np.array([0.3, 0.0, 0.0]), 0.0, np.inf, STEP_H)
        assert split.target_kw[0] == -40.0
        assert split.change_kw.sum() + split.residual_kw == wanted_kw
        assert split.target_kw[1:].sum() == 40.0 - wanted_kw
    later = split_interval(0.0, genset(run_hours=np.full(3, 0.5)), np.zeros(3), 0.0, np.inf, STEP_H)
    assert later.target_kw[0] == 0.0


def test_a_genset_that_just_stopped_stays_off_and_says_why() -> None:
    stopped = genset(
        previous_kw=np.zeros(3), min_off_hours=np.array([1.0, 0.0, 0.0]), barred=np.array([0, 6, 6], dtype=np.int8)
    )
    stopped = replace(stopped, max_production_kw=np.array([50.0, 5.0, 5.0]))
    split = disaggregate(30.0, stopped, np.zeros(3), STEP_H)
    assert (split.change_kw[0], split.residual_kw, split.reason) == (0.0, 30.0, Limit.MIN_TIME)


@settings(max_examples=150, deadline=None)
@given(seeds, st.floats(-300.0, 300.0), st.floats(0.0, 50.0), st.floats(0.0, 50.0))
def test_a_node_or_feeder_is_never_passed_and_what_it_withholds_is_named(
    seed: int, wanted_kw: float, first_kw: float, second_kw: float
) -> None:
    state = replace(mixed(12, seed), min_on_hours=np.zeros(12))
    group = np.arange(12) % 2
    limits = np.array([first_kw, second_kw])
    split = disaggregate(wanted_kw, state, np.zeros(12), STEP_H, places=(PlaceLimits(group, limits, limits),))
    moved_kw = np.abs(np.bincount(group, weights=split.change_kw, minlength=2))
    assert (moved_kw <= limits + SLACK).all()
    assert (split.reason == Limit.NONE) == (abs(split.residual_kw) < 1e-9)
