"""Nightly runs as a timeline, bids as a picture, and taking a bid back."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest

from bidding.models import Award, Bid, BidEvent, NightlyRun, Price, Product
from bidding.operations.results import cancel_award
from tests.apps.console.makers import chart_of, client_for, make_user, page
from vpp.accounts.models import AuditEvent, Participant, User
from vpp.console.queries.nightly import timeline
from vpp.jobs import operations as jobs
from vpp.lib import clock
from vpp.lib.periods import local_moment

pytestmark = pytest.mark.django_db


def test_the_run_is_a_timeline_of_its_steps(world):
    line = timeline(NightlyRun.objects.get(), "Europe/Berlin")
    assert [bar.step.name for bar in line.bars] == ["data", "forecast", "optimise", "check", "submit"]
    assert sum(bar.width_pu for bar in line.bars) == pytest.approx(1.0)
    assert line.total_s == pytest.approx(39.0)


def test_the_night_shows_steps_and_bids_per_portfolio(staff, world):
    body = page(staff, "/bids/")
    assert "nightly:DE:2016-07-14" in body and "optimise" in body and world.portfolio.code in body
    assert "No nightly run for this day" in page(staff, "/bids/?date=2011-01-01")


def test_a_portfolios_bids_are_drawn_with_their_prices(staff, world):
    body = page(staff, f"/bids/{world.portfolio.code}/2016-07-14/")
    quantity, price = chart_of(body, "bid-chart")["panels"]
    drawn = {series["name"]: series for series in quantity["series"]}
    assert drawn["Day-ahead energy"]["y"][48] == -60.0
    assert drawn["Reserve up"]["role"] == "held"
    prices = {series["name"]: series["y"] for series in price["series"]}
    assert prices["Day-ahead energy"][48] == 31.5 and prices["Day-ahead energy"][0] is None
    page(staff, "/bids/NONE/2016-07-14/", 404)


def test_the_day_before_stands_beside_it(staff, world):
    following = (world.day.date + timedelta(days=1)).isoformat()
    body = page(staff, f"/bids/{world.portfolio.code}/{following}/")
    assert "No bid for this day" in body and "Day-ahead energy" in body


@pytest.fixture
def open_bid(world) -> Bid:
    """Tomorrow's energy bid, submitted, an hour before its gate."""
    sent = Bid.objects.get(ask=None, product__kind="ENERGY", portfolio=world.portfolio)
    moment = world.day.end - timedelta(hours=13)  # 11:00 in Berlin, gate at noon
    clock.set_simulated(moment)
    bid = Bid.objects.create(
        natural_key="tomorrow", portfolio=sent.portfolio, product=sent.product, up_kw=sent.up_kw, down_kw=sent.down_kw,
        delivery_date=world.day.date + timedelta(days=1), state=Bid.State.SUBMITTED, price_per_mwh=sent.price_per_mwh,
        created_at=moment, submitted_at=moment,
    )  # fmt: skip
    BidEvent.objects.create(bid=bid, at=moment, state=Bid.State.SUBMITTED)
    return bid


def trader():
    user = make_user("trader", Participant.Kind.AGGREGATOR)
    User.objects.filter(pk=user.pk).update(role=User.Role.TRADER)
    return client_for(user)


def test_a_trader_withdraws_a_bid_after_one_question(world, open_bid):
    client = trader()
    assert "Withdraw…" in page(client, f"/bids/{world.portfolio.code}/{open_bid.delivery_date}/")
    assert "cannot be undone" in page(client, f"/bids/{open_bid.pk}/withdraw/")
    open_bid.refresh_from_db()
    assert open_bid.state == Bid.State.SUBMITTED
    client.post(f"/bids/{open_bid.pk}/withdraw/", {"reason": "wrong weather"})
    open_bid.refresh_from_db()
    assert open_bid.state == Bid.State.WITHDRAWN
    event = AuditEvent.objects.get(action="bid.withdrawn", subject_key=str(open_bid.pk))
    assert event.actor == "user:trader" and event.reason == "wrong weather"


def test_a_bid_stays_after_its_gate_and_without_the_role(world, open_bid):
    viewer = client_for(make_user("viewer", Participant.Kind.AGGREGATOR))
    assert "Withdraw…" not in page(viewer, f"/bids/{world.portfolio.code}/{open_bid.delivery_date}/")
    assert viewer.post(f"/bids/{open_bid.pk}/withdraw/").status_code == 403
    clock.set_simulated(clock.now() + timedelta(hours=2))
    body = trader().post(f"/bids/{open_bid.pk}/withdraw/", follow=True).content.decode()
    assert "cannot be withdrawn any more" in body
    open_bid.refresh_from_db()
    assert open_bid.state == Bid.State.SUBMITTED


def test_a_curve_is_drawn_from_price_to_quantity(staff, open_bid):
    curve: list[list[list[float]]] = [[] for _ in range(24)]
    curve[12] = [[-10.0, -60.0], [40.0, 0.0], [80.0, 25.0]]
    open_bid.pk, open_bid.curve, open_bid.natural_key = None, curve, "with a curve"
    open_bid.delivery_date += timedelta(days=1)
    open_bid.save(force_insert=True)
    body = page(staff, f"/bids/{open_bid.portfolio.code}/{open_bid.delivery_date}/")
    (series,) = chart_of(body, f"curve-{open_bid.pk}")["panels"][0]["series"]
    assert series["name"] == "12:00"
    product = open_bid.product
    assert series["x"] == [product.price_floor, -10.0, 40.0, 80.0, product.price_cap]
    assert series["y"] == [0.0, -60.0, 0.0, 25.0, 25.0]
    assert chart_of(body, f"curve-{open_bid.pk}")["x_title"] == "Price, EUR/MWh"


def test_the_curve_of_a_reserve_has_its_own_unit(open_bid):
    from bidding.models import Product
    from vpp.console.bid_charts import curve_charts
    from vpp.lib.periods import DeliveryDay

    open_bid.curve = [[[4.0, 50.0]]]
    open_bid.product.kind = Product.Kind.RESERVE_UP
    day = DeliveryDay(open_bid.delivery_date, "Europe/Berlin")
    (drawn,) = curve_charts([open_bid], day)
    assert drawn["chart"]["x_title"] == "Price, EUR/MW/h"


def test_an_exclusive_group_is_listed_block_by_block(staff, open_bid):
    zero = [0.0] * 96
    sale = {"name": "B1", "price_per_mwh": 44.68, "up_kw": [0.0] * 72 + [200.0] * 8 + [0.0] * 16, "down_kw": zero}
    loop = sale | {"name": "B2", "buy_price_per_mwh": 25.32, "down_kw": [300.0] * 4 + [0.0] * 92}
    open_bid.pk, open_bid.blocks, open_bid.natural_key = None, [sale, loop], "with blocks"
    open_bid.delivery_date += timedelta(days=1)
    open_bid.save(force_insert=True)
    body = page(staff, f"/bids/{open_bid.portfolio.code}/{open_bid.delivery_date}/")
    for text in ("18:00–20:00", "00:00–01:00", "44.68", "25.32"):
        assert text in body, text


# --- replays


def post_prices(product, first, days: int) -> None:
    """Cheap at night, dear in the evening, a little dearer each day."""
    day_hours = [20.0 + 60.0 * (hour in (18, 19, 20)) + hour for hour in range(24)]
    start = local_moment(first, time(), product.market.time_zone)
    Price.objects.bulk_create(
        Price(
            product=product, interval_start=start + timedelta(hours=hour), price=day_hours[hour % 24] + hour / 24,
            available_at=start,
        )
        for hour in range(24 * days)
    )  # fmt: skip


def test_a_replay_is_asked_for_and_shows_what_the_bids_captured(staff, world):
    product = Product.objects.get(kind="ENERGY")
    first = date(2016, 6, 1)
    post_prices(product, first, 16)
    asked = {
        "product": product.pk, "first": "2016-06-15", "last": "2016-06-16", "power_kw": "100", "energy_kwh": "200",
        "wear_per_mwh": "2",
    }  # fmt: skip
    answer = staff.post("/bids/replays/", asked)
    assert "It is being played" in page(staff, answer["Location"])
    jobs.run_pending()
    body = page(staff, answer["Location"])
    lines = {one["name"]: one["y"] for one in chart_of(body, "replay-chart")["panels"][0]["series"]}
    assert 0 < lines["the bids"][-1] <= lines["knowing the prices"][-1] + 0.01
    assert "captured by the bids" in body and "Thu 16 Jun 2016" in body
    assert "15 Jun 2016" in page(staff, "/bids/replays/")
    assert AuditEvent.objects.filter(action="replay.started").exists()


def test_a_replay_without_prices_says_why(staff, world):
    product = Product.objects.get(kind="ENERGY")
    asked = {"product": product.pk, "power_kw": "1", "energy_kwh": "2", "wear_per_mwh": "0"}
    answer = staff.post("/bids/replays/", asked | {"first": "2011-06-15", "last": "2011-06-16"})
    jobs.run_pending()
    assert "no prices of" in page(staff, answer["Location"])
    turned = staff.post("/bids/replays/", asked | {"first": "2016-06-16", "last": "2016-06-15"})
    assert turned.status_code == 422 and "want 1 to" in turned.content.decode()


def test_an_award_that_its_market_took_back_is_told_on_the_home_page(staff, world):
    award = Award.objects.filter(bid__portfolio=world.portfolio, bid__ask=None).earliest("pk")
    at = local_moment(award.bid.delivery_date, time(0), "Europe/Berlin") - timedelta(hours=2)
    clock.set_simulated(at)
    assert "cancelled an award" not in page(staff, "/")
    cancel_award(award, reference="[M] C-9", reason="decoupled", at=at, actor="test")
    body = page(staff, "/")
    told = f"{award.bid.product.market.code} cancelled an award of {world.portfolio.code}"
    assert told in body and "C-9 decoupled" in body
    assert "award cancelled" in page(staff, f"/bids/{world.portfolio.code}/{award.bid.delivery_date}/")
