"""The ledger to look at: accounts with their balances, journals with their lines, and the trial balance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Count, Prefetch, Q, Sum

from vpp.settlement.models import Journal, JournalLine, LedgerAccount
from vpp.settlement.queries.ledger import trial_balance

PAGE_SIZE = 25
ACCOUNT_LIMIT = 200


@dataclass(frozen=True)
class AccountLine:
    """Debits positive, credits negative; the balance is their sum."""

    code: str
    kind: str
    owner: str
    lines: int
    debits: Decimal
    credits: Decimal
    balance: Decimal
    currency: str


@dataclass(frozen=True)
class LedgerPage:
    accounts: list[AccountLine]
    more_accounts: bool
    rest: list[tuple[str, Decimal]]  # the trial balance: zero for each currency
    journals: list[Journal]
    account: str
    day: date | None
    page: int
    has_next: bool

    @property
    def balanced(self) -> bool:
        return all(not amount for _, amount in self.rest)


def ledger_page(*, account: str, day: date | None, page: int) -> LedgerPage:
    """Balances over everything booked; journals of one account (by code) or delivery day, or the newest."""
    accounts = _accounts()
    found = Journal.objects.select_related("run__portfolio")
    if account:
        found = found.filter(lines__account__code=account).distinct()
    if day:
        found = found.filter(run__delivery_date=day)
    lines = JournalLine.objects.select_related("account__participant").order_by("number")
    start = (page - 1) * PAGE_SIZE
    rows = list(
        found.prefetch_related(Prefetch("lines", lines)).order_by("-booked_at", "-pk")[start : start + PAGE_SIZE + 1]
    )
    return LedgerPage(
        accounts=accounts[:ACCOUNT_LIMIT],
        more_accounts=len(accounts) > ACCOUNT_LIMIT,
        rest=sorted(trial_balance().items()),
        journals=rows[:PAGE_SIZE],
        account=account,
        day=day,
        page=page,
        has_next=len(rows) > PAGE_SIZE,
    )


def _accounts() -> list[AccountLine]:
    """The house's own accounts first, then the owners' with the largest balances."""
    amount = Sum("lines__amount", default=Decimal("0.00"))
    rows = (
        LedgerAccount.objects.values_list("code", "kind", "participant__name", "lines__currency")
        .annotate(
            count=Count("lines"),
            debits=Sum("lines__amount", filter=Q(lines__amount__gt=0), default=Decimal("0.00")),
            credits=Sum("lines__amount", filter=Q(lines__amount__lt=0), default=Decimal("0.00")),
            balance=amount,
            of_owner=Q(participant__isnull=False),
        )
        .order_by("of_owner", "balance", "code")
    )
    kinds = LedgerAccount.Kind
    return [
        AccountLine(code, str(kinds(kind).label), name or "", count, debits, credits, balance, currency or "")
        for code, kind, name, currency, count, debits, credits, balance, _ in rows[: ACCOUNT_LIMIT + 1]
    ]
