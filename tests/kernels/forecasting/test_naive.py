"""Naive forecasts: what a strict week says, and what a free day in it must not."""

import numpy as np

from forecasting.kernels.calendar import SATURDAY, SUNDAY, WORKDAY
from forecasting.kernels.naive import MEMBERS, Days, blend_days, naive_days


def plant(*free_days: int) -> Days:
    """Eight weeks of a plant that works from Monday to Friday and stood still on some days, which nobody announced."""
    types = np.array([(WORKDAY, WORKDAY, WORKDAY, WORKDAY, WORKDAY, SATURDAY, SUNDAY)[day % 7] for day in range(57)])
    noise = np.random.default_rng(2).normal(0, 0.1, (1, 57, 24))
    values = np.where(types == WORKDAY, 10.0, 1.0)[None, :, None] + noise
    values[:, list(free_days)] = 1.0
    return Days(values.astype(np.float32), np.ones(values.shape, bool), types, 10, 1)


def test_a_free_day_among_four_weeks_is_no_habit():
    """A week after an Easter Monday last week is wrong, and a plain mean of four weeks would be by two and a quarter."""
    days = plant(49)
    found = dict(zip(MEMBERS, naive_days(days)[:, 0, 56], strict=True))
    assert np.abs(found["last_week"] - 10).mean() > 8
    assert np.abs(found["four_weeks"] - 10).max() < 0.3


def test_the_blend_of_a_strict_week_loses_to_no_naive_forecast():
    days = plant()
    members = naive_days(days)
    missed = np.abs(members[:3] - days.values)[:, 0, 29:].mean(axis=(1, 2))  # last week, latest, mean of seven days
    assert np.abs(blend_days(days, members) - days.values)[0, 29:].mean() <= 1.02 * missed.min()
