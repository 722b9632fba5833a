"""Steps and stuck values, registers, gaps: each rule with the case beside it that it must leave alone."""

from __future__ import annotations

import numpy as np
import pytest

from telemetry.kernels.gaps import fill_gaps
from telemetry.kernels.plausibility import Limits, neighbour_flags
from telemetry.kernels.quality import Quality
from telemetry.kernels.readings import Readings
from telemetry.kernels.registers import energy_between

MINUTE_US, HOUR_US = 60_000_000, 3_600_000_000
DAY0_US = 16_995 * 24 * HOUR_US
NAN = np.nan


def flags(
    power_kw, *, step_min=15, range_kw=10.0, ramp=np.inf, is_pv=False, device=None, start_us=DAY0_US
) -> list[int]:
    power = np.array(power_kw, dtype=np.float64)
    count = power.size
    device_id = np.ones(count, dtype=np.int64) if device is None else np.array(device)
    time_us = start_us + np.arange(count) * step_min * MINUTE_US
    nothing, known = np.full(count, NAN), np.zeros(count, dtype=np.int64)
    readings = Readings(
        device_id, time_us, power, nothing, nothing, nothing, np.zeros(count, dtype=np.int16), known, known
    )
    limits = Limits(np.full(count, range_kw), np.full(count, ramp), np.full(count, is_pv))
    return neighbour_flags(readings, limits).tolist()


STEP, STUCK = int(Quality.IMPOSSIBLE_STEP), int(Quality.STUCK)


def test_a_step_wider_than_the_whole_range_is_flagged_once():
    assert flags([-5.0, 4.0, 5.0, -7.0, -7.5]) == [0, 0, 0, STEP, 0]


def test_a_step_faster_than_the_ramp_is_flagged_and_the_same_step_in_more_time_is_not():
    assert flags([0.0, 6.0], step_min=1, ramp=2.0) == [0, STEP]
    assert flags([0.0, 6.0], step_min=3, ramp=2.0) == [0, 0]


def test_devices_and_days_are_not_compared_with_each_other():
    assert flags([0.0, 30.0], device=[1, 2]) == [0, 0]
    assert flags([0.0, 30.0], start_us=DAY0_US + 24 * HOUR_US - 15 * MINUTE_US) == [0, 0]


def test_a_device_without_a_rating_has_no_step():
    assert flags([0.0, 500.0], range_kw=0.0) == [0, 0]


def test_six_hours_of_the_same_power_are_stuck_and_less_is_not():
    assert flags([1.5] * 25) == [STUCK] * 25
    assert flags([1.5] * 24) == [0] * 24
    assert flags([1.0, *[1.5] * 25, 1.0]) == [0, *[STUCK] * 25, 0]


def test_a_device_at_rest_and_pv_at_night_are_not_stuck():
    assert not any(flags([0.0] * 60))
    assert not any(flags([0.02] * 60, is_pv=True))
    assert all(flags([-4.0] * 60, is_pv=True))
    assert all(flags([0.02] * 60))


def energy(register_kwh, largest_kw=10.0):
    register = np.array(register_kwh, dtype=np.float64)
    return energy_between(register, np.arange(register.size) * HOUR_US, np.full(register.size, largest_kw))


def test_a_register_gives_the_energy_between_its_readings():
    energy_kwh, rolled = energy([100.0, 102.5, 102.5, 110.0])
    assert energy_kwh.tolist() == [2.5, 0.0, 7.5]
    assert not rolled.any()


@pytest.mark.parametrize(("before", "after", "expected"), [(9_998.0, 3.0, 5.0), (99_999.5, 0.5, 1.0), (999_995, 4, 9)])
def test_a_register_that_passes_its_last_digit_rolls_over(before, after, expected):
    energy_kwh, rolled = energy([before, after])
    assert (energy_kwh.tolist(), rolled.tolist()) == ([expected], [True])


def test_a_register_that_falls_without_a_roll_over_was_reset_and_its_energy_is_unknown():
    energy_kwh, rolled = energy([5_000.0, 0.0, 2.0])
    assert np.isnan(energy_kwh[0])
    assert (energy_kwh[1], rolled.tolist()) == (2.0, [False, False])


def test_an_hour_between_two_values_is_filled_on_the_line_and_marked():
    filled, marked = fill_gaps(np.array([[1.0, NAN, NAN, NAN, NAN, 6.0]]), np.full((1, 1, 6), 9.0))
    assert filled.tolist() == [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]
    assert marked.tolist() == [[False, True, True, True, True, False]]


def test_a_longer_gap_or_an_end_takes_the_nearest_day_that_has_it():
    power_kw = np.array([[NAN, 1.0, *[NAN] * 5, 2.0, NAN]])
    yesterday = np.full((1, 9), 3.0)
    yesterday[0, 4] = NAN
    filled, marked = fill_gaps(power_kw, np.stack([yesterday, np.full((1, 9), 4.0)]))
    assert filled.tolist() == [[3.0, 1.0, 3.0, 3.0, 4.0, 3.0, 3.0, 2.0, 3.0]]
    assert marked.sum() == 7


def test_what_no_rule_reaches_stays_missing():
    filled, marked = fill_gaps(np.full((2, 3), NAN), np.full((7, 2, 3), NAN))
    assert np.isnan(filled).all()
    assert not marked.any()
