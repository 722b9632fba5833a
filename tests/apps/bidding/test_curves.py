"""The nightly run offers curves in energy and two reserves; what they claim is in the book, at their extremes."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from bidding import operations, queries
from bidding.errors import BadPrice, BelowMinimum
from bidding.kernels.curve import quantity_at
from bidding.kernels.linear_curve import line_findings
from bidding.models import Bid, Product
from bidding.operations import BidChange
from bidding.operations.desk_window import window_change
from bidding.operations.drafts import BidDraft
from bidding.operations.exchange import order_rows
from bidding.operations.order_forms import check_rules
from bidding.operations.standing import shortfalls_kw, standing_of
from bidding.wholesale.operations import AwardRow
from tests.apps.bidding import world as worlds
from vpp.lib import clock

pytestmark = pytest.mark.django_db


@pytest.fixture
def curvy(db, at):
    """As `world`, with every product of the demo and restless prices."""
    morning = at.replace(hour=8)
    made = worlds.make_world(date(2016, 7, 14), morning)
    worlds.import_demo_markets(morning, one_reserve=False)
    Product.objects.filter(kind__startswith="RESERVE").update(reference_price=2.0)
    rng = np.random.default_rng(1)
    from bidding.wholesale.operations import PriceRow
    from vpp.lib.periods import DeliveryDay

    for back in range(1, 8):
        day = DeliveryDay(date(2016, 7, 14 - back), worlds.ZONE, 60)
        rows = [
            PriceRow(start, round(35 + 25 * float(np.sin((hour - 12) / 24 * 2 * np.pi)) + float(rng.normal(0, 12)), 2))
            for hour, start in enumerate(day.starts())
        ]
        operations.post_prices(
            market=made.energy.market, product_code="ENERGY-60", rows=rows, source="test", available_at=morning
        )
    return made


def test_energy_and_two_reserves_are_offered_as_curves(curvy):
    run = operations.nightly(zone_code="DE", delivery_date=curvy.day.date, at=curvy.at)
    bids = {bid.product.kind: bid for bid in run.bids.select_related("product")}
    assert {"ENERGY", "RESERVE_UP", "RESERVE_DOWN"} <= set(bids)
    assert all(bids[kind].curve for kind in ("ENERGY", "RESERVE_UP", "RESERVE_DOWN"))
    assert max(len(points) for points in bids["ENERGY"].curve) > 1
    assert queries.book_check(curvy.day.date) == []
    for bid in bids.values():
        assert bid.confidence == 0.9 and bid.state == Bid.State.SUBMITTED
        for points in bid.curve or []:
            prices, quantities = [p for p, _ in points], [q for _, q in points]
            assert prices == sorted(set(prices)) and quantities == sorted(set(quantities))
    energy = bids["ENERGY"]
    ends = [(points[0][1], points[-1][1]) if points else (0.0, 0.0) for points in energy.curve]
    assert energy.up_kw[::4] == [max(high, 0.0) for _, high in ends]
    assert all(quantity_at(points, 3000.0) >= quantity_at(points, -500.0) for points in energy.curve)
    standing = standing_of(curvy.portfolio, curvy.day, leave_out=[energy.pk])
    assert shortfalls_kw(curvy.portfolio, curvy.day, standing, curvy.at) == {}


def test_a_trader_may_send_another_curve_but_no_falling_one(curvy):
    operations.nightly(zone_code="DE", delivery_date=curvy.day.date, at=curvy.at)
    bid = Bid.objects.get(product__kind=Product.Kind.RESERVE_UP)
    hand = {"at": curvy.at, "actor": "tester", "reason": "our own view"}
    falling = [[[1.0, 200.0], [2.0, 100.0]]] * 6
    with pytest.raises(BadPrice):
        operations.edit_bid(bid=bid, change=BidChange(curve=falling), **hand)
    made = operations.edit_bid(bid=bid, change=BidChange(curve=[[[2.5, 100.0]]] * 6), **hand)
    assert made.curve == [[[2.5, 100.0]]] * 6 and made.state == Bid.State.SUBMITTED and set(made.up_kw) == {100.0}


def test_less_of_a_curve_is_offered_at_its_own_prices_and_a_price_holds_for_what_is_sent(curvy):
    """A trader's percentage or price is what goes to the market, not a quantity at any price beside an old curve."""
    operations.nightly(zone_code="DE", delivery_date=curvy.day.date, at=curvy.at)
    hand = {"at": curvy.at, "actor": "tester", "reason": "our own view"}
    for kind in (Product.Kind.RESERVE_DOWN, Product.Kind.ENERGY):
        bid = Bid.objects.select_related("product", "portfolio").get(product__kind=kind)
        before = order_rows(bid)
        less = operations.edit_bid(bid=bid, change=window_change(bid, [True] * 96, factor=0.9), **hand)
        rows = order_rows(less)
        assert rows and {row.price for row in rows} <= {row.price for row in before}
        assert max(row.quantity_kw for row in rows) <= max(row.quantity_kw for row in before) * 0.9
        dearer = operations.edit_bid(bid=less, change=window_change(less, [True] * 96, price=45.0), **hand)
        assert {row.price for row in order_rows(dearer) if row.side == "SELL" and row.quantity_kw} <= {45.0}
    assert queries.book_check(curvy.day.date) == []


def test_a_window_of_a_curve_is_whole_blocks_and_leaves_the_others_alone(curvy):
    operations.nightly(zone_code="DE", delivery_date=curvy.day.date, at=curvy.at)
    bid = Bid.objects.select_related("product", "portfolio").get(product__kind=Product.Kind.RESERVE_UP)
    change = window_change(bid, [True] * 16 + [False] * 80, price=45.0)
    assert change.curve[1:] == bid.curve[1:] and change.curve[0] == [[45.0, bid.curve[0][-1][1]]]
    with pytest.raises(BelowMinimum, match="blocks of 240 minutes"):
        window_change(bid, [True] * 4 + [False] * 92, price=45.0)


@pytest.mark.parametrize("change", [{"up_kw": [100.0] * 96}, {"price_per_mwh": [45.0] * 96}])
def test_a_curve_is_not_changed_by_half(curvy, change):
    """A price alone would be told and not sent; a quantity alone would go at any price."""
    operations.nightly(zone_code="DE", delivery_date=curvy.day.date, at=curvy.at)
    bid = Bid.objects.get(product__kind=Product.Kind.RESERVE_UP)
    with pytest.raises(BadPrice, match="is a curve"):
        operations.edit_bid(bid=bid, change=BidChange(**change), at=curvy.at, actor="tester", reason="ours")
    bid.refresh_from_db()
    assert bid.state == Bid.State.SUBMITTED


def test_a_quantity_of_downward_reserve_is_offered_at_the_floor(curvy):
    """Its capacity is sold like the upward one: at the cap no tender would take it."""
    Product.objects.filter(kind__startswith="RESERVE").update(order_form="QUANTITY", max_points=1)
    operations.nightly(zone_code="DE", delivery_date=curvy.day.date, at=curvy.at)
    bid = Bid.objects.select_related("product").get(product__kind=Product.Kind.RESERVE_DOWN)
    assert bid.curve is None and set(bid.price_per_mwh) == {bid.product.price_floor}


def test_a_market_of_straight_lines_gets_lines_and_takes_a_point_between_them(curvy, tmp_path):
    """Monotone, from floor to cap, within the number of points; the file has every point; a cut award fits."""
    Product.objects.filter(pk=curvy.energy.pk).update(order_form="LINEAR", max_points=6)
    operations.nightly(zone_code="DE", delivery_date=curvy.day.date, at=curvy.at)
    bid = Bid.objects.select_related("product").get(product=curvy.energy)
    rules = {"blocks": 24, "max_points": 6, "price_floor": bid.product.price_floor, "tick": float(bid.product.tick)}
    assert line_findings(bid.curve, price_cap=bid.product.price_cap, **rules) == []
    sloped = [points for points in bid.curve if points and points[0][1] != points[-1][1]]
    assert sloped and all(len(points) <= 6 for points in bid.curve)
    rows = order_rows(bid)
    counts: list[int] = [len(points) for points in bid.curve]
    assert len(rows) == sum(counts)
    assert rows[0].price == bid.product.price_floor and rows[0].quantity_kw == abs(bid.curve[0][0][1])
    middle = [(points[0][1] + points[-1][1]) / 2 if points else 0.0 for points in bid.curve for _ in range(4)]
    row = AwardRow(bid.pk, "L1", [max(kw, 0.0) for kw in middle], [max(-kw, 0.0) for kw in middle], [40.0] * 96)
    clock.set_simulated(curvy.at)
    operations.post_awards(market=curvy.energy.market, rows=[row], at=curvy.at, actor="m")
    assert queries.book_check(curvy.day.date) == []
    standing = standing_of(curvy.portfolio, curvy.day)
    short = shortfalls_kw(curvy.portfolio, curvy.day, standing, curvy.at)
    assert set(short) <= {"energy"}  # only the day's end may be lower
    steps = [[bid.product.price_floor, 0.0], [10.0, 100.0]]
    with pytest.raises(BadPrice, match="must run from"):
        check_rules(BidDraft(curvy.portfolio, bid.product, curvy.day, [100.0] * 96, [0.0] * 96, [0.0] * 96,
                             curve=[steps] * 24))  # fmt: skip
