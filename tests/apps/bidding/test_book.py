"""No kilowatt is sold twice: by the operations, by two threads at once, and by anybody with SQL."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from bidding import operations, queries
from bidding.errors import BelowMinimum, GatePassed, SoldTwice
from bidding.models import Award, Bid, BookCell, BookEntry
from bidding.operations.awards import take_award
from tests.apps.bidding.world import make_world


@pytest.mark.django_db
def test_all_open_bids_together_fit_into_the_capacity(world):
    world.open_book(500.0)
    operations.create_bid(world.draft(300.0), at=world.at)
    with pytest.raises(SoldTwice):
        operations.create_bid(world.draft(300.0, product=world.reserve), at=world.at)
    operations.create_bid(world.draft(200.0, product=world.reserve), at=world.at)
    assert set(BookCell.objects.filter(direction="UP").values_list("promised_kw", flat=True)) == {Decimal(500)}
    assert Bid.objects.count() == 2 and queries.book_check(world.day.date) == []


@pytest.mark.django_db
def test_a_refused_bid_leaves_nothing_behind(world):
    world.open_book(100.0)
    with pytest.raises(SoldTwice):
        operations.create_bid(world.draft(200.0), at=world.at)
    assert not Bid.objects.exists() and not BookEntry.objects.exists()


@pytest.mark.django_db
def test_the_same_bid_again_is_the_first_one(world):
    world.open_book(500.0)
    first = operations.create_bid(world.draft(300.0), at=world.at)
    assert operations.create_bid(world.draft(300.0), at=world.at) == first
    assert BookEntry.objects.count() == 96


@pytest.mark.django_db
def test_a_bid_below_the_minimum_or_off_lot_is_not_made(world):
    world.open_book(500.0)
    for quantity in (99.0, 150.0):
        with pytest.raises(BelowMinimum):
            operations.create_bid(world.draft(quantity), at=world.at)
    assert not Bid.objects.exists()


@pytest.mark.django_db
def test_a_bid_without_a_book_is_refused(world):
    with pytest.raises(SoldTwice):
        operations.create_bid(world.draft(100.0), at=world.at)


@pytest.mark.django_db
def test_a_partial_award_frees_the_rest_and_nothing_frees_all(world):
    world.open_book(1000.0)
    energy = operations.create_bid(world.draft(400.0), at=world.at)
    reserve = operations.create_bid(world.draft(600.0, product=world.reserve), at=world.at)
    for bid in (energy, reserve):
        operations.submit_bid(bid, at=world.at)
    zero, price = [0.0] * 96, [20.0] * 96
    award = take_award(
        energy,
        up_kw=[100.0] * 48 + [0.0] * 48,
        down_kw=zero,
        price_per_mwh=price,
        reference="r1",
        at=world.at,
        actor="m",
    )
    assert award is not None
    assert take_award(
        reserve, up_kw=zero, down_kw=zero, price_per_mwh=price, reference="r2", at=world.at, actor="m"
    ) is None  # fmt: skip
    promised = list(
        BookCell.objects.filter(direction="UP").order_by("interval_start").values_list("promised_kw", flat=True)
    )
    assert promised == [Decimal(100)] * 48 + [Decimal(0)] * 48
    energy.refresh_from_db()
    reserve.refresh_from_db()
    assert (energy.state, reserve.state) == (Bid.State.CLEARED, Bid.State.NOT_CLEARED)
    assert queries.book_check(world.day.date) == []


@pytest.mark.django_db
def test_the_database_refuses_what_bypasses_the_operations(world):
    world.open_book(500.0)
    bid = operations.create_bid(world.draft(300.0), at=world.at)
    operations.submit_bid(bid, at=world.at)
    award = operations.award
    assert callable(award)
    statements = {
        "book_never_sold_twice": "UPDATE bidding_bookcell SET capacity_kw = 299",
        "not set by hand": "UPDATE bidding_bookcell SET promised_kw = 0",
        "cannot be changed": "UPDATE bidding_bid SET up_kw[1] = 9",
        "cannot be deleted": "DELETE FROM bidding_bid",
        "never deleted": "DELETE FROM bidding_bookentry",
        "append-only": "UPDATE bidding_bidevent SET reason = 'x'",
    }
    for message, statement in statements.items():
        with pytest.raises(DatabaseError, match=message), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


@pytest.mark.django_db
def test_an_award_is_never_above_its_bid_and_never_changes(world):
    world.open_book(500.0)
    bid = operations.create_bid(world.draft(300.0), at=world.at)
    operations.submit_bid(bid, at=world.at)
    with pytest.raises(DatabaseError, match="not within bid"), transaction.atomic():
        Award.objects.create(
            bid=bid, up_kw=[301.0] * 96, down_kw=[0.0] * 96, price_per_mwh=[1.0] * 96, source_reference="x",
            awarded_at=world.at
        )  # fmt: skip
    take_award(
        bid, up_kw=[300.0] * 96, down_kw=[0.0] * 96, price_per_mwh=[1.0] * 96, reference="x", at=world.at, actor="m"
    )
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Award.objects.update(awarded_at=world.at)


@pytest.mark.django_db
def test_the_independent_check_sees_an_entry_that_disagrees_with_its_bid(world):
    world.open_book(500.0)
    operations.create_bid(world.draft(300.0), at=world.at)
    with connection.cursor() as cursor:  # by whoever may do so
        cursor.execute(
            "SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE bidding_bookentry DISABLE TRIGGER bidding_bookentry_fixed"
        )
    BookEntry.objects.filter(interval_start=world.day.start).update(quantity_kw=Decimal(200))
    assert [item.rule for item in queries.book_check(world.day.date)] == ["entry_differs"]


@pytest.mark.django_db
def test_capacity_that_shrinks_below_a_promise_is_reported_and_the_promise_stands(world):
    import numpy as np

    world.open_book(500.0)
    operations.create_bid(world.draft(300.0), at=world.at)
    short = operations.open_book(
        portfolio_id=world.portfolio.pk, day=world.day, up_kw=np.full(96, 200.0), down_kw=np.zeros(96)
    )
    assert len(short) == 96 and short[0].promised_kw == 300 and short[0].capacity_kw == 200
    assert BookCell.objects.filter(direction="UP").first().capacity_kw == Decimal(300)


@pytest.mark.django_db
def test_no_bid_is_made_or_sent_after_the_gate(world):
    world.open_book(500.0)
    bid = operations.create_bid(world.draft(300.0), at=world.at)
    gate = datetime(2016, 7, 13, 10, tzinfo=UTC)
    with pytest.raises(GatePassed):
        operations.create_bid(world.draft(100.0, product=world.reserve), at=gate)
    with pytest.raises(GatePassed):
        operations.submit_bid(bid, at=gate)
    assert operations.expire_bids(at=gate) == 1
    assert not BookCell.objects.exclude(promised_kw=0).exists()


@pytest.mark.django_db
def test_a_bid_that_is_sent_while_gates_are_looked_at_does_not_expire(world, monkeypatch):
    """Its market has it: its kilowatts must not be free for others."""
    from bidding.operations import bids

    world.open_book(500.0)
    bid, gate = operations.create_bid(world.draft(300.0), at=world.at), datetime(2016, 7, 13, 10, tzinfo=UTC)

    def looked_at(*args):
        operations.submit_bid(Bid.objects.get(pk=bid.pk), at=world.at)
        return gate

    monkeypatch.setattr(bids, "gate_of", looked_at)
    monkeypatch.setattr(bids, "check_gate", lambda *args: None)
    assert operations.expire_bids(at=gate) == 0
    bid.refresh_from_db()
    assert bid.state == Bid.State.SUBMITTED and BookCell.objects.filter(promised_kw=300).exists()


@pytest.mark.django_db(transaction=True)
def test_two_threads_cannot_sell_the_same_kilowatt(at):
    world = make_world(date(2016, 7, 14), at.replace(hour=8), batteries=1, heat_pumps=0)
    world.open_book(500.0)
    drafts = [world.draft(300.0), world.draft(300.0, product=world.reserve)]
    barrier, outcomes = threading.Barrier(2), []

    def sell(draft) -> None:
        try:
            barrier.wait(timeout=60)
            operations.create_bid(draft, at=world.at)
            outcomes.append("sold")
        except SoldTwice:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=sell, args=(draft,)) for draft in drafts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert sorted(outcomes) == ["refused", "sold"]
    assert Bid.objects.count() == 1 and queries.book_check(world.day.date) == []


@pytest.mark.django_db(transaction=True)
def test_two_threads_without_the_lock_are_stopped_by_the_database(at, monkeypatch):
    """The trigger and the check hold even where nobody takes the portfolio's lock."""
    from bidding.operations import book

    world = make_world(date(2016, 7, 14), at.replace(hour=8), batteries=1, heat_pumps=0)
    world.open_book(500.0)
    monkeypatch.setattr(book, "lock_portfolio", lambda portfolio_id: None)
    barrier, outcomes = threading.Barrier(4), []

    def sell(version: int, product) -> None:
        try:
            barrier.wait(timeout=60)
            operations.create_bid(world.draft(200.0, product=product, version=version), at=world.at)
            outcomes.append("sold")
        except (SoldTwice, DatabaseError):
            outcomes.append("refused")
        finally:
            connection.close()

    cases = [(1, world.energy), (1, world.reserve), (1, world.ask_product), (2, world.ask_product)]
    threads = [threading.Thread(target=sell, args=case) for case in cases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert len(outcomes) == 4 and outcomes.count("sold") <= 2
    assert not BookCell.objects.filter(promised_kw__gt=500).exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("UPDATE bidding_bookentry SET quantity_kw = 1", "awarded or released"),
        ("UPDATE bidding_bookentry SET quantity_kw = quantity_kw + 1, state = 'AWARDED'", "awarded or released"),
        ("UPDATE bidding_bookentry SET state = 'RELEASED'", "is CHECKED and keeps what it claims"),
        ("UPDATE bidding_bookentry SET direction = 'DOWN'", "awarded or released"),
        ("DELETE FROM bidding_bookcell", "are promised"),
        ("UPDATE bidding_bid SET state = 'WITHDRAWN'; UPDATE bidding_bid SET state = 'CHECKED'", "stays so"),
    ],
)
def test_no_kilowatt_gets_free_before_sql_by_hand(world, sql, told):
    world.open_book(500.0)
    operations.create_bid(world.draft(300.0), at=world.at)
    with pytest.raises(DatabaseError, match=told), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.django_db
def test_a_commit_is_not_undone_by_hand(world):
    ask = world.ask()
    operations.nightly(zone_code="DE", delivery_date=world.day.date, at=world.at)
    operations.accept_bid(bid=Bid.objects.get(ask=ask), at=world.at, actor="test")
    with pytest.raises(DatabaseError, match="is CLEARED and stays so"), transaction.atomic():
        Bid.objects.filter(ask=ask).update(state=Bid.State.WITHDRAWN)
