"""The process of loads: what a day says depends on nothing later, and what a mean of days cannot tell is told."""

import numpy as np
import pytest

from forecasting.kernels import load_kernel
from forecasting.kernels.calendar import DayGrid
from forecasting.kernels.classes import LOAD
from forecasting.kernels.ladder import Ladder
from forecasting.kernels.load_kernel import habit_days, with_habits, without_habits
from forecasting.kernels.naive import Days, blend_days, naive_days
from forecasting.kernels.persistence import long_mean


def days_of(values: np.ndarray, lead: int = 1) -> Days:
    return Days(values, np.ones(values.shape, bool), np.arange(values.shape[1]) % 7 // 5, 10, lead)


def rota(n_days: int = 200) -> np.ndarray:
    """A plant with three shapes of a day in turn; now and then a day is repeated, so that no calendar holds them."""
    random = np.random.default_rng(1)
    turn = np.cumsum(random.random(n_days) > 0.05) % 3
    shape = 1 + 9 * np.repeat(np.eye(3), 8, axis=1)[turn]
    return (shape[None] + random.normal(0, 0.2, (1, n_days, 24))).astype(np.float32)


def test_days_that_a_series_enters_alike_go_on_alike():
    days = days_of(rota())
    late = slice(120, 200)
    missed = np.abs(habit_days(days) - days.values)[:, late].mean()
    naive = np.abs(naive_days(days) - days.values)[:, :, late].mean(axis=(1, 2, 3))
    assert missed < 0.6 * naive.min()


def test_a_regressor_tells_what_history_cannot():
    random = np.random.default_rng(2)
    heat = np.repeat(random.normal(0, 1, (1, 150, 1)), 24, axis=2).astype(np.float32)
    days = days_of(5 + 2 * np.abs(heat) + random.normal(0, 0.2, (1, 150, 24)).astype(np.float32))
    without, with_heat = (np.abs(habit_days(days, one) - days.values)[:, 90:].mean() for one in (None, heat))
    assert with_heat < 0.6 * without


@pytest.mark.parametrize("lead", [1, 2])
def test_nothing_after_an_issue_reaches_its_forecast(lead):
    values, day = rota(), 120
    changed = values.copy()
    changed[:, day - lead, 10:] += 3
    changed[:, day - lead + 1 :] = 7
    before, after = (habit_days(days_of(one, lead))[:, day] for one in (values, changed))
    # the scale of the states is that of all days: a later day may change it, but only a little
    assert np.abs(before - after).max() < 0.05 * np.abs(before).max()


def test_a_series_of_nothing_and_a_constant_stay_what_they_are():
    values = np.zeros((2, 60, 24), np.float32)
    values[1] = 4
    assert habit_days(days_of(values))[:, 40:] == pytest.approx(values[:, 40:])


def test_members_can_be_taken_back():
    days = days_of(rota(60))
    members = naive_days(days)
    assert (without_habits(with_habits(days, members)) == members).all()


def test_of_a_long_history_the_last_days_count_and_before_them_the_usual_is_said(monkeypatch):
    days = days_of(rota(120))
    whole = habit_days(days)
    monkeypatch.setattr(load_kernel, "LONGEST_DAYS", 80)
    late = habit_days(days)
    usual = np.clip(long_mean(days, load_kernel.USUAL_DAYS), 0, days.values.max())
    assert late[:, 1:40] == pytest.approx(usual[:, 1:40], rel=1e-5)
    assert np.abs(late - whole)[:, 100:].mean() < 0.2 * np.abs(late - usual)[:, 100:].mean()


def test_the_nightly_ladder_tells_a_rota_in_eight_weeks():
    values = rota(400)[:, :57]
    grid = DayGrid(values.copy(), np.datetime64("2016-05-01") + np.arange(57), 10, 60, "UTC", frozenset())
    grid.values[:, -1, 10:] = np.nan
    ladder = Ladder(grid, target_day=57, series_class=LOAD, level_kw=np.full(1, 4.0), capacity_kw=np.full(1, 12.0))
    known = ladder.known
    missed, without = (
        np.abs(one[:, 28:56] - values[:, 28:56]).mean()
        for one in (known.blend, blend_days(known.days, without_habits(known.members)))
    )
    assert missed < 0.9 * without
