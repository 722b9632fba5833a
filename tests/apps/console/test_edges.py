"""An empty house, what is not there, and the days on which clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from tests.apps.console.makers import (
    chart_of,
    day_url,
    make_day,
    make_markets,
    page,
)
from tests.factories import make_portfolio
from vpp.lib import clock

pytestmark = pytest.mark.django_db


# --- an empty house


@pytest.mark.parametrize("url", ["/", "/day/", "/asks/", "/payouts/", "/settlement/", "/ledger/"])
def test_pages_render_with_an_empty_database(url, staff):
    assert "<h1" in page(staff, url)


@pytest.mark.parametrize("url", ["/day/NONE/2016-07-14/", "/day/PF/2016-02-31/", "/asks/NONE/", "/payouts/77/", "/x"])
def test_what_is_not_there_is_a_404_with_our_page(url, staff):
    make_portfolio(code="PF")
    assert "To the start page" in page(staff, url, 404)


def test_a_day_without_data_says_so(staff):
    make_portfolio(code="PF")
    assert "Nothing is known of this day yet" in page(staff, "/day/PF/2016-07-14/")


def test_the_gate_ahead_is_the_next_one_of_the_markets_own_clock(staff):
    make_markets()
    clock.set_simulated(datetime(2016, 7, 14, 9, 59, tzinfo=UTC))  # 11:59 in Berlin
    assert "in 1\u00a0min" in page(staff, "/")
    clock.set_simulated(datetime(2016, 7, 14, 10, tzinfo=UTC))
    assert "in 1\u00a0d" in page(staff, "/")


@pytest.mark.parametrize(
    ("delivery_date", "intervals", "note"),
    [(date(2016, 3, 27), 92, "one hour is missing"), (date(2016, 10, 30), 100, "second pass of the repeated hour")],
)
def test_clock_change_days_have_all_their_quarter_hours(staff, delivery_date, intervals, note):
    world = make_day(delivery_date)
    clock.set_simulated(world.after)
    body = page(staff, day_url(world))
    chart = chart_of(body, "day-chart")
    assert note in body
    assert len(chart["labels"]) == len(set(chart["labels"])) == intervals
    assert {len(series["y"]) for panel in chart["panels"] for series in panel["series"] if "y" in series} == {intervals}
    assert ("02:15B" in chart["labels"]) == (intervals == 100)
    assert chart_of(page(staff, f"/asks/{world.ask.reference}/"), "ask-chart")["labels"] == chart["labels"]


@pytest.mark.parametrize("path", ["/system/audit/", "/bids/", "/payouts/", "/reports/"])
def test_the_first_and_the_last_date_there_is_are_no_days_to_show(staff, path):
    for day in ("0001-01-01", "9999-12-31"):
        assert staff.get(path, {"date": day}).status_code == 200, (path, day)
