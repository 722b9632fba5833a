"""Bids by file: the market's receipt must count what was sent; awards by file enter the book."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command

from bidding import operations, queries
from bidding.errors import ReceiptDiffers
from bidding.kernels import exchange as files
from bidding.models import Award, AwardCancellation, Bid
from bidding.operations import exchange
from vpp.lib import clock

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(world):
    clock.set_simulated(world.at)
    world.open_book(500.0)
    bid = operations.create_bid(world.draft(200.0, product=world.reserve), at=world.at)
    return operations.submit_bid(bid, at=world.at)


def test_a_receipt_of_what_was_sent_acknowledges_and_another_does_not(world, sent):
    rows = exchange.order_rows(sent)
    assert len(rows) == 6 and {row.quantity_kw for row in rows} == {200.0}
    good = files.Receipt(sent.natural_key, True, 6, files.checksum(rows), "")
    for bad in (files.Receipt(sent.natural_key, True, 5, good.checksum, ""), files.Receipt(*vars(good).values())):
        if bad != good:
            with pytest.raises(ReceiptDiffers):
                exchange.take_receipt(market=sent.product.market, receipts=[bad], at=world.at, actor="file")
    for _ in range(2):
        exchange.take_receipt(market=sent.product.market, receipts=[good], at=world.at, actor="file")
    sent.refresh_from_db()
    assert sent.state == Bid.State.ACKNOWLEDGED


def test_a_price_goes_out_with_all_digits_of_its_tick(world, sent):
    (first, *_) = exchange.order_rows(sent)
    prices = {12.0: "12.00", 12.345: "12.345", -0.1234: "-0.1234", 100.5: "100.50"}
    assert {price: replace(first, price=price).as_text()[5] for price in prices} == prices


def test_bids_go_out_and_awards_come_in_by_command(world, sent, tmp_path):
    out, back = tmp_path / "bids.csv", tmp_path / "awards.csv"
    market = sent.product.market.code
    call_command("market_files", "bids", str(out), "--market", market, "--date", str(world.day.date))
    lines = out.read_text().splitlines()
    assert lines[0] == ",".join(files.COLUMNS) and len(lines) == 7 and lines[1].endswith("SELL,0.00,0.2")
    first, last = world.day.start.isoformat(), world.day.starts()[16].isoformat()
    back.write_text(f"{','.join(files.AWARDS)}\n{sent.natural_key},R1,{first},{last},SELL,0.1,7.5\n")
    call_command("market_files", "awards", str(back), "--market", market)
    award = Award.objects.get()
    assert award.up_kw == [100.0] * 16 + [0.0] * 80 and award.price_per_mwh[0] == 7.5
    assert queries.book_check(world.day.date) == []
    back.write_text(f"{','.join(files.AWARDS)},corrects\n{sent.natural_key},R2,{first},{last},SELL,0.2,7.5,R1\n")
    call_command("market_files", "awards", str(back), "--market", market)
    back.write_text(f"{','.join(files.CANCELLATIONS)}\nR2,C1,decoupled\n")
    call_command("market_files", "cancellations", str(back), "--market", market)
    told = AwardCancellation.objects.order_by("pk").values_list("award__up_kw__0", "reason")
    assert list(told) == [(100.0, "corrected by R2"), (200.0, "decoupled")]
    back.write_text("bid,reference\n")
    with pytest.raises(CommandError, match="columns are missing"):
        call_command("market_files", "awards", str(back), "--market", market)


@pytest.mark.parametrize(
    ("cells", "match"),
    [
        ("{start},{end},SELL,nan,7.5", "'nan' is no number"),
        ("{start},{end},SELL,0.1,inf", "'inf' is no number"),
        ("{start},{end},SELL,0.1,1e400", "'1e400' is no number"),
        ("{start},{end},SELL", "row 2"),
        ("{start},{end},SELL,0.1," + "7" * 200_000, "line 1: field larger"),
        ("2016-07-20T00:00:00Z,2016-07-20T04:00:00Z,SELL,0.1,7.5", "is not"),
        ("{start},2016-07-13T22:20:00Z,SELL,0.1,7.5", "is not whole intervals"),
        ("{start},{end},SELL,0.1,7.5\n{bid},R1,{start},{end},SELL,0.05,9", "two rows of SELL for 2016-07-13T22:00"),
    ],
)
def test_an_award_that_cannot_be_meant_leaves_the_bid_as_it_is(world, sent, tmp_path, cells, match):
    back = tmp_path / "awards.csv"
    start, end = world.day.start.isoformat(), world.day.starts()[16].isoformat()
    row = cells.format(bid=sent.natural_key, start=start, end=end)
    back.write_text(f"{','.join(files.AWARDS)}\n{sent.natural_key},R1,{row}\n")
    with pytest.raises(CommandError, match=match):
        call_command("market_files", "awards", str(back), "--market", sent.product.market.code)
    sent.refresh_from_db()
    assert sent.state == Bid.State.SUBMITTED and not Award.objects.exists()
