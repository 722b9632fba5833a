"""The clear sky against pvlib's own detailed solar position, and roofs that nobody has measured yet."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from pvlib.location import Location

from forecasting.kernels.clear_sky import clear_power_pu
from forecasting.kernels.fleet import forecast_fleet
from tests.kernels.forecasting.worlds import fleet, power_of


@pytest.mark.parametrize(("north", "east"), [(53.6, 11.4), (34.1, -117.4), (-33.9, 151.2), (0.0, 0.0), (69.7, 18.9)])
def test_the_clear_sky_is_the_one_of_the_detailed_solar_position(north, east):
    times = pd.date_range("2023-01-01", "2024-01-01", freq="15min", tz="UTC", inclusive="left")
    reference = Location(north, east).get_clearsky(times + pd.Timedelta("450s"), model="haurwitz")["ghi"].to_numpy()
    found = clear_power_pu(times.tz_localize(None).to_numpy(), north, east, 15)
    assert_allclose(found, reference / 1000, atol=0.012)


def never_measured(position_deg):
    one = fleet(date(2016, 7, 14))
    power = power_of(one)
    power[6:9] = np.nan
    return forecast_fleet(replace(one, power_kw=power, position_deg=position_deg))


def test_panels_without_any_reading_are_forecast_by_the_sun_over_them():
    place = np.full((13, 2), np.nan)
    place[6:8] = 53.6, 11.4
    found = never_measured(place)
    roof, nowhere = found.mean_kw[6], found.mean_kw[8]
    assert not nowhere.any() and not never_measured(None).mean_kw[6:9].any()
    assert not roof[:16].any() and not roof[90:].any() and set(found.rung[6:9]) == {"fallback"}
    assert roof.argmin() == pytest.approx(
        53, abs=2
    )  # 13:20 on the wall: the sun is highest east of the zone's meridian
    assert -12 * 0.55 < roof.min() < -12 * 0.4 and np.array_equal(roof, found.mean_kw[7])
    assert (np.diff(found.quantiles_kw[6], axis=1) >= 0).all() and found.quantiles_kw[6, 53, 0] < 1.5 * roof.min()
