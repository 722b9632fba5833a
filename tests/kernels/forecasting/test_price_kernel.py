"""The Gaussian process of prices: sees nothing early, learns bent answers, knows its past errors from one factor."""

import numpy as np
import pytest

from forecasting.kernels import price_kernel
from forecasting.kernels.price_kernel import kernel_prices
from forecasting.kernels.price_table import PriceTable, price_table

DAYS, KNOWN = 160, 159


def market(*, unknown: float = 0.0, lead: int = 0) -> PriceTable:
    """Price follows scarce hours steeply and plentiful ones hardly; the last day's price is `unknown`."""
    random = np.random.default_rng(3)
    hour = np.sin(np.arange(24) / 24 * 2 * np.pi)
    load = 50 + 10 * hour[None] + random.normal(0, 4, (DAYS, 1))
    wind = 15 + random.normal(0, 8, (DAYS, 1)) + np.zeros((DAYS, 24))
    prices = 20 + np.maximum(load - wind - 30, 0) ** 1.5 / 4 + random.normal(0, 1, (DAYS, 24))
    prices[KNOWN - lead :] = unknown
    return price_table(prices, np.stack([load, wind], axis=2), np.arange(DAYS) % 7, lead)


@pytest.mark.parametrize("lead", [0, 1])
def test_prices_from_the_first_unknown_day_on_change_nothing(lead):
    known = KNOWN - lead
    plain, _ = kernel_prices(market(lead=lead), known, KNOWN)
    spoiled, _ = kernel_prices(market(unknown=900.0, lead=lead), known, KNOWN)
    assert plain == pytest.approx(spoiled)


def test_past_days_are_forecast_from_the_days_before_them():
    table = market()
    _, past = kernel_prices(table, KNOWN, KNOWN)
    late = np.arange(KNOWN - 20, KNOWN)
    alone = np.array([kernel_prices(table, day, day)[0] for day in late])
    assert np.abs(alone - past[late]).mean() < 0.1 * np.abs(table.prices[late] - past[late]).mean()


def test_a_bent_answer_to_regressors_is_learned():
    table = market()
    _, past = kernel_prices(table, KNOWN, KNOWN)
    late = np.arange(100, KNOWN)
    missed = np.abs(table.prices[late] - past[late]).mean()
    assert missed < 0.5 * np.abs(table.prices[late] - table.prices[late - 7]).mean()


def test_an_unknown_day_before_reaches_no_past_forecast_either():
    table = market(lead=1)
    day = 120
    changed = table.prices.copy()
    changed[day - 1] += 40
    other = price_table(changed, table.outside, np.arange(DAYS) % 7, 1)
    (_, before), (_, after) = (kernel_prices(one, KNOWN - 1, KNOWN) for one in (table, other))
    # one day in 160 moves the common scale a little
    assert np.abs(after[day] - before[day]).max() < 1 < np.abs(after[day + 1] - before[day + 1]).max()


def test_an_hour_answers_to_the_load_around_it(monkeypatch):
    random = np.random.default_rng(4)
    load = np.repeat(random.normal(0, 5, (DAYS, 6)), 4, axis=1)
    prices = 40 + load + random.normal(0, 0.5, (DAYS, 24))
    table, late = price_table(prices, load[..., None], np.arange(DAYS) % 7, 0), np.arange(100, KNOWN)
    missed = []
    for near in (price_kernel.NEAR_HOURS, 1000.0):
        monkeypatch.setattr(price_kernel, "NEAR_HOURS", near)
        missed.append(np.abs(prices[late] - kernel_prices(table, KNOWN, KNOWN)[1][late]).mean())
    assert missed[0] < 0.8 * missed[1]
