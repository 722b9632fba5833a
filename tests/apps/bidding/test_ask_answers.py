"""Whose ask a reference names, and orders that come while others still answer."""

from __future__ import annotations

import pytest

from bidding import operations
from bidding.distribution.answering import answer_feeder
from bidding.distribution.ask_states import end_answering
from bidding.models import Ask, Bid
from tests.apps.bidding.test_api import API, post
from tests.apps.bidding.world import World, aggregator_headers, client_of
from tests.factories import make_congestion_point
from vpp.lib import clock

pytestmark = pytest.mark.django_db


@pytest.fixture
def utility(world) -> dict[str, str]:
    clock.set_simulated(world.at)
    return client_of(world.utility, "read", "asks:write")[1]


def sent_bid(world: World, ask: Ask, up_kw: float = 100.0) -> Bid:
    world.open_book(500.0)
    draft = world.draft(up_kw, product=world.ask_product, ask=ask)
    return operations.submit_bid(operations.create_bid(draft, at=world.at), at=world.at)


def test_a_reference_that_two_utilities_use_is_told_apart(client, world, utility):
    mine, point = world.ask(reference="A-1"), make_congestion_point()
    content = world.ask_content(reference="A-1", congestion_point=point.code)
    operations.receive_ask(utility=point.utility, content=content, at=world.at, actor="test")
    assert client.get(f"{API}/asks/A-1", headers=utility).json()["utility"] == world.utility.code
    staff = aggregator_headers()
    unclear = client.get(f"{API}/asks/A-1", headers=staff)
    assert (unclear.status_code, unclear.json()["code"]) == (409, "ambiguous_reference")
    both = sorted([world.utility.code, point.utility.code])
    assert unclear.json()["details"]["utilities"] == both
    for code in both:
        assert client.get(f"{API}/asks/A-1?utility={code}", headers=staff).json()["utility"] == code
        (listed,) = client.get(f"{API}/asks?reference=A-1&utility={code}", headers=staff).json()["results"]
        assert listed["utility"] == code
    assert client.get(f"{API}/asks/A-1?utility=nobody", headers=staff).status_code == 404
    assert mine.reference == "A-1"


def test_a_bid_that_can_be_seen_can_be_ordered_while_others_still_answer(client, world, utility):
    ask = world.ask()
    bid = sent_bid(world, ask)
    assert client.get(f"{API}/bids?ask={ask.reference}", headers=utility).json()["results"][0]["id"] == bid.pk
    assert Ask.objects.get().state == Ask.State.ASKED  # whoever answers is not done
    assert post(client, f"/bids/{bid.pk}/accept", {}, utility).status_code == 201
    assert list(ask.events.order_by("pk").values_list("state", flat=True)) == ["ASKED", "BID", "COMMITTED"]
    assert end_answering(ask, at=world.at) and answer_feeder(
        feeder_code=world.point.feeder.code, delivery_date=world.day.date, at=world.at
    ).bids == []  # fmt: skip
    assert Ask.objects.get().state == Ask.State.COMMITTED


def test_a_bid_that_is_rejected_while_others_still_answer_ends_the_ask_with_them(client, world, utility):
    ask = world.ask()
    assert post(client, f"/bids/{sent_bid(world, ask).pk}/reject", {}, utility).status_code == 200
    assert Ask.objects.get().state == Ask.State.ASKED and end_answering(ask, at=world.at)
    assert Ask.objects.get().state == Ask.State.REJECTED
