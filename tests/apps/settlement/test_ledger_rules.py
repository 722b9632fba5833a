"""Promise 10: what the database refuses, whoever asks."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from tests.apps.settlement.test_settle_day import settle, sold_evening
from tests.factories import make_participant
from vpp.settlement.models import (
    Journal,
    JournalLine,
    LedgerAccount,
    Payout,
    Performance,
    ReviewFinding,
    SettlementRun,
)
from vpp.settlement.operations.review import release_payout

pytestmark = pytest.mark.django_db


def a_journal(lines: list[tuple[str, str]], *, line_count: int | None = None) -> Journal:
    """Lines of (amount, currency) on two accounts, written past all operations."""
    performance = Performance.objects.first()
    assert performance is not None
    kinds = ["MARGIN", "FEES"]
    accounts = [LedgerAccount.objects.get_or_create(code=kind, kind=kind)[0] for kind in kinds]
    journal = Journal.objects.create(
        natural_key=f"test-{Journal.objects.count()}",
        run=performance.run,
        performance=performance,
        booked_at=datetime(2016, 7, 15, tzinfo=UTC),
        description="by hand",
        line_count=line_count or len(lines),
    )
    JournalLine.objects.bulk_create(
        JournalLine(
            journal=journal, number=number, account=accounts[number % 2], amount=Decimal(amount), currency=currency
        )
        for number, (amount, currency) in enumerate(lines, start=1)
    )
    return journal


def check_now() -> None:
    """What the end of the transaction does."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


@pytest.fixture
def a_run() -> SettlementRun:
    return settle(sold_evening()[0])


@pytest.mark.parametrize(
    ("lines", "line_count"),
    [
        ([("10.00", "EUR"), ("-9.99", "EUR")], None),
        ([("10.00", "EUR"), ("-10.00", "USD")], None),
        ([("10.00", "EUR"), ("-10.00", "EUR")], 3),
    ],
)
def test_the_database_refuses_a_journal_that_does_not_balance(a_run, lines, line_count):
    with pytest.raises(IntegrityError, match="journal"), transaction.atomic():
        a_journal(lines, line_count=line_count)
        check_now()


def test_a_balanced_journal_stands(a_run):
    journal = a_journal([("10.00", "EUR"), ("-10.00", "EUR")])
    check_now()
    assert journal.lines.count() == journal.line_count == 2


def test_no_line_can_be_added_to_a_finished_journal(a_run):
    journal = a_journal([("10.00", "EUR"), ("-10.00", "EUR")])
    check_now()
    account = LedgerAccount.objects.get(code="FEES")
    with pytest.raises(DatabaseError, match="complete"), transaction.atomic():
        JournalLine.objects.create(journal=journal, number=3, account=account, amount=Decimal(5), currency="EUR")
    with pytest.raises(IntegrityError), transaction.atomic():
        JournalLine.objects.create(journal=journal, number=2, account=account, amount=Decimal(5), currency="EUR")


@pytest.mark.parametrize(
    "table", ["settlementrun", "performance", "deviceperformance", "payout", "journal", "journalline"]
)
def test_nothing_settled_or_booked_can_be_changed_or_deleted(a_run, table):
    for statement in (f"UPDATE settlement_{table} SET id = id", f"DELETE FROM settlement_{table}"):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_a_run_whose_cents_do_not_add_up_is_refused(a_run):
    a_run.pk, a_run.version = None, 9
    a_run.margin += Decimal("0.01")
    with pytest.raises(IntegrityError, match="settlement_run_keeps_every_cent"), transaction.atomic():
        a_run.save(force_insert=True)


def test_the_settlement_itself_passes_all_checks(a_run):
    check_now()
    assert Payout.objects.filter(run=a_run).count() == 2


def test_no_payout_is_slipped_in_beside_those_of_a_run(a_run):
    real = Payout.objects.filter(run=a_run).earliest("pk")
    with pytest.raises(IntegrityError, match="no payout can be added"), transaction.atomic():
        Payout.objects.create(
            run=a_run, performance=real.performance, owner=make_participant(), gross=50, fee=0, total=50, amount=0,
            currency="EUR",
        )  # fmt: skip


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE settlement_reviewfinding SET state = 'OPEN', decided_at = NULL, decision = ''",
        "UPDATE settlement_reviewfinding SET state = 'CONFIRMED'",
        "DELETE FROM settlement_reviewfinding",
    ],
)
def test_a_finding_is_decided_once(sql):
    found = ReviewFinding.objects.create(
        kind="PAIRED_SITES",
        owner=make_participant(),
        delivery_date="2016-07-14",
        found_at=datetime(2016, 7, 15, tzinfo=UTC),
    )
    release_payout(found, reason="explained", at=datetime(2016, 7, 16, tzinfo=UTC), actor="test")
    with pytest.raises(IntegrityError, match="decided once"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
