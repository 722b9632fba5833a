"""ReserveBid documents by command: revisions, and acknowledgements that are checked against what was sent."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from bidding import operations
from bidding.models import Bid, BookEntry, MarketDocument
from vpp.lib import clock

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(world, tmp_path):
    """A submitted reserve bid, and the command in the market's place and in ours."""
    clock.set_simulated(world.at)
    world.open_book(500.0)
    bid = operations.submit_bid(
        operations.create_bid(world.draft(200.0, product=world.reserve), at=world.at), at=world.at
    )
    market, sent, back = bid.product.market.code, tmp_path / "bids.xml", tmp_path / "ack.xml"

    class Desk:
        files = (sent, back)
        reserve_bid = bid

        def send(self):
            call_command("cim_documents", "reserve-bid", str(sent), "--market", market, "--date", str(world.day.date))

        def answer(self, *options):
            call_command("cim_documents", "answer", str(sent), "--out", str(back), *options)

        def take(self):
            call_command("cim_documents", "acknowledgement", str(back), "--market", market)

    return Desk()


def test_an_accepted_document_acknowledges_its_bids_once(desk):
    desk.send()
    desk.send()
    document = MarketDocument.objects.get()
    assert document.revision == 1 and len(document.series) == 6
    desk.answer()
    for _ in range(2):
        desk.take()
    desk.reserve_bid.refresh_from_db()
    document.refresh_from_db()
    assert desk.reserve_bid.state == Bid.State.ACKNOWLEDGED and document.state == MarketDocument.State.ACCEPTED
    assert desk.reserve_bid.events.filter(state=Bid.State.ACKNOWLEDGED).count() == 1


def test_a_rejected_series_frees_its_bid_with_the_reason(desk):
    desk.send()
    series = next(iter(MarketDocument.objects.get().series))
    with pytest.raises(CommandError, match="no time series"):
        desk.answer("--reject", "nobody")
    desk.answer("--reject", series, "--reason", "price out of bounds")
    desk.take()
    desk.reserve_bid.refresh_from_db()
    assert (
        desk.reserve_bid.state == Bid.State.REJECTED
        and MarketDocument.objects.get().state == MarketDocument.State.PARTLY
    )
    assert desk.reserve_bid.events.get(state=Bid.State.REJECTED).reason == "A59 price out of bounds"
    assert not BookEntry.objects.exclude(state=BookEntry.State.RELEASED).exists()


def test_another_revision_document_or_answer_is_refused_and_changes_nothing(desk, world):
    desk.send()
    desk.answer()
    sent, answer = desk.files
    good = answer.read_text()
    for old, new, message in (
        ("revisionNumber>1<", "revisionNumber>2<", "receipt_differs: the acknowledgement is of revision 2, sent was 1"),
        ("RESERVE-DE-2016-07-14</received", "OTHER</received", "unknown_document"),
        ("?>", "?><!DOCTYPE x>", "document types"),
    ):
        assert old in good
        answer.write_text(good.replace(old, new, 1))
        with pytest.raises(CommandError, match=message):
            desk.take()
    desk.reserve_bid.refresh_from_db()
    assert desk.reserve_bid.state == Bid.State.SUBMITTED and MarketDocument.objects.get().answered_at is None
    answer.write_text(good)
    desk.take()
    desk.answer("--reject", "all")
    with pytest.raises(CommandError, match="was answered before"):
        desk.take()


def test_changed_bids_are_the_next_revision_and_none_are_named(desk, world):
    desk.send()
    hand = {"at": world.at, "actor": "tester", "reason": "less"}
    operations.edit_bid(bid=desk.reserve_bid, change=operations.BidChange(up_kw=[100.0] * 96), **hand)
    desk.answer()  # of what was sent before the change
    desk.send()
    assert MarketDocument.objects.latest("pk").revision == 2
    with pytest.raises(CommandError, match="of revision 1, sent was 2"):
        desk.take()
    operations.hold_bid(bid=Bid.objects.get(state=Bid.State.SUBMITTED), **hand)
    with pytest.raises(CommandError, match="nothing_to_send"):
        desk.send()
