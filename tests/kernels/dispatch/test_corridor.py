"""How full the batteries must be."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.dispatch.states import batteries
from vpp.dispatch.kernels.corridor import recovery_up_kw, store_corridor, total_store
from vpp.dispatch.kernels.day_plan import DayTask, plan_day

STEP_H = 0.25


def corridor(net: list[float], held_up: float = 0.0, **changes: np.ndarray):
    n, nothing = len(net), np.zeros(len(net))
    store = total_store(batteries(2, **changes))
    return store, store_corridor(np.array(net), nothing, nothing, np.full(n, held_up), nothing, store, STEP_H)


def test_the_energy_for_the_evening_is_there_when_it_begins() -> None:
    store, found = corridor([0.0, 0.0, 8.0, 8.0])
    np.testing.assert_allclose(found.least_kwh, [2.0, 4.0, 2.0, 0.0])
    np.testing.assert_allclose(found.most_kwh, 20.0)


def test_room_for_a_later_purchase_is_kept_and_losses_count() -> None:
    half = np.full(2, 0.5)
    _, found = corridor([0.0, -8.0, 8.0, 0.0], charge_efficiency=half, discharge_efficiency=half)
    np.testing.assert_allclose(found.least_kwh, [3.0, 4.0, 0.0, 0.0])
    np.testing.assert_allclose(found.most_kwh, [19.0, 20.0, 20.0, 20.0])


def test_a_held_reserve_keeps_its_energy() -> None:
    _, found = corridor([0.0] * 4, held_up=5.0)
    np.testing.assert_allclose(found.least_kwh[:3], 5.0)


def test_recovery_goes_back_into_the_corridor_and_not_further() -> None:
    store, _ = corridor([0.0])
    assert recovery_up_kw(store, 11.0, 20.0, STEP_H) == -4.0
    assert recovery_up_kw(store, 0.0, 9.0, STEP_H) == 4.0
    assert recovery_up_kw(store, 5.0, 15.0, STEP_H) == 0.0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_day_that_alternates_within_the_stores_reach_is_delivered_in_full(seed: int) -> None:
    """Blocks of sales with breaks long enough to refill: the plan refills in the breaks and misses at most a hundredth
    (the corridor sees the batteries as one, and five that began at different contents are not quite one)."""
    rng = np.random.default_rng(seed)
    state = batteries(5, stored_kwh=rng.uniform(4.0, 6.0, 5))
    net = np.zeros(96)
    for start in range(16, 90, 24):
        net[start : start + 8] = rng.uniform(5.0, 18.0) * rng.choice([-1.0, 1.0])
    nothing = np.zeros(96)
    plan = plan_day(DayTask(net, nothing, nothing), np.zeros((5, 96)), state, np.zeros(5), STEP_H)
    assert np.abs(plan.residual_kw[net != 0.0]).sum() <= 0.01 * np.abs(net).sum()
    stored = state.stored_kwh.sum() + np.cumsum(plan.target_kw.sum(axis=0)) * STEP_H
    assert stored.min() >= -1e-6 and stored.max() <= 50.0 + 1e-6
