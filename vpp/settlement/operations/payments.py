"""Payment files: what accepted statements still owe, as one message for the bank, booked as it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby

from django.db import transaction

from vpp.accounts.operations import audit
from vpp.lib.errors import DomainError
from vpp.settlement.kernels.pain001 import Party, Transfer, payment_file
from vpp.settlement.models import Journal, JournalLine, LedgerAccount, Payment, PaymentFile, Statement
from vpp.settlement.operations.accounts import Accounts
from vpp.settlement.operations.statements import step_statements
from vpp.settlement.queries.statements import held, paid_so_far, waiting_for_review

ZERO = Decimal("0.00")
LONGEST_TEXT = 100  # of statement numbers on a transfer


class PaymentRefused(DomainError):
    """A payment file cannot be written."""

    code = "payment_refused"


@dataclass(frozen=True)
class Due:
    """What is owed on a statement; below zero where more was paid on its period than is owed now."""

    statement: Statement
    amount: Decimal


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
    """Pay every accepted statement whose owner has an account and no hold: one transfer an owner.

    What an owner was paid too much on one period is taken off what is owed on others; less than `least` in all is left
    for later.
    """
    accepted = Statement.objects.select_for_update(of=("self",)).filter(
        state=Statement.State.ACCEPTED, currency=currency
    )
    statements = list(accepted.select_related("owner__bank_account").order_by("number"))
    found, left_out = _payable(statements)
    due: list[list[Due]] = []
    for _, group in groupby(sorted(found, key=lambda one: one.statement.owner_id), lambda one: one.statement.owner_id):
        of_owner = list(group)
        if (total := _sum(of_owner)) >= least:
            due.append(of_owner)
        else:
            why = f"{total} is less than {least}: carried to the owner's next payment"
            left_out += [(one.statement, why) for one in of_owner]
    due.sort(key=lambda of_owner: of_owner[0].statement.number or 0)
    left_out.sort(key=lambda one: one[0].number or 0)
    file = _write(due, at, execution_date, debtor, currency, actor) if due else None
    return PaymentRun(file, left_out)


def _sum(dues: Sequence[Due]) -> Decimal:
    return sum((one.amount for one in dues), ZERO)


def _payable(statements: Sequence[Statement]) -> tuple[list[Due], list[tuple[Statement, str]]]:
    """What nothing stands in the way of, and the others with what does."""
    on_hold, waiting, paid = held(statements), waiting_for_review(statements), paid_so_far(statements)
    found: list[Due] = []
    left_out: list[tuple[Statement, str]] = []
    for statement in statements:
        amount = statement.total - paid[statement.pk]
        if statement.pk in on_hold:
            left_out.append((statement, "held for review"))
        elif statement.pk in waiting:
            left_out.append((statement, "the guards have not looked at it yet"))
        elif amount == ZERO:
            left_out.append((statement, "nothing is owed on it"))
        elif not hasattr(statement.owner, "bank_account"):
            left_out.append((statement, "no bank account"))
        else:
            found.append(Due(statement, amount))
    return found, left_out


def _write(
    due: Sequence[Sequence[Due]], at: datetime, execution_date: date, debtor: Party, currency: str, actor: object
) -> PaymentFile:
    """The file with its payments, booked, and their statements paid."""
    dues = sorted((one for of_owner in due for one in of_owner), key=lambda one: one.statement.number or 0)
    message_id = f"VPP-{dues[0].statement.number}-{dues[-1].statement.number}-{at:%Y%m%d%H%M%S}"
    transfers = [_transfer(of_owner) for of_owner in due]
    file = PaymentFile.objects.create(
        message_id=message_id,
        created_at=at,
        execution_date=execution_date,
        currency=currency,
        count=len(transfers),
        total=_sum(dues),
        xml=_message(transfers, message_id, at, execution_date, debtor, currency),
    )
    journals = _book(dues, at, currency)
    Payment.objects.bulk_create(
        Payment(file=file, statement=one.statement, journal=journal, amount=one.amount)
        for one, journal in zip(dues, journals, strict=True)
    )
    step_statements([one.statement for one in dues], Statement.State.PAID, at=at, actor=actor, reason=message_id)
    after = {"total": str(file.total), "count": file.count}
    audit(at=at, actor=actor, action="payments.written", subject=file, after=after)
    return file


def _message(
    transfers: Sequence[Transfer],
    message_id: str,
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
            transfers=transfers,
            currency=currency,
        )
    except ValueError as error:
        raise PaymentRefused(str(error)) from error
    if faults := structure_faults(xml):
        raise PaymentRefused(f"the file would not be taken: {'; '.join(faults[:5])}", faults=faults)
    return xml


def _transfer(dues: Sequence[Due]) -> Transfer:
    """One owner's: on one statement, or on several together."""
    first = dues[0].statement
    account = first.owner.bank_account
    creditor = Party(account.holder, account.iban, account.bic)
    text = f"Statement {first.number}, {first.first_date} to {first.last_date}"
    if len(dues) > 1:
        numbers = ", ".join(str(one.statement.number) for one in dues)
        text = (
            f"Statements {numbers}"
            if len(numbers) <= LONGEST_TEXT
            else f"{len(dues)} statements from {first.number} on"
        )
    return Transfer(creditor, _sum(dues), f"STATEMENT-{first.number}", text)


def _book(dues: Sequence[Due], at: datetime, currency: str) -> list[Journal]:
    """Debit what was owed to each owner, credit the bank; the other way round where too much was paid before."""
    accounts = Accounts()
    payable = accounts.owners({one.statement.owner_id for one in dues})
    cash = accounts.platform(LedgerAccount.Kind.CASH)
    journals = Journal.objects.bulk_create(
        Journal(
            natural_key=f"payment:{one.statement.number}",
            booked_at=at,
            description=f"payment of statement {one.statement.number}",
            line_count=2,
        )
        for one in dues
    )
    JournalLine.objects.bulk_create(
        JournalLine(journal=journal, number=number, account_id=account, amount=signed, currency=currency)
        for one, journal in zip(dues, journals, strict=True)
        for number, (account, signed) in enumerate(
            [(payable[one.statement.owner_id], one.amount), (cash, -one.amount)], start=1
        )
    )
    return journals
