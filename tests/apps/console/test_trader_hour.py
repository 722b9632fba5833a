"""The hour before a gate: what a trader types is what is sent, and the time that is left stands on the page."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from django.utils import translation

from bidding.models import Bid
from bidding.operations.bids import end_bid
from bidding.operations.drafts import market_gate
from tests.apps.console.makers import World, chart_of, page
from vpp.console.queries.bids import title_of
from vpp.console.queries.gates import next_gate
from vpp.lib import clock

pytestmark = pytest.mark.django_db
TYPED = {"begins": "00:00", "ends": "00:00", "quantity_pct": "100", "price": "", "reason": "our own view"}


@pytest.fixture
def curve_bid(world: World) -> Bid:
    """Tomorrow's energy as a curve, submitted, an hour before its gate."""
    sent = Bid.objects.get(ask=None, product__kind="ENERGY", portfolio=world.portfolio)
    moment = world.day.end - timedelta(hours=13)  # 11:00 in Berlin, gate at noon
    clock.set_simulated(moment)
    curve: list[list[list[float]]] = [[] for _ in range(24)]
    curve[12] = [[40.0, 20.0], [80.0, 40.0]]
    sent.product.order_form, sent.product.max_points = "STEPS", 10
    sent.product.save()
    return Bid.objects.create(
        natural_key="tomorrow", portfolio=sent.portfolio, product=sent.product, curve=curve,
        up_kw=[0.0] * 48 + [40.0] * 4 + [0.0] * 44, down_kw=[0.0] * 96, price_per_mwh=[-500.0] * 96,
        delivery_date=world.day.date + timedelta(days=1), state=Bid.State.SUBMITTED, created_at=moment,
        submitted_at=moment,
    )  # fmt: skip


def test_a_curve_is_shown_with_its_own_prices_and_changed_as_one(staff, curve_bid, monkeypatch):
    url, seen = f"/bids/{curve_bid.pk}/edit/", []

    def edit_bid(*, bid, at, actor, reason, change):
        seen.append(change)
        return bid

    monkeypatch.setattr("bidding.operations.edit_bid", edit_bid)
    body = page(staff, url)
    assert len(chart_of(body, "bid-chart")["panels"]) == 1 and chart_of(body, f"curve-{curve_bid.pk}")["curve"]
    staff.post(url, TYPED | {"begins": "12:00", "ends": "13:00", "price": "45,5"})
    assert seen[0].curve[12] == [[45.5, 40.0]] and seen[0].up_kw is None
    cut = staff.post(url, TYPED | {"begins": "12:15", "ends": "13:00", "price": "45"})
    assert cut.status_code == 422 and b"whole blocks of 60 minutes" in cut.content and len(seen) == 1


def test_a_form_in_which_nothing_is_changed_makes_no_version(staff, curve_bid):
    told = staff.post(f"/bids/{curve_bid.pk}/edit/", TYPED)
    assert told.status_code == 422 and b"Nothing is changed yet" in told.content
    assert Bid.objects.filter(delivery_date=curve_bid.delivery_date).count() == 1


def test_the_time_that_is_left_stands_on_every_page_of_the_desk(staff, curve_bid):
    day = f"/bids/{curve_bid.portfolio.code}/{curve_bid.delivery_date}/"
    one = [f"/bids/{curve_bid.pk}/{name}/" for name in ("edit", "hold", "release", "withdraw")]
    for url in ("/bids/", day, *one):
        body = page(staff, url)
        assert "12:00\u00a0CEST</time>, <b data-gate" in body and ">in 1\u00a0h</b>" in body, url
        assert 'data-left-s=""' in body, "a played clock stands still"
    clock.set_simulated(clock.now() + timedelta(hours=2))
    assert ">closed</b>" in page(staff, one[0]) and ">in 23\u00a0h</b>" in page(staff, day)


def test_a_bid_on_an_ask_is_named_in_the_readers_language(world):
    bid = Bid.objects.filter(ask=world.ask).earliest("pk")
    with translation.override("de"):
        assert title_of(bid) == f"Anfrage {world.ask.reference}"


def test_it_counts_down_where_the_clock_runs(curve_bid):
    from vpp.console.templatetags.gates import gate

    clock.set_simulated(None)
    assert 'data-left-s="0"' in gate(curve_bid.created_at, "Europe/Berlin")
    assert re.search(r'data-left-s="(899|900)"', gate(clock.now() + timedelta(minutes=15), "Europe/Berlin"))


def test_a_gate_on_working_days_stands_on_its_day(curve_bid):
    market = curve_bid.product.market
    market.gate_on_working_days, market.gate_calendar = True, "DE"
    friday = clock.now().replace(
        year=2016, month=7, day=15, hour=11
    )  # its gate for Saturday to Monday has passed at noon
    assert friday.weekday() == 4
    for delivery, gate_day in ((16, 15), (17, 15), (18, 15), (19, 18)):
        assert market_gate(market, date(2016, 7, delivery)).day == gate_day
    assert next_gate(market, friday)[0] == date(2016, 7, 19)


def test_a_curves_limits_are_those_of_its_steps(staff, curve_bid):
    body = page(staff, f"/bids/{curve_bid.portfolio.code}/{curve_bid.delivery_date}/")
    assert "40.00 to 80.00\u00a0EUR/MWh" in body and "−500.00" not in body


def test_the_slower_of_two_traders_is_told_what_happened_and_sees_what_is_in_force(staff, curve_bid):
    end_bid(curve_bid, Bid.State.WITHDRAWN, at=clock.now(), actor="user:bea", reason="edited: our own view")
    for answer in (
        staff.get(f"/bids/{curve_bid.pk}/edit/", follow=True),
        staff.post(f"/bids/{curve_bid.pk}/edit/", TYPED | {"price": "45"}, follow=True),
    ):
        body = answer.content.decode()
        assert answer.redirect_chain and "can no longer be changed: withdrawn (edited: our own view)" in body
        assert "what is in force stands here" in body


def test_who_changes_a_held_bid_is_reminded_to_release_it(staff, curve_bid, monkeypatch):
    def edit_bid(*, bid, at, actor, reason, change):
        bid.state = Bid.State.HELD
        return bid

    monkeypatch.setattr("bidding.operations.edit_bid", edit_bid)
    answer = staff.post(f"/bids/{curve_bid.pk}/edit/", TYPED | {"price": "45"}, follow=True)
    assert "release it before the gate" in answer.content.decode()


def test_the_actions_stand_before_the_charts_and_the_question_takes_the_reason_at_once(staff, curve_bid):
    body = page(staff, f"/bids/{curve_bid.portfolio.code}/{curve_bid.delivery_date}/")
    assert body.index("Hold…") < body.index('data-chart="bid-chart"')
    assert re.search(r'name="reason"[^>]* autofocus', page(staff, f"/bids/{curve_bid.pk}/hold/"))
