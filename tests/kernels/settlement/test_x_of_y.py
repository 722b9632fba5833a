"""Conventions of the day-matching baselines that the golden cases do not show."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from vpp.lib.periods import as_datetime64
from vpp.settlement.kernels.answers import Status
from vpp.settlement.kernels.calendar import DAY_TYPES, observed_holidays
from vpp.settlement.kernels.circumstances import Circumstances
from vpp.settlement.kernels.profile_data import override_profile, shipped_profile
from vpp.settlement.kernels.profiles import ProfileError
from vpp.settlement.kernels.question import answer_baseline_question
from vpp.settlement.kernels.question_fields import QuestionError
from vpp.settlement.kernels.slots import Event, Series
from vpp.settlement.kernels.x_of_y import answer_x_of_y, grid_for

BERLIN = ZoneInfo("Europe/Berlin")
CAISO = shipped_profile("CAISO_10_IN_10")


def a_series(first: date, days: int, step_minutes: int = 15, level: float = 1.0):
    start = datetime.combine(first, datetime.min.time(), tzinfo=BERLIN).astimezone(UTC)
    size = days * 24 * 60 // step_minutes
    return Series(as_datetime64(start), step_minutes * 60, size), np.full(size, level)


def an_event(day: date, hour: int, hours: float) -> Event:
    start = datetime(day.year, day.month, day.day, hour, tzinfo=BERLIN).astimezone(UTC)
    return Event(start, start + timedelta(hours=hours))


def answer(values, series, event, profile=CAISO, **circumstances):
    return answer_x_of_y(values, grid_for(profile, event, series, BERLIN), profile, Circumstances(**circumstances))


def test_all_days_events_is_topped_up_to_the_minimum_and_says_so():
    series, values = a_series(date(2016, 5, 1), 60)
    days = frozenset(date(2016, 5, 1) + timedelta(days=n) for n in range(60))
    result = answer(values, series, an_event(date(2016, 6, 28), 16, 2), event_days=days)
    assert result.status is Status.OK_TOPPED_UP
    assert len(result.selected) == 5


def test_between_minimum_and_full_pool_all_like_days_are_used():
    series, values = a_series(date(2016, 6, 15), 15)
    result = answer(values, series, an_event(date(2016, 6, 28), 16, 2))
    assert result.status is Status.OK
    assert len(result.selected) == 9


def test_too_few_days_are_never_a_shorter_mean():
    series, values = a_series(date(2016, 6, 24), 6)
    result = answer(values, series, an_event(date(2016, 6, 28), 16, 2))
    assert result.status is Status.INSUFFICIENT
    assert np.isnan(result.baseline_kwh).all()
    assert not result.is_payable
    assert "5 needed" in result.reason


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda values, window: values.__setitem__(window, np.nan), "window_missing"),
        (lambda values, window: values.__setitem__(window, -1.0), "window_actual_negative"),
    ],
)
def test_an_impossible_adjustment_leaves_the_mean_and_says_why(change, status):
    series, values = a_series(date(2016, 5, 1), 60)
    event = an_event(date(2016, 6, 28), 16, 2)
    window = series.index_of(np.array([as_datetime64(event.start - timedelta(hours=4))]))[0]
    change(values, slice(window, window + 12))
    result = answer(values, series, event)
    assert result.adjustment.status == status
    assert result.adjustment.applied == 1.0
    np.testing.assert_allclose(result.baseline_kwh, 1.0)


def test_a_zero_window_mean_gives_factor_one():
    series, values = a_series(date(2016, 5, 1), 60, level=0.0)
    result = answer(values, series, an_event(date(2016, 6, 28), 16, 2))
    assert result.adjustment.status == "window_baseline_not_positive"


def test_another_event_in_the_window_forbids_the_adjustment():
    series, values = a_series(date(2016, 5, 1), 60)
    event = an_event(date(2016, 6, 28), 16, 2)
    other = (event.start - timedelta(hours=2), event.start - timedelta(hours=1))
    assert answer(values, series, event, other_events=(other,)).adjustment.status == "window_overlaps_event"


def test_a_window_before_midnight_reaches_into_the_day_before():
    series, values = a_series(date(2016, 5, 1), 60)
    event = an_event(date(2016, 6, 28), 2, 1)
    evening = series.index_of(np.array([as_datetime64(event.start - timedelta(hours=4))]))[0]
    values[evening : evening + 8] = 2.2  # 22:00-24:00 of the 27th; 00:00-01:00 stays 1
    result = answer(values, series, event)
    assert result.adjustment.raw == pytest.approx((8 * 2.2 + 4 * 1.0) / 12 / 1.0)
    assert result.adjustment.applied == 1.2


def test_negative_readings_can_be_clipped_before_everything():
    series, values = a_series(date(2016, 5, 1), 60, level=-3.0)
    clipped = override_profile(CAISO, {"clip_exports": True})
    result = answer(values, series, an_event(date(2016, 6, 28), 16, 2), clipped)
    np.testing.assert_allclose(result.actual_kwh, 0.0)
    np.testing.assert_allclose(result.baseline_kwh, 0.0)


def test_a_net_export_is_kept_by_default():
    series, values = a_series(date(2016, 5, 1), 60, level=-3.0)
    np.testing.assert_allclose(answer(values, series, an_event(date(2016, 6, 28), 16, 2)).baseline_kwh, -3.0)


def test_a_gap_outside_event_and_window_does_not_matter():
    series, values = a_series(date(2016, 5, 1), 60)
    event = an_event(date(2016, 6, 28), 16, 2)
    values[series.index_of(np.array([as_datetime64(event.start - timedelta(days=1, hours=8))]))[0]] = np.nan
    assert answer(values, series, event).selected[0][0] == date(2016, 6, 27)


def test_a_sunday_holiday_is_observed_on_monday():
    assert observed_holidays([date(2016, 12, 25)]) == {date(2016, 12, 26)}
    assert (
        DAY_TYPES["business_saturday_sunday"].pool_of(date(2016, 12, 26), frozenset({date(2016, 12, 26)})) == "sunday"
    )


def test_the_local_date_decides_the_day_type():
    los_angeles = ZoneInfo("America/Los_Angeles")
    event = Event(datetime(2016, 6, 28, 1, tzinfo=UTC), datetime(2016, 6, 28, 2, tzinfo=UTC))  # Monday evening there
    series, _ = a_series(date(2016, 6, 1), 30)
    assert grid_for(CAISO, event, series, los_angeles).event_date == date(2016, 6, 27)


def test_passed_over_days_carry_a_reason_and_days_never_looked_at_do_not():
    series, values = a_series(date(2016, 5, 1), 60)
    result = answer(values, series, an_event(date(2016, 6, 28), 16, 2), event_days=frozenset({date(2016, 6, 27)}))
    assert result.excluded[0] == (date(2016, 6, 27), "event_day")
    assert {reason for _, reason in result.excluded} == {"event_day", "other_day_type"}
    assert min(day for day, _ in result.excluded) > min(day for day, _ in result.selected)


def test_nyiso_skips_a_low_day_against_the_running_level():
    profile = shipped_profile("NYISO_AVERAGE_DAY")
    series, values = a_series(date(2016, 5, 1), 60, level=10.0)
    event = an_event(date(2016, 6, 28), 16, 2)
    low = as_datetime64(event.start - timedelta(days=4))
    at = series.index_of(np.array([low]))[0]
    values[at : at + 8] = 2.0  # 24 June, under a quarter of the level of 10
    result = answer(values, series, event, profile)
    assert (date(2016, 6, 24), "low_usage") in result.excluded
    assert (date(2016, 6, 27)) not in dict(result.selected)  # starts at day-2


def test_weather_matching_takes_the_nearest_days_and_the_younger_of_a_tie():
    profile = shipped_profile("CAISO_WEATHER_MATCHING")
    series, values = a_series(date(2016, 5, 1), 60)
    business = [date(2016, 6, 27), date(2016, 6, 24), date(2016, 6, 23), date(2016, 6, 22), date(2016, 6, 21)]
    temperatures = dict(zip(business, [20.0, 31.0, 29.0, 33.0, 27.0], strict=True)) | {date(2016, 6, 28): 30.0}
    result = answer(values, series, an_event(date(2016, 6, 28), 16, 2), profile, daily_max_temp=temperatures)
    assert [day for day, _ in result.selected] == business[1:]


def test_a_contradictory_profile_names_its_field():
    with pytest.raises(ProfileError, match="day_types"):
        override_profile(CAISO, {"day_types": "moon"})
    with pytest.raises(ProfileError, match="x=11"):
        override_profile(CAISO, {"pools": {"business": {"x": 11}}})
    with pytest.raises(ProfileError, match="lookbak is unknown; known"):
        override_profile(CAISO, {"lookbak": 3})


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"preset": "nonsense"}, "nonsense"),
        ({"tz": "Mars/Olympus"}, "tz"),
        ({"event": {"start": "2016-01-05T02:00:00Z", "end": "2016-01-05T01:00:00Z"}}, "event"),
        ({"values": None}, "values"),
        ({"interval_minutes": 0}, "interval_minutes"),
    ],
)
def test_an_unreadable_question_names_what_is_wrong(change, word):
    question = {
        "preset": "caiso_10_in_10",
        "tz": "UTC",
        "interval_minutes": 60,
        "series_start": "2016-01-05T00:00:00Z",
        "values": [1.0],
        "event": {"start": "2016-01-05T01:00:00Z", "end": "2016-01-05T02:00:00Z"},
    }
    with pytest.raises(QuestionError, match=word):
        answer_baseline_question({**question, **change})
