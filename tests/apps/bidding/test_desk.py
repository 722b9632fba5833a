"""An operator's hand on a bid: hold, edit, release; by role, with a reason, within book and physics, audited."""

from __future__ import annotations

import pytest

from bidding import operations, queries
from bidding.errors import BadPrice, BelowMinimum, GatePassed, NotDeliverable, ReasonMissing, SoldTwice, WrongState
from bidding.models import Ask, Bid, BookCell
from bidding.operations import BidChange
from tests.apps.bidding.world import aggregator_headers
from vpp.accounts.models import AuditEvent
from vpp.lib import clock

pytestmark = pytest.mark.django_db


def on_book(world, kw=200.0, product=None):
    world.open_book(380.0, 380.0)
    return operations.create_bid(world.draft(kw, product=product or world.reserve), at=world.at)


def hand(world, reason="the desk says so", **fields):
    return {"at": world.at, "actor": "tester", "reason": reason} | fields


def promised(world):
    return {float(kw) for kw in BookCell.objects.filter(direction="UP").values_list("promised_kw", flat=True)}


def test_a_held_bid_is_not_sent_and_keeps_its_kilowatts(world):
    run = operations.nightly(zone_code="DE", delivery_date=world.day.date, at=world.at)
    bid = run.bids.get(product=world.reserve)
    before = promised(world)
    operations.hold_bid(bid=bid, **hand(world))
    assert bid.state == Bid.State.HELD and bid.state not in Bid.SENT_STATES and promised(world) == before
    operations.hold_bid(bid=bid, **hand(world))
    assert bid.events.filter(state=Bid.State.HELD).count() == 1
    operations.release_bid(bid=bid, **hand(world))
    bid.refresh_from_db()
    assert bid.state == Bid.State.SUBMITTED
    trail = AuditEvent.objects.filter(subject_type="bidding.bid", subject_key=str(bid.pk)).order_by("pk")
    assert [event.action for event in trail][-3:] == ["bid.held", "bid.checked", "bid.submitted"]
    assert trail.get(action="bid.held").reason == "the desk says so" and trail.get(action="bid.held").actor == "tester"


def test_a_bid_held_over_its_gate_expires_and_frees_its_kilowatts(world):
    bid = on_book(world)
    operations.hold_bid(bid=bid, **hand(world))
    gate = world.at.replace(hour=10)
    with pytest.raises(GatePassed):
        operations.release_bid(bid=bid, **hand(world, at=gate))
    assert operations.expire_bids(at=gate) == 1
    bid.refresh_from_db()
    assert bid.state == Bid.State.EXPIRED and promised(world) == {0.0}


def test_an_edit_is_the_next_version_in_the_same_state(world):
    bid = on_book(world)
    operations.hold_bid(bid=bid, **hand(world))
    made = operations.edit_bid(bid=bid, change=BidChange(up_kw=[100.0] * 96), **hand(world))
    bid.refresh_from_db()
    assert (bid.state, made.state, made.version) == (Bid.State.WITHDRAWN, Bid.State.HELD, 2)
    assert promised(world) == {100.0} and queries.book_check(world.day.date) == []
    edit = AuditEvent.objects.get(action="bid.edited")
    assert edit.before["up_kw"][0] == 200.0 and edit.after["up_kw"][0] == 100.0 and edit.reason


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"up_kw": [150.0] * 96}, BelowMinimum),  # off lot
        ({"up_kw": [100.0] + [200.0] * 95}, BelowMinimum),  # one block, two quantities
        ({"price_per_mwh": [1e6] * 96}, BadPrice),
        ({"up_kw": [400.0] * 96}, SoldTwice),  # more than the book holds
    ],
)
def test_an_edit_that_breaks_a_rule_changes_nothing(world, change, error):
    bid = on_book(world)
    with pytest.raises(error):
        operations.edit_bid(bid=bid, change=BidChange(**change), **hand(world))
    bid.refresh_from_db()
    assert bid.state == Bid.State.CHECKED and Bid.objects.count() == 1 and promised(world) == {200.0}


def test_an_edit_within_the_book_but_beyond_the_energy_is_refused(world):
    """380 kW are there in every single hour; 40 batteries of 20 kWh cannot sell 300 kW through a whole day."""
    world.open_book(380.0, 380.0)
    bid = operations.create_bid(world.draft(100.0, product=world.reserve), at=world.at)
    zero, sold = [0.0] * 96, [100.0] * 4 + [0.0] * 92
    energy = world.draft(0.0)
    energy = operations.create_bid(
        type(energy)(world.portfolio, world.energy, world.day, sold, zero, zero), at=world.at
    )  # fmt: skip
    with pytest.raises(NotDeliverable) as refused:
        operations.edit_bid(bid=energy, change=BidChange(up_kw=[200.0] * 96), **hand(world))
    assert refused.value.details["missing"]
    bid.refresh_from_db()
    energy.refresh_from_db()
    assert {bid.state, energy.state} == {Bid.State.CHECKED} and queries.book_check(world.day.date) == []


def test_no_change_without_a_reason_or_after_an_answer(world):
    bid = on_book(world)
    with pytest.raises(ReasonMissing):
        operations.hold_bid(bid=bid, **hand(world, reason=" "))
    from bidding.operations.bids import end_bid

    end_bid(bid, Bid.State.WITHDRAWN, at=world.at)
    for change in (operations.hold_bid, operations.release_bid):
        with pytest.raises(WrongState):
            change(bid=bid, **hand(world))


def test_a_held_answer_keeps_its_ask_open_until_it_is_released(world):
    world.open_book(380.0)
    ask = world.ask()
    bid = operations.create_bid(world.draft(10.0, product=world.ask_product, ask=ask), at=world.at)
    operations.hold_bid(bid=bid, **hand(world))
    ask.refresh_from_db()
    assert ask.state == Ask.State.ASKED
    operations.release_bid(bid=bid, **hand(world))
    ask.refresh_from_db()
    assert ask.state == Ask.State.BID and Bid.objects.get().state == Bid.State.SUBMITTED


def test_over_http_the_scope_decides(client, world):
    clock.set_simulated(world.at)
    bid = on_book(world)
    body = {"reason": "wind warning"}

    def post(path, headers, data=body):
        return client.post(f"/api/v1/bids/{bid.pk}/{path}", data, content_type="application/json", headers=headers)

    assert post("hold", aggregator_headers("read")).status_code == 403
    trader = aggregator_headers("read", "bids:write")
    assert post("hold", trader).json()["state"] == "HELD"
    assert post("hold", trader, {}).status_code == 400
    edited = post("edit", trader, body | {"up_kw": [100.0] * 96})
    assert edited.status_code == 200 and edited.json()["version"] == 2 and edited.json()["state"] == "HELD"
    assert post("release", trader).json()["code"] == "wrong_state"
