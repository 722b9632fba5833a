"""The trader's desk, alarms with their acknowledgement, and the forecast board."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from bidding.errors import BadPriceFile
from bidding.models import Bid, Market, Price, Product
from bidding.operations.replay_reports import enqueue_replay, stored_prices
from forecasting.models import Accuracy
from telemetry.models import Alarm as ReadingAlarm
from tests.apps.console.makers import World, chart_of, client_for, make_user, page
from vpp.accounts.models import AuditEvent, Participant, User
from vpp.console.block_lines import blocks_of_lines, lines_of_blocks
from vpp.dispatch.models import Alarm
from vpp.lib import clock
from vpp.lib.periods import DeliveryDay

pytestmark = pytest.mark.django_db


@pytest.fixture
def open_bid(world: World) -> Bid:
    """A submitted market bid for the day after, made by hand; its gate is ahead."""
    first = Bid.objects.filter(ask=None, product__kind="ENERGY").earliest("pk")
    clock.set_simulated(world.day.start + timedelta(hours=4))
    return Bid.objects.create(
        natural_key="PF-LV5.220:ENERGY:next:v1", portfolio=world.portfolio, product=first.product,
        delivery_date=world.day.date + timedelta(days=1), state=Bid.State.SUBMITTED, up_kw=[0.0] * 96,
        down_kw=[0.0] * 40 + [20.0] * 8 + [0.0] * 48, price_per_mwh=[50.0] * 96, created_at=clock.now(),
        submitted_at=clock.now(),
    )  # fmt: skip


def test_a_bid_is_held_with_a_reason_and_released(staff, open_bid):
    back = f"/bids/{open_bid.portfolio.code}/{open_bid.delivery_date}/"
    assert "Hold…" in page(staff, back) and "Change…" in page(staff, back)
    assert "stay claimed" in page(staff, f"/bids/{open_bid.pk}/hold/")
    assert "reason" in staff.post(f"/bids/{open_bid.pk}/hold/", {"reason": " "}, follow=True).content.decode()
    assert (
        "The bid is held."
        in staff.post(f"/bids/{open_bid.pk}/hold/", {"reason": "price spike"}, follow=True).content.decode()
    )
    open_bid.refresh_from_db()
    assert open_bid.state == Bid.State.HELD and "Release…" in page(staff, back)
    staff.post(f"/bids/{open_bid.pk}/release/", {"reason": "all clear"})
    open_bid.refresh_from_db()
    assert open_bid.state == Bid.State.SUBMITTED
    page(staff, f"/bids/{open_bid.pk}/eat/", 404)


def test_a_change_is_laid_on_the_days_quarter_hours(staff, open_bid, monkeypatch):
    url, seen = f"/bids/{open_bid.pk}/edit/", []

    def edit_bid(*, bid, at, actor, reason, change):
        seen.append((reason, change))
        bid.version = 2
        return bid

    monkeypatch.setattr("bidding.operations.edit_bid", edit_bid)
    assert chart_of(page(staff, url), "bid-chart")["labels"][0] == "00:00"
    typed = {"begins": "10:00", "ends": "11:00", "quantity_pct": "50", "price": "45", "reason": "maintenance"}
    refused = staff.post(url, typed | {"begins": "12:00"})
    assert refused.status_code == 422 and b"ends before it begins" in refused.content
    assert b"version 2 is in force" in staff.post(url, typed, follow=True).content
    (reason, change), *rest = seen
    assert reason == "maintenance" and not rest
    assert list(change.down_kw[39:45]) == [0.0, 10.0, 10.0, 10.0, 10.0, 20.0]
    assert list(change.price_per_mwh[39:45]) == [50.0, 45.0, 45.0, 45.0, 45.0, 50.0]


@pytest.mark.parametrize("day", [date(2016, 3, 27), date(2016, 7, 14), date(2016, 10, 30)])
def test_a_block_of_any_quarter_hours_reads_as_it_was_written(day):
    delivery = DeliveryDay(day, "Europe/Berlin")
    for first, last in ((0, 4), (4, 10), (8, 12), (10, 14), (12, 16), (13, delivery.n_intervals)):
        up_kw = [500.0 if first <= index < last else 0.0 for index in range(delivery.n_intervals)]
        block = {"name": "B1", "up_kw": up_kw, "down_kw": [0.0] * delivery.n_intervals, "price_per_mwh": -12.5}
        assert blocks_of_lines(lines_of_blocks([block], delivery), day, delivery.zone) == [block], (first, last)


def test_blocks_are_changed_line_by_line(staff, open_bid, monkeypatch):
    loop = {
        "name": "B1", "price_per_mwh": 70.0, "buy_price_per_mwh": 20.0, "up_kw": [0.0] * 72 + [50.0] * 8 + [0.0] * 16,
        "down_kw": [0.0] * 8 + [60.0] * 8 + [0.0] * 80,
    }  # fmt: skip
    open_bid.pk, open_bid.blocks, open_bid.natural_key = None, [loop], "with blocks"
    open_bid.delivery_date += timedelta(days=1)
    open_bid.save(force_insert=True)
    url, seen = f"/bids/{open_bid.pk}/edit/", []

    def edit_bid(*, bid, at, actor, reason, change):
        seen.append(change)
        bid.version = 2
        return bid

    monkeypatch.setattr("bidding.operations.edit_bid", edit_bid)
    line = "B1 02:00-04:00 -60 20 18:00-20:00 50 70"
    assert line in page(staff, url)
    wrong = staff.post(url, {"blocks": "B1 18:00 50 70", "reason": "r"})
    assert wrong.status_code == 422 and "is not a block" in wrong.content.decode()
    staff.post(url, {"blocks": f"{line}\nB2 23:00-00:00 40 -5.5", "reason": "r"})
    (change,) = seen
    assert change.blocks[0] == loop
    assert (change.blocks[1]["name"], change.blocks[1]["price_per_mwh"]) == ("B2", -5.5)
    assert change.blocks[1]["up_kw"] == [0.0] * 92 + [40.0] * 4 and not any(change.blocks[1]["down_kw"])


def test_a_refused_change_tells_the_code_of_the_operation(staff, open_bid):
    typed = {"begins": "00:00", "ends": "00:00", "quantity_pct": "100", "price": "99999", "reason": "typing error"}
    answer = staff.post(f"/bids/{open_bid.pk}/edit/", typed)
    assert answer.status_code == 422 and b'role="alert"' in answer.content
    open_bid.refresh_from_db()
    assert open_bid.state == Bid.State.SUBMITTED


def test_after_the_gate_nobody_changes_a_bid(staff, open_bid):
    clock.set_simulated(clock.now() + timedelta(days=2))
    back = page(staff, f"/bids/{open_bid.portfolio.code}/{open_bid.delivery_date}/")
    assert "Hold…" not in back
    assert "gate_passed" in staff.post(f"/bids/{open_bid.pk}/hold/", {"reason": "late"}, follow=True).content.decode()


def test_a_battery_is_tried_on_the_prices_of_a_product_finer_or_coarser_than_its_markets_unit(staff, world):
    product = Bid.objects.filter(product__kind="ENERGY").earliest("pk").product
    typed = {
        "product": product.pk, "delivery_date": world.day.date.isoformat(), "power_kw": "100", "capacity_kwh": "200",
        "efficiency_pct": "90", "wear_per_mwh": "0", "import_fee_per_mwh": "0",
    }  # fmt: skip
    for unit, block in ((15, 60), (60, 30)):
        Market.objects.filter(pk=product.market_id).update(mtu_minutes=unit)
        Product.objects.filter(pk=product.pk).update(block_minutes=block)
        product.refresh_from_db()
        per_hour = 60 // block
        prices = [(20.0 if number < 12 * per_hour else 80.0) + number % per_hour for number in range(24 * per_hour)]
        Price.objects.bulk_create(
            Price(
                product=product, interval_start=world.day.start + number * timedelta(minutes=block), source="test",
                price=price, available_at=world.day.start + timedelta(minutes=unit),
            )
            for number, price in enumerate(prices)
        )  # fmt: skip
        body = staff.post("/bids/what-if/", typed)
        assert body.status_code == 200, body.content.decode()
        shown = chart_of(body.content.decode(), "what-if-chart")["panels"][1]["series"][0]["y"]
        assert shown == [price for price in prices for _ in range(block // 15)]
        assert stored_prices(product, world.day.date, world.day.date).prices["price"].tolist() == prices
    Product.objects.filter(pk=product.pk).update(block_minutes=240)
    refused = staff.post("/bids/what-if/", typed)
    assert refused.status_code == 422, "no battery is tried on blocks of four hours"
    product.refresh_from_db()
    with pytest.raises(BadPriceFile, match="240 minutes"):
        enqueue_replay(product, world.day.date, world.day.date, {}, at=clock.now())


def test_only_traders_are_at_the_desk(open_bid):
    user = make_user("op", Participant.Kind.AGGREGATOR)
    User.objects.filter(pk=user.pk).update(role="OPERATOR")
    client = client_for(user)
    for url in (f"/bids/{open_bid.pk}/hold/", f"/bids/{open_bid.pk}/edit/"):
        assert client.get(url).status_code == 403


def test_a_battery_is_tried_on_the_prices_of_a_day(staff, world):
    product = Bid.objects.filter(product__kind="ENERGY").earliest("pk").product
    typed = {
        "product": product.pk, "delivery_date": world.day.date.isoformat(), "power_kw": "100", "capacity_kwh": "200",
        "efficiency_pct": "90", "wear_per_mwh": "5", "import_fee_per_mwh": "0",
    }  # fmt: skip
    refused = staff.post("/bids/what-if/", typed)
    assert refused.status_code == 422 and b"no_prices" in refused.content
    Price.objects.bulk_create(
        Price(
            product=product, interval_start=world.day.start + timedelta(hours=hour), source="test",
            price=20.0 if hour < 12 else 80.0, available_at=world.day.start,
        )
        for hour in range(24)
    )  # fmt: skip
    wrong = staff.post("/bids/what-if/", typed | {"blocks": "B1 in the evening"})
    assert wrong.status_code == 422 and "is not a block" in wrong.content.decode()
    offered = staff.post(
        "/bids/what-if/", typed | {"blocks": "B1 18:00-20:00 80 60\nB2 02:00-03:00 80 60"}
    ).content.decode()
    assert "The block B1 is worth offering." in offered and "The block B2 is not." in offered
    body = staff.post("/bids/what-if/", typed).content.decode()
    assert "after wear and fees" in body
    stored = chart_of(body, "what-if-chart")["panels"][0]["series"][1]["y"]
    assert max(stored) > 190.0 and stored[-1] >= 99.9


def test_the_nights_are_held_against_their_days(staff, world):
    from bidding.models import NightlyRun, PlannedDay

    PlannedDay.objects.create(
        run=NightlyRun.objects.get(), portfolio=world.portfolio, kind="OPTIMISED", status="optimal", positions={}, capacity_up_kw=[],
        capacity_down_kw=[], recovery_kw=[],
        expected_profit=float(world.run.revenue - world.run.penalty) * 2,
    )  # fmt: skip
    assert "50.0\u00a0%" in page(staff, "/bids/")


@pytest.fixture
def alarms(world):
    bid = Bid.objects.filter(ask=world.ask).earliest("pk")
    delivery = Alarm.objects.create(
        portfolio=world.portfolio, award=bid.awards.get(), kind="DEVIATION", interval_start=world.day.starts()[72],
        committed_up_kw=110.0, short_kw=18.3, raised_at=world.day.starts()[73],
    )  # fmt: skip
    reading = ReadingAlarm.objects.create(
        kind="DEVICE_SILENT", device=world.devices[0], begin_at=world.day.starts()[70]
    )
    return delivery, reading


def test_alarms_are_seen_and_acknowledged_once(staff, world, alarms):
    delivery, reading = alarms
    assert "1 × was not delivered" in page(staff, "/") and "1 × device silent" in page(staff, "/")
    body = page(staff, "/alarms/")
    assert "18.3\u00a0kW of 110.0\u00a0kW missing" in body and world.devices[0].code in body
    keys = {"alarm": [f"delivery-{delivery.pk}", f"reading-{reading.pk}", "junk"], "note": "on my way"}
    assert "2 alarms are acknowledged" in staff.post("/alarms/acknowledge/", keys, follow=True).content.decode()
    assert "Choose alarms first" in staff.post("/alarms/acknowledge/", {}, follow=True).content.decode()
    assert "0 alarms are acknowledged" in staff.post("/alarms/acknowledge/", keys, follow=True).content.decode()
    assert "Nothing is open" in page(staff, "/alarms/")
    assert page(staff, "/alarms/?show=all").count("on my way") == 2
    assert AuditEvent.objects.filter(action="alarm.acknowledged").count() == 2


def test_who_only_looks_acknowledges_nothing(alarms):
    user = make_user("viewer", Participant.Kind.AGGREGATOR)
    client = client_for(user)
    assert client.post("/alarms/acknowledge/", {"alarm": f"delivery-{alarms[0].pk}"}).status_code == 403


def test_the_forecast_board_names_classes_and_the_worst_series(staff, world):
    common = {
        "zone_code": "DE",
        "delivery_date": world.day.date,
        "intervals": 96,
        "available_at": world.after,
        "day_type": 0,
    }
    fields = {"mae_kw": 2.0, "naive_mae_kw": 4.0, "challenger_mae_kw": 3.0, "crps_kw": 1.0, "coverage": 0.81}
    Accuracy.objects.create(scope="CLASS", class_name="heat", series=4, rungs={"gradient": 4}, **common, **fields)
    Accuracy.objects.create(
        scope="DEVICE", class_name="heat", series=1, rungs={"gradient": 1}, device=world.devices[7], **common, **fields
    )
    body = page(staff, "/forecasts/")
    assert "50.0\u00a0%" in body and "75.0\u00a0%" in body and world.devices[7].code in body
    assert chart_of(body, "class-chart")["labels"] == ["heat"]


def test_the_night_is_started_by_hand_once(staff, world):
    from vpp.jobs.models import Job

    assert "2016-07-16" in page(staff, "/bids/night/")
    for _again in range(2):
        assert "with the workers" in staff.post("/bids/night/", {"reason": "trial"}, follow=True).content.decode()
    assert Job.objects.filter(natural_key="nightly:DE:2016-07-16").count() == 1
    for state, told in (("DONE", "2016-07-16 has run already"), ("DEAD", "did not end well: no forecast - it can be")):
        Job.objects.filter(natural_key="nightly:DE:2016-07-16").update(state=state, error="no forecast")
        body = staff.post("/bids/night/", {"reason": "trial"}, follow=True).content.decode()
        assert told in body and "with the workers" not in body
