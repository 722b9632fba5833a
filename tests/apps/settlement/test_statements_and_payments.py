"""From payouts to statements, from accepted statements to the bank, from the ledger to an accountant's tool."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tests.apps.settlement.makers import SUMMER, after, at_intervals, make_award, make_plan, meter
from tests.apps.settlement.test_settle_day import EVENING, settle, sold_evening
from tests.factories import make_contract, make_participant
from vpp.accounts import operations as accounts
from vpp.accounts.models import Participant
from vpp.enrollment.handover import hand_over
from vpp.lib import clock
from vpp.settlement import operations, queries
from vpp.settlement.kernels import statement_forms as forms
from vpp.settlement.kernels.books import Account, Entry, csv_text
from vpp.settlement.kernels.pain001 import NAMESPACE, Party
from vpp.settlement.models import (
    BankAccount,
    Journal,
    LedgerPeriod,
    Payment,
    PaymentFile,
    ReviewFinding,
    SettlementRun,
    Statement,
)
from vpp.settlement.queries.statements import statement_view

pytestmark = pytest.mark.django_db
IBANS = ("DE89370400440532013000", "GB29NWBK60161331926819")  # examples of the IBAN registry
DEBTOR = Party("Virtual Plant GmbH", "DE02120300000000202051", "BYLADEM1001")
NOW = after(SUMMER)
LATER = NOW + timedelta(days=1)


def statements(at: datetime = NOW) -> list[Statement]:
    return operations.make_statements(first=SUMMER, last=SUMMER, at=at)


def settled() -> list:
    """Two owners with payouts of 8.40 and 2.00."""
    portfolio, _, devices = sold_evening()
    settle(portfolio)
    for device, iban in zip(devices, IBANS, strict=True):
        owner = device.site.owner
        BankAccount.objects.create(owner=owner, holder=f"Jörg & {owner.code}", iban=iban)
    return [portfolio, devices]


def accepted() -> list[Statement]:
    made = statements()
    for statement in made:
        operations.finalise(statement, at=after(SUMMER))
        operations.step_statement(statement, Statement.State.ACCEPTED, at=after(SUMMER))
    return made


def pay(at: datetime = NOW, **more):
    return operations.pay_accepted(at=at, execution_date=date(2016, 8, 1), debtor=DEBTOR, **more)


def test_a_statement_per_owner_is_made_once_and_numbered_without_gaps():
    settled()
    made = statements()
    assert [one.total for one in made] == [Decimal("8.40"), Decimal("2.00")]
    assert statements() == made
    assert [operations.finalise(one, at=after(SUMMER)).number for one in made] == [1, 2]
    with pytest.raises(operations.StatementStepRefused), transaction.atomic():
        operations.finalise(made[0], at=after(SUMMER))
    third = Statement.objects.create(
        owner=made[0].owner, first_date=date(2016, 8, 1), last_date=date(2016, 8, 1), currency="EUR",
        total=1, difference=1, as_of=LATER,
    )  # fmt: skip
    assert operations.finalise(third, at=LATER).number == 3


def test_a_restated_day_shows_the_previous_total_the_new_one_and_the_difference():
    portfolio, devices = settled()
    first = accepted()
    pay()
    meter(devices[0], SUMMER, at_intervals(dict.fromkeys(EVENING, -200.0)), at=LATER, correction=True)
    settle(portfolio, version=2, at=LATER)
    again = statements(LATER)
    assert [one.version for one in again] == [2, 2]
    changed = again[0]
    assert (changed.previous_total, changed.total) == (Decimal("8.40"), changed.previous_total + changed.difference)
    assert changed.total < Decimal("8.40")
    operations.finalise(changed, at=LATER)
    first[0].refresh_from_db()
    assert first[0].state == Statement.State.RESTATED
    assert [event.state for event in first[0].events.order_by("pk")] == [
        "PROVISIONAL", "FINAL", "ACCEPTED", "PAID", "RESTATED",
    ]  # fmt: skip
    operations.step_statement(changed, Statement.State.ACCEPTED, at=LATER)
    run = pay(LATER)  # less is owed now than was paid
    assert run.file is None
    assert "carried" in run.left_out[0][1]


def test_a_provisional_statement_is_replaced_without_a_number():
    portfolio, _ = settled()
    made = statements()
    settle(portfolio, version=2, at=LATER)
    again = statements(LATER)
    made[0].refresh_from_db()
    assert made[0].state == Statement.State.RESTATED
    assert made[0].number is None
    assert again[0].previous_total == 0


def test_accepted_statements_leave_as_one_balanced_payment_file():
    settled()
    made = accepted()
    run = pay()
    assert run.file is not None
    assert (run.file.count, run.file.total) == (2, Decimal("10.40"))
    root = ElementTree.fromstring(run.file.xml)
    names = {"p": NAMESPACE}
    amounts = [Decimal(node.text or "") for node in root.findall(".//p:InstdAmt", names)]
    assert amounts == [Decimal("8.40"), Decimal("2.00")]
    assert root.findtext(".//p:GrpHdr/p:CtrlSum", namespaces=names) == "10.40"
    assert [node.text for node in root.findall(".//p:CdtrAcct/p:Id/p:IBAN", names)] == list(IBANS)
    assert all("ö" not in (node.text or "") and "&" not in (node.text or "") for node in root.iter())
    made[0].refresh_from_db()
    assert made[0].state == Statement.State.PAID
    assert pay().file is None  # nothing is paid twice
    assert not any(queries.trial_balance().values())
    balances = {row.account: row.balance for row in queries.account_balances()}
    assert balances["CASH"] == Decimal("-10.40")
    assert balances[f"OWNER_PAYABLE:{made[0].owner_id}"] == 0


NEXT = SUMMER + timedelta(days=1)


def settled_and_accepted(portfolio, devices, at: datetime) -> list[Statement]:
    """The first day corrected to less, paid before; the same evening sold and delivered on the next day."""
    meter(devices[0], SUMMER, at_intervals(dict.fromkeys(EVENING, -200.0)), at=LATER, correction=True)
    settle(portfolio, version=2, at=LATER)
    make_award(portfolio, up=dict.fromkeys(EVENING, 400.0), price=40.0, day=NEXT)
    make_plan(portfolio, {device: {72: -10.0} for device in devices}, day=NEXT)
    for device, power in zip(devices, (300.0, 100.0), strict=True):
        meter(device, NEXT, at_intervals(dict.fromkeys(EVENING, -power), day=NEXT))
    settle(portfolio, day=NEXT, at=at)
    made = [one for day in (SUMMER, NEXT) for one in operations.make_statements(first=day, last=day, at=at)]
    for one in made:
        if one.state == Statement.State.PROVISIONAL:
            operations.finalise(one, at=at)
            operations.step_statement(one, Statement.State.ACCEPTED, at=at)
    return made


def test_what_was_paid_too_much_on_one_period_is_taken_off_what_is_owed_on_another():
    portfolio, devices = settled()
    accepted()
    pay()
    at = after(NEXT) + timedelta(days=1)
    again, _, fresh, _ = settled_and_accepted(portfolio, devices, at)
    assert (fresh.total, again.difference) == (Decimal("8.40"), again.total - Decimal("8.40")) and again.difference < 0
    run = pay(at)
    assert run.file is not None and run.file.count == 2, "one transfer an owner"
    root, names = ElementTree.fromstring(run.file.xml), {"p": NAMESPACE}
    amounts = [Decimal(node.text or "") for node in root.findall(".//p:InstdAmt", names)]
    assert amounts[0] == fresh.total + again.difference and sum(amounts) == run.file.total
    assert root.findtext(".//p:Ustrd", namespaces=names) == f"Statements {again.number}, {fresh.number}"
    balances = {row.account: row.balance for row in queries.account_balances()}
    assert balances[f"OWNER_PAYABLE:{again.owner_id}"] == 0, "the owner has what is theirs"
    assert balances["CASH"] == -(Decimal("10.40") + run.file.total)
    assert pay(at).file is None
    assert set(Statement.objects.exclude(state="RESTATED").values_list("state", flat=True)) == {"PAID"}


def test_an_owner_to_whom_a_restated_day_leaves_nothing_hears_of_it():
    portfolio, devices = settled()
    first = accepted()
    buyer = make_participant()
    make_contract(buyer, owner_share_pu="0.5")
    hand_over(devices[1].site, buyer, since=NOW - timedelta(days=90), at=NOW, actor="test")  # the register was late
    settle(portfolio, version=2, at=LATER)
    again = {one.owner_id: one for one in statements(LATER)}[first[1].owner_id]
    assert (again.version, again.total, again.difference) == (2, Decimal(0), Decimal("-2.00"))
    assert again.pk in {one.pk for one in statements(LATER)}, "and only once"


def test_no_day_stands_on_statements_of_two_periods():
    settled()
    (first, _) = statements()
    with pytest.raises(operations.StatementsOverlap, match="paid twice"):
        operations.make_statements(first=SUMMER - timedelta(days=3), last=SUMMER, at=NOW)
    with pytest.raises(DatabaseError, match="shares a day"), transaction.atomic():
        Statement.objects.create(
            owner=first.owner, first_date=SUMMER, last_date=NEXT, currency="EUR", total=0, difference=0, as_of=NOW
        )
    for one in statements():
        operations.step_statement(one, Statement.State.RESTATED, at=NOW)
    made = operations.make_statements(first=SUMMER - timedelta(days=3), last=SUMMER, at=NOW)
    assert [one.total for one in made] == [Decimal("8.40"), Decimal("2.00")], "those that ended stand in nobody's way"


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("UPDATE settlement_statement SET total = total + 1, difference = difference + 1", "stays as it was made"),
        ("UPDATE settlement_statement SET number = number + 7", "stays as it was made"),
        ("UPDATE settlement_statement SET state = 'PAID'", "FINAL cannot become PAID"),
        ("DELETE FROM settlement_statement", "DELETE is refused"),
        ("UPDATE settlement_ledgeraccount SET participant_id = NULL", "append-only"),
        ("UPDATE enrollment_contract SET owner_share_pu = 0.9", "was settled up to 2016-07-14"),
        ("UPDATE enrollment_contract SET period = tstzrange(lower(period), '2016-07-10Z')", "end it after that"),
    ],
)
def test_what_was_sent_and_settled_stays_also_before_sql_by_hand(sql, told):
    portfolio, _ = settled()
    for one in statements():
        operations.finalise(one, at=NOW)
    with pytest.raises(DatabaseError, match=told), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE enrollment_contract SET period = tstzrange(lower(period), '2016-08-01Z')")
    operations.verify_run(SettlementRun.objects.get(portfolio=portfolio))


@transaction.atomic
def paid_by_hand(statement: Statement, amount: str) -> None:
    key = f"by hand {amount}"
    file = PaymentFile.objects.create(
        message_id=key, created_at=NOW, execution_date=SUMMER, currency="EUR", count=1, total=amount, xml="<x/>"
    )
    journal = Journal.objects.create(natural_key=key, booked_at=NOW, description=key, line_count=2)
    Payment.objects.create(file=file, statement=statement, journal=journal, amount=amount)


def test_nobody_is_paid_what_is_not_owed():
    settled()
    made = accepted()
    with pytest.raises(DatabaseError, match=r"is ACCEPTED and owes 8\.40, not 9"):
        paid_by_hand(made[0], "9.00")
    pay()
    with pytest.raises(DatabaseError, match=r"is PAID and owes 0\.00, not 8\.40"):
        paid_by_hand(made[1], "8.40")


def test_many_statements_are_paid_with_as_many_questions_as_few():
    counts = []
    for number in (1, 2, 9):
        for index in range(number):
            owner = make_participant()
            BankAccount.objects.create(owner=owner, holder=owner.code, iban=IBANS[0])
            Statement.objects.create(
                owner=owner, first_date=SUMMER, last_date=SUMMER, currency="EUR", total=1, difference=1, as_of=NOW,
                number=number * 10 + index, state=Statement.State.ACCEPTED,
            )  # fmt: skip
        with CaptureQueriesContext(connection) as seen:
            run = pay(NOW + timedelta(seconds=number))
        assert run.file is not None and run.file.count == number
        counts.append(len(seen))
    assert counts[1] == counts[2] and counts[1] < 30


def test_what_cannot_be_paid_is_left_out_with_its_reason():
    _, devices = settled()
    made = accepted()
    BankAccount.objects.filter(owner=made[1].owner).delete()
    ReviewFinding.objects.create(
        kind="WINDOW_RAISED", owner=made[0].owner, device=devices[0], delivery_date=SUMMER, found_at=LATER
    )
    run = pay()
    assert run.file is None
    assert [reason for _, reason in run.left_out] == ["held for review", "no bank account"]
    finding = ReviewFinding.objects.get()
    operations.decide_finding(finding, cleared=True, reason="a cold day", at=LATER, actor="test")
    with pytest.raises(operations.AlreadyDecided):
        operations.decide_finding(finding, cleared=False, reason="no", at=LATER, actor="test")
    paid = pay(LATER, least=Decimal(3))
    assert paid.file is not None
    assert paid.file.total == Decimal("8.40")


def test_a_wrong_iban_stops_the_whole_file_and_books_nothing():
    settled()
    accepted()
    BankAccount.objects.filter(iban=IBANS[1]).update(iban="GB29NWBK60161331926818")
    with pytest.raises(operations.PaymentRefused, match="check digits"), transaction.atomic():
        pay()
    assert not PaymentFile.objects.exists()
    assert not Journal.objects.filter(run=None).exists()


def test_a_closed_period_takes_no_journal_and_cannot_be_closed_twice():
    portfolio, _ = settled()
    booked = after(SUMMER).date()
    with pytest.raises(operations.PeriodNotOver):
        operations.close_period(first=booked, last=booked, at=after(SUMMER))
    period = operations.close_period(first=booked, last=booked, at=LATER + timedelta(days=1))
    assert sum(Decimal(row["balance"]) for row in period.balances) == 0
    with pytest.raises(operations.PeriodOverlaps):
        operations.close_period(first=booked - timedelta(days=3), last=booked, at=LATER + timedelta(days=1))
    with pytest.raises(DatabaseError, match="closed period"), transaction.atomic():
        Journal.objects.create(natural_key="late", booked_at=after(SUMMER), description="late", line_count=2)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        LedgerPeriod.objects.all().delete()
    settle(portfolio, version=2, at=LATER)  # a restatement is booked in the open period


def test_the_export_passes_bean_check(tmp_path):
    settled()
    accepted()
    pay()
    out = StringIO()
    call_command("ledger", "--from", "2016-07-01", "--to", "2016-07-31", stdout=out)
    file = tmp_path / "ledger.beancount"
    file.write_text(out.getvalue())
    assert "Assets:Bank" in out.getvalue()
    checker = Path(sys.executable).parent / "bean-check"
    done = subprocess.run([checker, file], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    file.write_text(out.getvalue().replace("-10.40 EUR", "-10.41 EUR").replace("  8.40 EUR", "  8.41 EUR"))
    assert subprocess.run([checker, file], capture_output=True, check=False).returncode != 0


def owner_client(statement: Statement, *scopes: str) -> APIClient:
    _, token = accounts.create_client(
        participant=statement.owner, name=f"tests {scopes}", scopes=["read", *scopes], at=LATER
    )
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def test_an_owner_reads_accepts_and_disputes_their_own_final_statements():
    settled()
    mine, other = statements()
    client = owner_client(mine, "statements:write")
    assert client.get("/api/v1/statements").json()["results"] == []  # provisional ones are not sent
    for one in (mine, other):
        operations.finalise(one, at=after(SUMMER))
    (row,) = client.get("/api/v1/statements").json()["results"]
    assert (row["number"], row["total"], row["previous_total"], row["difference"]) == (1, "8.40", "0.00", "8.40")
    assert client.get(f"/api/v1/statements/{other.pk}").status_code == 404
    assert owner_client(mine).post(f"/api/v1/statements/{mine.pk}/accept").status_code == 403
    disputed = client.post(f"/api/v1/statements/{mine.pk}/dispute", {"reason": "my battery was full"}, format="json")
    assert disputed.json()["state"] == "DISPUTED"
    assert client.post(f"/api/v1/statements/{mine.pk}/accept").json()["state"] == "ACCEPTED"
    again = client.post(f"/api/v1/statements/{mine.pk}/accept")
    assert (again.status_code, again.json()["code"]) == (409, "statement_step_refused")


def test_a_statement_comes_as_a_page_a_table_and_a_sheet_the_same_every_time():
    settled()
    mine, _ = statements()
    operations.finalise(mine, at=after(SUMMER))
    client = owner_client(mine)
    page = client.get(f"/api/v1/statements/{mine.pk}?form=html").content.decode()
    assert "<h1>Statement 1</h1>" in page and "8.40" in page
    table = client.get(f"/api/v1/statements/{mine.pk}?form=csv").content.decode()
    assert table.splitlines()[-1] == "difference,,,,8.40,EUR"
    sheet = client.get(f"/api/v1/statements/{mine.pk}?form=pdf")
    assert sheet["Content-Type"] == "application/pdf" and sheet.content.startswith(b"%PDF-")
    assert client.get(f"/api/v1/statements/{mine.pk}?form=pdf").content == sheet.content
    assert client.get(f"/api/v1/statements/{mine.pk}?form=doc").json()["code"] == "unknown_statement_form"


def test_what_others_wrote_is_no_formula_in_a_sheet():
    settled()
    view = statement_view(statements()[0])
    for text in ("=HYPERLINK(1)", "@SUM(A1)", "\t=1", "-1+1"):
        lines = [replace(view.lines[0], award=text)]
        assert f",'{text}," in forms.as_csv(replace(view, lines=lines))
    books = [Entry(SUMMER, "=1", "+2", [(Account("CASH", "@3"), Decimal(1), "EUR")])]
    assert csv_text(books).splitlines()[1] == f"{SUMMER},'=1,'+2,CASH,'@3,1,EUR"


def test_the_commands_make_pay_close_and_balance(tmp_path):
    settled()
    clock.set_simulated(after(SUMMER))
    period = ["--from", str(SUMMER), "--to", str(SUMMER)]
    out = StringIO()
    call_command("statements", *period, "--final", "--out", str(tmp_path), stdout=out)
    assert "Statement 1" in out.getvalue() and "2 statements" in out.getvalue()
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".csv"] * 2 + [".html"] * 2 + [".pdf"] * 2
    for statement in Statement.objects.all():
        operations.step_statement(statement, Statement.State.ACCEPTED, at=after(SUMMER))
    debtor = ["--debtor-name", DEBTOR.name, "--debtor-iban", DEBTOR.iban]
    out = StringIO()
    file = tmp_path / "payments.xml"
    call_command("payments", "--execution-date", "2016-08-01", *debtor, "--out", str(file), stdout=out)
    assert "2 transfers, 10.40 EUR" in out.getvalue() and file.exists()
    out = StringIO()
    call_command("trial_balance", stdout=out)
    assert out.getvalue().splitlines()[-1].split() == ["sum", "0.00", "EUR"]
    with pytest.raises(CommandError, match="not_over"):
        call_command("close_period", "--from", "2016-07-01", "--to", "2016-07-31")
    clock.set_simulated(datetime(2016, 8, 1, tzinfo=UTC))
    out = StringIO()
    call_command("close_period", "--from", "2016-07-01", "--to", "2016-07-31", stdout=out)
    assert "closed 2016-07-01 to 2016-07-31" in out.getvalue()


def test_an_owners_name_is_no_path(tmp_path):
    settled()
    Participant.objects.filter(kind=Participant.Kind.OWNER).update(name='Berg/Tal "GmbH"')
    call_command("statements", "--from", "2016-07-01", "--to", "2016-07-31", "--out", str(tmp_path), stdout=StringIO())
    assert {path.suffix for path in tmp_path.iterdir()} == {".html", ".csv", ".pdf"}
    assert all(path.name.startswith("provisional-Berg_Tal__GmbH_") for path in tmp_path.iterdir())
