"""The days with 92 and 100 quarter hours, from end to end as in `test_played_day`."""

from __future__ import annotations

import pytest

from tests.journeys.conftest import check_the_loop_is_closed

pytestmark = pytest.mark.slow(seconds=200)


@pytest.mark.parametrize(("name", "date", "intervals"), [("spring", "2016-03-27", 92), ("autumn", "2016-10-30", 100)])
def test_clock_change_days_are_played_like_any_other(new_stage, name, date, intervals):
    result = new_stage(name).play("--date", date)
    check_the_loop_is_closed(result, intervals)
    assert any(position["awarded_mwh"] > 0 for position in result["positions"])
    assert any(position["kind"] == "ASK" and position["awarded_mwh"] > 0 for position in result["positions"])
