"""Weather reaches the gradient model only where it goes with what the profile missed."""

from __future__ import annotations

import numpy as np
import pytest

from forecasting.kernels.calendar import DayGrid
from forecasting.kernels.classes import LOAD
from forecasting.kernels.ladder import Ladder
from forecasting.kernels.weather import Weather, admitted_weather, laid_out

DATES = np.datetime64("2016-05-01") + np.arange(44).astype("timedelta64[D]")


def warm_ladder(warmth: np.ndarray) -> Ladder:
    """Six loads that follow the day's warmth; 42 days, the target is day 43."""
    random = np.random.default_rng(0)
    values = (5 + 0.3 * warmth[:43, None] + random.normal(0, 0.1, (6, 43, 24))).astype(np.float32)
    values[:, -1, 10:] = np.nan
    grid = DayGrid(values, DATES[:43], 10, 60, "UTC", frozenset())
    return Ladder(grid, target_day=43, series_class=LOAD, level_kw=np.full(6, 5.0), capacity_kw=np.full(6, 10.0))


def weather(level: np.ndarray) -> Weather:
    return Weather(DATES, np.repeat(level[None, :, None], 24, axis=2).astype(np.float32), ("temperature_c",))


def admitted(level: np.ndarray, ladder: Ladder) -> tuple[str, ...]:
    return admitted_weather(laid_out(weather(level), ladder.grid, ladder.target_day), ladder)


def test_its_own_weather_is_admitted_and_that_of_another_year_is_not():
    random = np.random.default_rng(1)
    warmth = random.normal(0, 5, 44)
    ladder = warm_ladder(warmth)
    assert admitted(warmth, ladder) == ("temperature_c",)
    assert admitted(random.normal(0, 5, 44), ladder) == ()


def test_what_is_admitted_brings_the_profile_closer_and_reaches_the_trees():
    warmth = np.random.default_rng(1).normal(0, 5, 44)
    ladder, truth = warm_ladder(warmth), 5 + 0.3 * warmth[43]
    plain = ladder.features(43, np.arange(3)).shape[2], np.abs(ladder.profile(43) - truth).mean()
    ladder.answer_to(laid_out(weather(warmth), ladder.grid, ladder.target_day)["temperature_c"][None])
    assert ladder.features(43, np.arange(3)).shape[2] > plain[0]
    assert np.abs(ladder.profile(43) - truth).mean() < 0.3 * plain[1]


def test_weather_takes_no_naive_forecast_and_no_persistence_away():
    warmth = np.random.default_rng(1).normal(0, 5, 44)
    ladder = warm_ladder(warmth)
    before = ladder.known.members
    ladder.answer_to(laid_out(weather(warmth), ladder.grid, ladder.target_day)["temperature_c"][None])
    assert len(ladder.known.members) > len(before)
    assert (ladder.known.members[:9] == before[:9]).all()


@pytest.mark.parametrize("missing", [slice(43, 44), slice(0, 30)])
def test_weather_that_misses_the_target_or_most_of_the_history_is_left_out(missing):
    warmth = np.random.default_rng(1).normal(0, 5, 44)
    there = warmth.copy()
    there[missing] = np.nan
    assert admitted(there, warm_ladder(warmth)) == ()
