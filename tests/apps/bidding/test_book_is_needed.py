"""With the book's claim or its check taken out, a test of what is sold twice fails."""

from __future__ import annotations

import pytest

from bidding import operations, queries
from bidding.errors import SoldTwice
from bidding.models import Bid, BookEntry
from bidding.operations import book, nightly_steps

pytestmark = pytest.mark.django_db


def sell_twice(world) -> None:
    """600 kW out of 500."""
    world.open_book(500.0)
    operations.create_bid(world.draft(300.0), at=world.at)
    operations.create_bid(world.draft(300.0, product=world.reserve), at=world.at)


def test_with_the_claim_the_second_sale_is_refused(world):
    with pytest.raises(SoldTwice):
        sell_twice(world)


def test_without_the_claim_the_independent_check_finds_what_is_sold_twice(world, monkeypatch):
    monkeypatch.setattr(book, "reserve", lambda **_: None)
    sell_twice(world)
    assert "sold_twice_up" in {item.rule for item in queries.book_check(world.day.date)}


def test_what_the_check_doubts_is_not_sent(world, monkeypatch):
    monkeypatch.setattr(book, "reserve", lambda **_: None)
    run = operations.nightly(zone_code="DE", delivery_date=world.day.date, at=world.at)
    assert Bid.objects.exists() and not BookEntry.objects.exists()
    assert set(Bid.objects.values_list("state", flat=True)) == {Bid.State.CHECKED}
    findings = " ".join(run.steps.get(name="submit").detail["findings"])
    assert "not sent, the check of the book found entry_differs" in findings


def test_without_the_check_it_would_leave_the_house(world, monkeypatch):
    monkeypatch.setattr(book, "reserve", lambda **_: None)
    monkeypatch.setattr(nightly_steps, "book_check", lambda _: [])
    operations.nightly(zone_code="DE", delivery_date=world.day.date, at=world.at)
    assert Bid.objects.filter(state=Bid.State.SUBMITTED).exists()
    assert queries.book_check(world.day.date) != []
