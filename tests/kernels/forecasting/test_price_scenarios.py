"""Prices are drawn on the same days as load and generation, and keep the quantiles of their own forecast."""

from __future__ import annotations

import numpy as np
import pytest

from forecasting.kernels.price_scenarios import DECILES, PriceDay, forecast_price_day, price_paths
from forecasting.kernels.scenarios import Scenarios, day_weights, drawn_days, joint_scenarios, reduce_scenarios
from vpp.lib.periods import DeliveryDay

ZONE = "Europe/Berlin"
DAY = np.datetime64("2016-07-14")
TARGET = DeliveryDay(DAY.item(), ZONE).starts64()
DATES = DAY - np.arange(29, 1, -1).astype("timedelta64[D]")


def price_day(windy: np.ndarray) -> PriceDay:
    """Hourly prices that fall with the wind of the day; the forecast's deciles are 10 to 90 EUR/MWh."""
    hours = np.random.default_rng(0).normal(0, 0.01, (len(DATES), 24))
    surprise = {day: -wind + hour for day, wind, hour in zip(DATES, windy, hours, strict=True)}
    return PriceDay(np.tile(100 * DECILES, (len(TARGET), 1)), surprise)


def test_a_windy_day_is_a_cheap_one_and_the_marginals_are_those_of_the_forecast():
    windy = np.random.default_rng(1).normal(0, 1, len(DATES))
    weights = day_weights(np.zeros(len(DATES), dtype=np.int64), 0, half_life_days=1e9)
    drawn = joint_scenarios(
        np.full((1, 96), -5.0),
        np.repeat(-windy[:, None, None], 96, axis=2),
        weights,
        lower_kw=np.full((1, 96), -20.0),
        upper_kw=np.zeros((1, 96)),
        size=200,
        seed=3,
    )
    price = price_paths(price_day(windy), DATES[drawn.day], TARGET, ZONE)
    assert price.shape == (200, 96)
    assert np.corrcoef(drawn.total_kw[:, 40], price[:, 40])[0, 1] > 0.85
    assert np.quantile(price, DECILES, axis=0) == pytest.approx(np.tile(100 * DECILES[:, None], 96), abs=5)


def test_reduced_scenarios_keep_price_and_power_of_the_same_day():
    windy = np.random.default_rng(1).normal(0, 1, len(DATES))
    days = drawn_days(np.full(len(DATES), 1 / len(DATES)), size=60, seed=1)
    price = price_paths(price_day(windy), DATES[days], TARGET, ZONE)
    power = np.repeat(windy[days][:, None, None], 96, axis=2)
    few = reduce_scenarios(Scenarios(power, np.full(60, 1 / 60), days, price), 8)
    assert len(few.probability) == 8 and few.price is not None and few.price.shape == (8, 96)
    for path, kept, day in zip(few.paths_kw, few.price, few.day, strict=True):
        assert path[0, 0] == windy[day]
        assert (price[days == day] == kept).all(axis=1).any()


def test_two_sets_of_power_alike_are_told_apart_by_their_prices():
    price = np.repeat(np.array([[10.0], [90.0]]), 96, axis=1)[np.arange(20) % 2]
    alike = Scenarios(np.ones((20, 1, 96)), np.full(20, 0.05), np.arange(20) % 2, price)
    few = reduce_scenarios(alike, 2)
    assert few.price is not None and sorted(few.price[:, 0]) == [10.0, 90.0]


def test_a_day_without_prices_takes_the_middle_and_equal_days_share_a_rank():
    flat = PriceDay(np.tile(100 * DECILES, (len(TARGET), 1)), dict.fromkeys(DATES[:5], np.ones(24)))
    paths = price_paths(flat, np.concatenate([DATES[:5], DATES[-1:]]), TARGET, ZONE)
    assert np.unique(paths.round(9)).tolist() == [50.0]


@pytest.mark.parametrize(("day", "hours"), [("2016-07-14", 96), ("2016-03-27", 92), ("2016-10-30", 100)])
def test_prices_of_ten_weeks_make_a_forecast_and_of_five_none(day, hours, monkeypatch):
    monkeypatch.setattr("forecasting.kernels.price_models.ROUNDS", 20)
    target = DeliveryDay(np.datetime64(day).item(), ZONE).starts64()
    starts = np.arange(target[0] - np.timedelta64(70, "D"), target[0], np.timedelta64(1, "h"))
    random = np.random.default_rng(0)
    prices = 40 + 10 * np.sin(np.arange(len(starts)) / 24 * 2 * np.pi) + random.normal(0, 2, len(starts))
    found = forecast_price_day(prices, starts, target, zone=ZONE, step_minutes=60)
    assert found is not None and found.deciles.shape == (hours, 9)
    assert np.isfinite(found.deciles).all() and (np.diff(found.deciles, axis=1) >= 0).all()
    assert len(found.surprise) > 55
    assert forecast_price_day(prices[-840:], starts[-840:], target, zone=ZONE, step_minutes=60) is None
