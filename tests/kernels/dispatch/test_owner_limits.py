"""Each of the owner's and the device's limits holds in disaggregation, by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.kernels.dispatch.states import batteries
from vpp.dispatch.kernels.disaggregate import disaggregate

NO_COST = np.zeros(4)


def test_equals_take_turns_over_the_day() -> None:
    """Who was used most today goes last: after as many rounds as needed everybody has moved alike."""
    state = batteries(4, stored_kwh=np.full(4, 10.0))
    kind = np.array(["FLEXIBLE_LOAD"] * 4)
    state = replace(state, kind=kind, baseline_kw=np.full(4, 8.0), stored_kwh=np.full(4, np.nan))
    used = np.zeros(4)
    for _ in range(40):
        split = disaggregate(8.0, replace(state, used_kwh=used.copy()), NO_COST, 0.25)
        assert split.change_kw.sum() == 8.0
        used += np.abs(split.change_kw) * 0.25
    assert used.max() - used.min() <= 2.0 * 0.25 * 8.0


def test_the_split_is_the_same_every_time() -> None:
    state = batteries(4, stored_kwh=np.array([4.0, 9.0, 9.0, 15.0]))
    first, again = (disaggregate(11.0, state, NO_COST, 0.25) for _ in range(2))
    np.testing.assert_array_equal(first.change_kw, again.change_kw)


def test_events_of_the_season_and_rest_between_them_are_kept() -> None:
    state = batteries(4, stored_kwh=np.full(4, 10.0))
    state = replace(
        state,
        events_left=np.array([0.0, 5.0, 5.0, 0.0]),
        idle_hours=np.array([np.inf, 0.25, np.inf, 0.0]),  # the last one is inside its last event
        rest_hours=np.full(4, 1.0),
    )
    split = disaggregate(20.0, state, NO_COST, 0.25)
    np.testing.assert_array_equal(split.change_kw[:2], 0.0)
    assert (split.change_kw[2:] > 0.0).all()


def test_a_device_inside_an_event_is_not_dropped_for_an_equal_that_rests() -> None:
    """Minimum on-time: who is at it stays at it while that much is asked."""
    state = batteries(4, stored_kwh=np.full(4, 10.0))
    kind = np.array(["FLEXIBLE_LOAD"] * 4)
    state = replace(state, kind=kind, baseline_kw=np.full(4, 8.0), stored_kwh=np.full(4, np.nan))
    state = replace(state, idle_hours=np.array([0.0, np.inf, np.inf, np.inf]), used_kwh=np.array([1.0, 0.0, 0.0, 0.0]))
    split = disaggregate(6.0, state, NO_COST, 0.25)
    assert split.change_kw[0] > 0.0


def test_a_car_gives_no_more_than_its_departure_allows_and_a_house_no_more_than_its_comfort() -> None:
    """Both report the energy they can do without: the departure's energy and the comfort band are in it."""
    state = batteries(4, stored_kwh=np.array([0.5, 0.25, 0.0, 10.0]))
    kind = np.array(["EV_CHARGER", "HEAT_PUMP", "EV_CHARGER", "BATTERY"])
    state = replace(state, kind=kind, baseline_kw=np.array([7.0, 3.0, 7.0, 0.0]))
    split = disaggregate(13.0, state, NO_COST, 0.25)
    assert split.change_kw[0] <= 0.5 / 0.25 + 1e-9
    assert split.change_kw[1] <= 0.25 / 0.25 + 1e-9
    assert split.change_kw[2] == 0.0


def test_a_ramp_bounds_the_first_interval() -> None:
    state = batteries(4, stored_kwh=np.full(4, 10.0))
    state = replace(state, previous_kw=np.zeros(4), ramp_kw_per_minute=np.array([0.1, np.inf, np.inf, np.inf]))
    split = disaggregate(35.0, state, NO_COST, 0.25)
    assert split.change_kw[0] <= 0.1 * 15.0 + 1e-9
