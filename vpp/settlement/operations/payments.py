"""Payment files: what accepted statements still owe, as one message for the bank, booked as it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from vpp.accounts.operations import audit
from vpp.lib.errors import DomainError
from vpp.settlement.kernels.pain001 import Party, Transfer, payment_file
from vpp.settlement.models import Journal, JournalLine, LedgerAccount, Payment, PaymentFile, Statement
from vpp.settlement.operations.accounts import Accounts
from vpp.settlement.operations.statements import step_statement
from vpp.settlement.queries.statements import is_held, paid_so_far, waits_for_review

ZERO = Decimal("0.00")


class PaymentRefused(DomainError):
    """A payment file cannot be written."""

    code = "payment_refused"


@dataclass(frozen=True)
class PaymentRun:
    """The file, or None if nothing is due; and every accepted statement that was left out, with the reason."""

    file: PaymentFile | None
    left_out: list[tuple[Statement, str]]


@transaction.atomic
def pay_accepted(
    *,
    at: datetime,
    execution_date: date,
    debtor: Party,
    currency: str = "EUR",
    least: Decimal = Decimal("0.01"),
    actor: object = "settlement",
) -> PaymentRun:
    """Pay every accepted statement whose owner has an account and no hold; less than `least` is left for later."""
    accepted = Statement.objects.select_for_update(of=("self",)).filter(
        state=Statement.State.ACCEPTED, currency=currency
    )
    due: list[tuple[Statement, Decimal]] = []
    left_out: list[tuple[Statement, str]] = []
    for statement in accepted.select_related("owner__bank_account").order_by("number"):
        amount = statement.total - paid_so_far(statement)
        reason = _hindrance(statement, amount, least)
        if reason:
            left_out.append((statement, reason))
        else:
            due.append((statement, amount))
    file = (
        _write(due, at=at, execution_date=execution_date, debtor=debtor, currency=currency, actor=actor)
        if due
        else None
    )
    return PaymentRun(file, left_out)


def _hindrance(statement: Statement, amount: Decimal, least: Decimal) -> str:
    if is_held(statement):
        return "held for review"
    if waits_for_review(statement):
        return "the guards have not looked at it yet"
    if amount < least:
        return f"{amount} is less than {least}: carried to the next statement"
    if not hasattr(statement.owner, "bank_account"):
        return "no bank account"
    return ""


def _write(
    due: Sequence[tuple[Statement, Decimal]],
    *,
    at: datetime,
    execution_date: date,
    debtor: Party,
    currency: str,
    actor: object,
) -> PaymentFile:
    """The file with its payments, booked, and their statements paid."""
    message_id = f"VPP-{due[0][0].number}-{due[-1][0].number}-{at:%Y%m%d%H%M%S}"
    total = sum((amount for _, amount in due), ZERO)
    file = PaymentFile.objects.create(
        message_id=message_id,
        created_at=at,
        execution_date=execution_date,
        currency=currency,
        count=len(due),
        total=total,
        xml=_message(due, message_id, at=at, execution_date=execution_date, debtor=debtor, currency=currency),
    )
    accounts = Accounts()
    payable = accounts.owners({statement.owner_id for statement, _ in due})
    cash = accounts.platform(LedgerAccount.Kind.CASH)
    for statement, amount in due:
        journal = _book(statement, amount, payable[statement.owner_id], cash, at, currency)
        Payment.objects.create(file=file, statement=statement, journal=journal, amount=amount)
        step_statement(statement, Statement.State.PAID, at=at, actor=actor, reason=message_id)
    audit(at=at, actor=actor, action="payments.written", subject=file, after={"total": str(total), "count": len(due)})
    return file


def _message(
    due: Sequence[tuple[Statement, Decimal]],
    message_id: str,
    *,
    at: datetime,
    execution_date: date,
    debtor: Party,
    currency: str,
) -> str:
    """The payments as the bank takes them. Raises PaymentRefused where it would not."""
    from vpp.settlement.kernels.pain001_check import structure_faults  # brings lxml

    try:
        xml = payment_file(
            message_id=message_id,
            created_at=at,
            execution_date=execution_date,
            debtor=debtor,
            transfers=[_transfer(statement, amount) for statement, amount in due],
            currency=currency,
        )
    except ValueError as error:
        raise PaymentRefused(str(error)) from error
    if faults := structure_faults(xml):
        raise PaymentRefused(f"the file would not be taken: {'; '.join(faults[:5])}", faults=faults)
    return xml


def _transfer(statement: Statement, amount: Decimal) -> Transfer:
    account = statement.owner.bank_account
    creditor = Party(account.holder, account.iban, account.bic)
    text = f"Statement {statement.number}, {statement.first_date} to {statement.last_date}"
    return Transfer(creditor, amount, f"STATEMENT-{statement.number}", text)


def _book(statement: Statement, amount: Decimal, payable: int, cash: int, at: datetime, currency: str) -> Journal:
    """Debit what was owed to the owner, credit the bank."""
    journal = Journal.objects.create(
        natural_key=f"payment:{statement.number}",
        booked_at=at,
        description=f"payment of statement {statement.number}",
        line_count=2,
    )
    JournalLine.objects.bulk_create(
        JournalLine(journal=journal, number=number, account_id=account, amount=signed, currency=currency)
        for number, (account, signed) in enumerate([(payable, amount), (cash, -amount)], start=1)
    )
    return journal
