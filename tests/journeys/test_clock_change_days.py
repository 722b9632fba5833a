"""The day with 92 quarter hours, from end to end; the one with 100 is played, and repeated, in `test_played_day`."""

from __future__ import annotations

import pytest

from tests.journeys.conftest import check_the_loop_is_closed

pytestmark = [pytest.mark.slow(seconds=60), pytest.mark.thorough]


def test_the_day_with_92_quarter_hours_is_played_like_any_other(new_stage):
    result = new_stage("spring").play("--date", "2016-03-27")
    check_the_loop_is_closed(result, 92)
    assert any(position["awarded_mwh"] > 0 for position in result["positions"])
    assert any(position["kind"] == "ASK" and position["awarded_mwh"] > 0 for position in result["positions"])
