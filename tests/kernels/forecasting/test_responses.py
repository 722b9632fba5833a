"""What series answer to the weather: straight on beyond what was seen, nothing from after the issue."""

from __future__ import annotations

import numpy as np
import pytest

from forecasting.kernels.naive import Days
from forecasting.kernels.responses import response_days

N_DAYS = 100


def cooled(warmth: np.ndarray, series: int = 3) -> np.ndarray:
    """Loads (N, D, S) of 2 kW and 0.5 kW a degree above 20, the warmer part of the day only."""
    random = np.random.default_rng(0)
    clean = 2 + 0.5 * np.maximum(warmth - 20, 0)
    return np.asarray(clean[None] + random.normal(0, 0.1, (series, *warmth.shape)), dtype=np.float32)


def warm_days() -> np.ndarray:
    """(D, 24) temperatures that rise to 30 and on the last day to 36."""
    random = np.random.default_rng(1)
    level = np.linspace(12, 26, N_DAYS) + random.normal(0, 3, N_DAYS)
    level[-1] = 36
    return np.asarray(level[:, None] + 4 * np.sin((np.arange(24) - 9) / 24 * 2 * np.pi)[None])


def days_of(values: np.ndarray) -> Days:
    types = np.array([0, 0, 0, 0, 0, 1, 2] * 20)[: values.shape[1]]
    return Days(values, np.isfinite(values), types, 10, 1)


def test_a_day_hotter_than_any_before_is_told_by_the_slope():
    warmth = warm_days()
    truth = cooled(warmth)
    known = truth.copy()
    known[:, -1] = 0
    found = response_days(days_of(known), warmth[None])[:, :, -1]
    hottest_before = truth[:, :-1].max()
    assert truth[:, -1].max() > hottest_before
    assert np.abs(found - truth[:, -1]).mean() < 0.1 * truth[:, -1].mean()


@pytest.mark.parametrize("day", [40, 99])
def test_a_day_is_answered_from_what_was_known_at_its_issue(day):
    warmth, values = warm_days(), cooled(warm_days())
    changed = values.copy()
    changed[:, day - 1 :] = 7.0
    before = response_days(days_of(values), warmth[None])[:, :, day]
    high = 1.3 * values[:, :-2].max()
    after = response_days(days_of(changed), warmth[None])[:, :, day]
    assert np.minimum(after, high) == pytest.approx(
        np.minimum(before, high), rel=1e-3
    )  # the unit of a series is told by all its days
