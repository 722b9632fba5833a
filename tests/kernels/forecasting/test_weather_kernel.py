"""The Gaussian process of sun and wind: sees nothing early, learns from the class, knows its past errors from one factor."""

import numpy as np
import pytest

from forecasting.kernels.naive import Days, blend_days, naive_days
from forecasting.kernels.persistence import persistence_days
from forecasting.kernels.weather_kernel import kernel_days, weather_blend, with_process

DAYS = 120


def roofs(n_days: int = DAYS, *, spoiled: float | None = None, spare: int = 0) -> Days:
    """Three roofs under one sky, whose clearness lasts for some days; nothing after 10:00 of the last day but one is
    known, and `spoiled` stands there."""
    random = np.random.default_rng(5)
    sky = np.zeros(DAYS)
    for day in range(1, DAYS):
        sky[day] = 0.7 * sky[day - 1] + random.normal(0, 1)
    sun = np.maximum(np.sin((np.arange(24) - 5) / 14 * np.pi), 0) * ((np.arange(24) > 5) & (np.arange(24) < 19))
    clear = 1 / (1 + np.exp(-sky[None, :, None] - random.normal(0, 0.3, (3, DAYS, 24))))
    values = (np.array([2.0, 5.0, 9.0])[:, None, None] * clear * sun).astype(np.float32)[:, : n_days + spare]
    if spoiled is not None:
        values[:, n_days - 2, 10:] = spoiled
        values[:, n_days - 1 :] = spoiled
    return Days(values, np.ones(values.shape, bool), np.zeros(values.shape[1], np.int64), 10, 1)


def test_what_happens_after_the_issue_changes_nothing():
    plain, spoiled = kernel_days(roofs())[:, -1], kernel_days(roofs(spoiled=1e5))[:, -1]
    assert plain.max() > 1 and spoiled == pytest.approx(plain, abs=1e-4)


def test_past_days_are_forecast_as_they_would_have_been():
    whole, then = kernel_days(roofs())[:, 90], kernel_days(roofs(91))[:, -1]
    assert np.abs(whole - then).mean() < 0.02 * then.mean()


def test_weather_that_lasts_is_forecast_better_than_without_the_process():
    days = roofs()
    members = naive_days(days)
    members = np.concatenate([members, persistence_days(days, members)[None]])
    late = slice(50, DAYS)
    ours = weather_blend(days, with_process(days, members))
    missed, *others = (np.abs(one - days.values)[:, late].mean() for one in (ours, blend_days(days, members), *members))
    assert missed < 0.95 * min(others)


@pytest.mark.parametrize(("n_days", "scale"), [(2, 1.0), (3, 1.0), (40, 0.0)])
def test_little_history_and_none_of_the_sun_are_no_reason_to_fail(n_days, scale):
    days = roofs(n_days)
    found = kernel_days(Days(days.values * np.float32(scale), days.seen, days.types, 10, 1))
    assert np.isfinite(found).all() and (found >= 0).all() and found.max() <= 9 * scale
