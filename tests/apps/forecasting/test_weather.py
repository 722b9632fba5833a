"""Weather comes in with its issue time, is used as it was known then, and only where it helps."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from forecasting.models import WeatherForecast
from forecasting.operations import BadWeather, run_forecast, store_weather
from forecasting.operations.weather import days_until, expected_weather
from tests.apps.forecasting.conftest import DAY, ISSUE
from vpp.lib.periods import DeliveryDay

LAST = DeliveryDay(DAY, "Europe/Berlin")


def issue(moment: datetime, level: float, hours: int = 60) -> pd.DataFrame:
    index = pd.date_range(moment.replace(minute=0), periods=hours, freq="h", tz=UTC if moment.tzinfo is None else None)
    return pd.DataFrame({"temperature_c": np.full(hours, level), "ghi_w_per_m2": np.arange(hours) % 24}, index)


def test_each_day_sees_the_newest_forecast_that_was_known_for_it(db):
    for back in range(5, -1, -1):
        moment = ISSUE - timedelta(days=back, hours=2)
        assert store_weather(issue(moment, 20.0 - back), zone_code="DE", issued_at=moment, at=ISSUE) == 2
        assert store_weather(issue(moment, 99.0), zone_code="DE", issued_at=moment, at=ISSUE) == 0
    later = ISSUE + timedelta(hours=1)
    store_weather(issue(later, -50.0), zone_code="DE", issued_at=later, at=later)
    found = expected_weather("DE", days=days_until(LAST, date(2016, 7, 1)), issue=ISSUE)
    assert found is not None and found.values.shape == (2, 14, 96)
    temperature = found.values[1]
    assert np.isnan(temperature[0]).all()
    assert temperature[-6:].mean(axis=1).tolist() == [15, 16, 17, 18, 19, 20]
    assert expected_weather("FR", days=[LAST], issue=ISSUE) is None


@pytest.mark.parametrize(("first", "slots"), [(date(2016, 3, 27), 92), (date(2016, 10, 30), 100)])
def test_clock_change_days_are_covered(db, first, slots):
    day = DeliveryDay(first, "Europe/Berlin")
    assert day.n_intervals == slots
    moment = day.start - timedelta(hours=14)
    store_weather(issue(moment, 5.0), zone_code="DE", issued_at=moment, at=moment)
    found = expected_weather("DE", days=[day], issue=moment)
    assert found is not None and np.isfinite(found.values).all()


def test_weather_that_does_not_go_with_the_load_is_left_out_and_the_run_stands(zone):
    random = np.random.default_rng(0)
    for back in range(16, -1, -1):
        moment = ISSUE - timedelta(days=back, hours=1)
        store_weather(issue(moment, random.normal()), zone_code="DE", issued_at=moment, at=ISSUE)
    run, _ = run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE)
    assert {one["weather_columns"] for one in run.model_versions["classes"].values()} == {0.0}


def test_bad_weather_says_why(db, tmp_path):
    frame = issue(ISSUE, 1.0)
    with pytest.raises(BadWeather, match="without a gap"):
        store_weather(frame.drop(frame.index[3]), zone_code="DE", issued_at=ISSUE, at=ISSUE)
    frame.iloc[2, 0] = np.nan
    with pytest.raises(BadWeather, match="'temperature_c', row 3"):
        store_weather(frame, zone_code="DE", issued_at=ISSUE, at=ISSUE)
    with pytest.raises(BadWeather, match="future"):
        store_weather(issue(ISSUE, 1.0), zone_code="DE", issued_at=ISSUE, at=ISSUE - timedelta(hours=1))
    path = tmp_path / "weather.csv"
    path.write_text("time,temperature_c\n2016-07-01T00:00Z,1\n")
    with pytest.raises(CommandError, match="no column 'issued_at'"):
        call_command("import_weather", str(path), "--zone", "DE")


def test_a_file_of_several_issues_is_taken_in_once(db, tmp_path, capsys):
    parts = [
        issue(moment, 3.0).rename_axis("time").reset_index().assign(issued_at=moment.isoformat())
        for moment in (ISSUE - timedelta(days=1), ISSUE)
    ]
    path = tmp_path / "weather.csv"
    pd.concat(parts).to_csv(path, index=False)
    call_command("import_weather", str(path), "--zone", "DE")
    call_command("import_weather", str(path), "--zone", "DE")
    said = capsys.readouterr().out
    assert "4 variables of 2 forecasts stored" in said and "0 variables of 2" in said
    assert WeatherForecast.objects.count() == 4
