"""What the pages show of a played day, and how they are made."""

from __future__ import annotations

import re
from copy import copy
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from bidding.models import Activation, Award
from tests.apps.console.makers import (
    chart_of,
    day_url,
    every_page,
    make_day,
    make_dead_job,
    page,
    questions_of,
)
from tests.factories import make_participant
from vpp.accounts.models import Participant
from vpp.console.charts import ask_chart
from vpp.console.queries.ask_chain import AskChain, BidLink
from vpp.console.queries.asks import ask_card
from vpp.lib import clock
from vpp.settlement.models import Payout, Performance

pytestmark = pytest.mark.django_db


# --- what they show


def test_today_shows_the_latest_played_day_and_says_so(staff, world):
    clock.set_simulated(datetime(2026, 3, 1, 9, tzinfo=UTC))
    make_dead_job(world.after)
    body = page(staff, "/")
    assert "Thursday, 14 July 2016" in body
    assert "This page shows the latest delivery day with data, 14 July 2016" in body
    for alarm in ("1 job given up", "shortfall in 1 interval", "nightly run nightly:DE:2016-07-14"):
        assert alarm in body
    assert "Committed" in body and "silent" in body and "EUR" in body


def test_today_on_the_day_itself_says_what_is_due_now(staff, world):
    clock.set_simulated(world.day.starts()[73])
    body = page(staff, "/")
    assert "Due now, up" in body
    assert "110.0\u00a0kW" in body
    assert "This page shows the latest" not in body


def test_the_day_chart_holds_forecast_bands_plan_commitments_and_delivery(staff, world):
    chart = chart_of(page(staff, day_url(world)), "day-chart")
    power, commitments = chart["panels"]
    assert [series["name"] for series in power["series"]] == [
        "baseline 5–95 %", "baseline 25–75 %", "baseline forecast", "plan", "measured",
    ]  # fmt: skip
    by_name = {series["name"]: series["y"] for series in commitments["series"]}
    assert by_name["Day-ahead energy"][48] == -60.0
    assert by_name[f"ask {world.ask.reference}"][72] == 110.0
    assert by_name["Reserve up (held)"][24] == 40.0
    assert by_name["delivered"][73] == pytest.approx(110.0 * 5 / 6, abs=5.0)  # one of six batteries says nothing
    assert len(chart["labels"]) == 96


def test_called_reserve_is_due_and_held_reserve_is_not(staff, world):
    reserve = Award.objects.get(bid__portfolio=world.portfolio, bid__product__kind="RESERVE_UP")
    start = world.day.starts()[30]
    Activation.objects.create(award=reserve, interval_start=start, activated_pu=0.5, received_at=start)
    body = page(staff, day_url(world))
    by_name = {series["name"]: series["y"] for series in chart_of(body, "day-chart")["panels"][1]["series"]}
    assert by_name["Reserve up, called"][29:32] == [0.0, 20.0, 0.0]
    row = re.search(r'<th scope="row">07:30</th>(.*?)</tr>', body)
    assert row and re.findall(r'num">([^<]*)<', row.group(1))[4] == "20.0"


@pytest.mark.parametrize("direction", ["UP", "DOWN"])
def test_delivery_on_an_ask_is_drawn_in_the_direction_that_was_asked(direction, world):
    ask = copy(world.ask)
    ask.direction = direction
    bid = copy(Award.objects.get(bid__ask=world.ask).bid)
    sign = 1.0 if direction == "UP" else -1.0
    performance = Performance(delivered_kw=[sign * 5.0, None])
    chain = AskChain(ask, ask_card(ask), ["00:00", "00:15"], world.day, [BidLink(ask, bid, None, performance)], [])
    delivered = next(one for one in ask_chart(chain)["panels"][0]["series"] if one["name"] == "delivered")
    assert delivered["y"] == [5.0, None]


def test_a_forecast_issued_later_is_not_shown_earlier(staff, world):
    clock.set_simulated(world.day.start - timedelta(days=2))
    names = [series["name"] for series in chart_of(page(staff, day_url(world)), "day-chart")["panels"][0]["series"]]
    assert "baseline forecast" not in names and "measured" not in names


def test_the_day_names_what_is_not_fine(staff, world):
    body = page(staff, day_url(world))
    assert "2 devices out of order" in body
    assert "device silent" in body
    assert "6 missed" in body or "12 missed" in body or "24 missed" in body


def test_the_picker_leads_to_the_day(staff, world):
    response = staff.get("/day/", {"portfolio": world.portfolio.code, "date": "2016-07-15"})
    assert response["Location"] == f"/day/{world.portfolio.code}/2016-07-15/"
    assert staff.get("/day/")["Location"] == day_url(world)


def test_an_ask_is_one_chain_from_the_request_to_the_payout(staff, world):
    body = page(staff, f"/asks/{world.ask.reference}/")
    order = [body.index(f"<h3>{step}</h3>") for step in
             ("Asked", "Bid", "Commit", "Plan", "Delivery", "Performance", "Payout")]  # fmt: skip
    assert order == sorted(order)
    assert 'class="todo"' not in body
    assert f"/admin/bidding/ask/{world.ask.pk}/change/" in body
    assert "client:dso/planning" in body


def test_steps_of_one_moment_stand_as_they_follow_from_each_other(world):
    from bidding.models import Ask, Bid
    from vpp.console.queries.ask_chain import Step, in_order

    on_ask = [Step(world.after, Ask(), state, state, "", "") for state in ("ASKED", "BID", "COMMITTED")]
    on_bid = [Step(world.after, Bid(), state, state, "", "") for state in ("DRAFT", "CHECKED", "SUBMITTED", "CLEARED")]
    told = [step.state for step in in_order([*on_ask, *on_bid])]
    assert told == ["ASKED", "DRAFT", "CHECKED", "SUBMITTED", "BID", "COMMITTED", "CLEARED"]


def test_the_tables_of_the_walk_become_cards_on_a_phone(staff, world):
    payout = Payout.objects.filter(total__gt=0).order_by("pk").first()
    assert payout is not None
    bids = f"/bids/{world.portfolio.code}/{world.day.date}/"
    for path in (f"/asks/{world.ask.reference}/", f"/payouts/{payout.pk}/", bids):
        body = page(staff, path)
        assert re.search(r'<table class="(small )?fold">', body), path
        assert 'data-label="' in body, path
    assert f"/settlement/awards/{payout.performance_id}/" in page(staff, f"/payouts/{payout.pk}/")


def test_the_board_of_asks_tells_its_time_in_the_zone_of_the_asks(staff, world):
    footer = page(staff, "/asks/").split("<footer")[1]
    assert "UTC" not in footer and "CEST" in footer


def test_two_utilities_may_use_the_same_reference(staff, world):
    from bidding.models import Ask

    twin = Ask.objects.get(pk=world.ask.pk)
    twin.pk, twin.utility = None, make_participant(kind=Participant.Kind.UTILITY)
    twin.save()
    assert "Several utilities" in page(staff, f"/asks/{world.ask.reference}/")
    body = page(staff, f"/asks/{world.ask.reference}/?utility={twin.utility.code}")
    assert twin.utility.name in body


def test_a_payout_leads_back_to_its_readings(staff, world):
    payout = Payout.objects.filter(total__gt=0).order_by("pk").first()
    assert payout is not None
    body = page(staff, f"/payouts/{payout.pk}/")
    assert f"<code>{payout.performance.award.own_reference}</code>" in body
    for step in ("Journal", "Settlement run", "Performance", "Award", "Bid", "Nightly run", "Forecast run", "Plan"):
        assert f"<h3>{step}</h3>" in body
    assert "still holds" in body
    assert re.search(r"\d+ setpoints, \d+ readings", body)


# --- how they are made


def test_pages_ask_at_most_fifteen_questions(staff, world):
    """The chart's readings come by COPY, which is not counted here: at most two more."""
    make_day(code="PF-second", ask=False, settle=False)
    staff.get("/account/")  # the session notes once a minute that it is used
    for url in every_page(world):
        asked = questions_of(staff, url)
        limit = 13 if url.startswith("/day/") else 15
        assert len(asked) <= limit, f"{url}: {len(asked)}\n" + "\n".join(sql[:150] for sql in asked)


def test_no_page_holds_a_script_or_a_handler_of_its_own(staff, world):
    """The content security policy lets nothing run that is not a file of ours."""
    for url in every_page(world):
        response = staff.get(url)
        assert "default-src 'self'" in response.headers["Content-Security-Policy"]
        body = response.content.decode()
        scripts = re.findall(r"<script\b([^>]*)>", body)
        assert all('type="application/json"' in one or 'src="/static/' in one for one in scripts), scripts
        assert not re.search(r"\son[a-z]+=", body)
        assert not re.search(r'(?:src|href)="(?:https?:)?//', body)


def test_the_api_page_lists_what_programs_can_do(staff):
    body = page(staff, "/api/v1/docs")
    for operation in ("/api/v1/asks", "/api/v1/telemetry/readings", "/api/v1/trace/"):
        assert operation in body
    schema = staff.get("/api/v1/schema").content.decode()
    assert "clientToken" in schema and "scheme: bearer" in schema


def test_the_chart_library_comes_from_our_own_origin():
    assert str(finders.find("plotly/plotly.min.js")).endswith("/plotly.min.js")
    assert finders.find("plotly/__init__.py") is None
    assert finders.find("console/charts.js")
    response = Client().get("/static/plotly/plotly.min.js")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/javascript")


def test_the_chart_library_is_sent_compressed_to_whoever_takes_it():
    response = Client().get("/static/plotly/plotly.min.js", headers={"accept-encoding": "gzip, deflate"})
    assert response["Content-Encoding"] == "gzip"
    assert int(response["Content-Length"]) < 1_700_000


def test_only_pages_with_charts_load_the_library(staff, world):
    later = f"/day/{world.portfolio.code}/2017-01-01/"
    assert "plotly.min.js" in page(staff, day_url(world))
    for url in (
        "/",
        later,
        "/asks/",
        "/payouts/",
        "/fleet/",
        "/bids/",
        "/settlement/",
        "/ledger/",
        "/system/",
        "/grid/",
    ):
        assert "plotly" not in page(staff, url), url


def test_today_keeps_itself_fresh_part_by_part(staff, world):
    body = page(staff, "/")
    parts = re.findall(r'id="(live-[a-z-]+)" data-live', body)
    assert len(parts) == len(set(parts)) >= 8
    assert "htmx-4.min.js" in body and 'hx-select-oob="[data-live]:outerMorph"' in body
