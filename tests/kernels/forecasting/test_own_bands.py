"""Own quantiles: the same numbers as a plain count of the days that were known."""

import numpy as np
import pytest

from forecasting.kernels.naive import Days
from forecasting.kernels.own_bands import DECILES, RESIDUALS, SAME_TYPE, VALUES, OwnBands


def shop(n_days: int = 60) -> Days:
    """Two shops that close one day a week, with readings missing; the last day is not known."""
    random = np.random.default_rng(1)
    types = np.where(np.arange(n_days) % 7 == 6, 2, 0)
    values = (5 + random.normal(0, 1, (2, n_days, 24)) - 3 * (types == 2)[None, :, None]).astype(np.float32)
    return Days(values, random.random(values.shape) > 0.1, types, 10, 1)


def assert_counted(found: np.ndarray, values: np.ndarray, mass: np.ndarray) -> None:
    """Deciles (9,) are the first of the values (R,) in whose middle so much of their mass is reached, up to rounding."""
    order = np.argsort(values)
    reached = (np.cumsum(mass[order]) - mass[order] / 2) / mass.sum()
    low, high = (values[order][[np.argmax(reached >= level + slack) for level in DECILES]] for slack in (-1e-5, 1e-5))
    assert (found >= low - 1e-5).all() and (found <= high + 1e-5).all()


@pytest.mark.parametrize("day", [40, 59])
def test_every_day_has_the_deciles_of_the_days_known_at_its_issue(day):
    days = shop()
    blend = np.full(days.values.shape, 5, np.float32)
    bands = OwnBands(days, blend, 40, reach=1)
    blend_and_values = ((bands.around(day), RESIDUALS), (bands.values(day), VALUES))
    for found, (length, half_life) in blend_and_values:
        past = np.arange(max(day - length - 1, 0), day - 1)
        mass = np.where(days.types[past] == days.types[day], SAME_TYPE, 1.0) * 0.5 ** ((day - past) / half_life)
        for series, slot in ((0, 3), (1, 23)):
            beside = [(slot + shift) % 24 for shift in (-1, 0, 1)]
            seen = np.concatenate([mass * days.seen[series, past, one] for one in beside])
            known = np.concatenate([days.values[series, past, one] for one in beside])
            assert_counted(found[series, slot], known, seen)


def test_sun_and_wind_are_told_by_days_that_were_forecast_alike():
    random = np.random.default_rng(2)
    sky = np.where(np.arange(120) % 2, 8.0, 1.0)
    values = (sky[None, :, None] + random.normal(0, 0.1, (1, 120, 24))).astype(np.float32)
    days = Days(values, np.ones(values.shape, bool), np.zeros(120, np.int64), 10, 1)
    blend = np.broadcast_to(sky[None, :, None], values.shape).astype(np.float32)
    found = OwnBands(days, blend, 110, reach=1).values(119)
    assert found.min() > 7 and found.max() < 9


def test_sun_and_wind_are_told_by_days_that_followed_alike_weather():
    """Clear and cloudy spells of five days, all with the same forecast: within a spell the fourth decile is its own."""
    random = np.random.default_rng(3)
    cloudy = (np.arange(160) // 5 % 2).astype(bool)
    cloud = np.where(cloudy, random.uniform(0.2, 1.0, 160), random.uniform(0.95, 1.0, 160))
    values = np.repeat(8 * cloud[None, :, None], 24, axis=2).astype(np.float32)
    days = Days(values, np.ones(values.shape, bool), np.zeros(160, np.int64), 10, 1)
    bands = OwnBands(days, np.full(values.shape, 7, np.float32), 149, reach=1)
    clear, dull = (bands.values(day)[0, :, 3].mean() for day in (154, 149))
    assert clear > dull + 1.5
