"""What the ledger says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from django.db.models import Q, Sum

from vpp.settlement.models import JournalLine, Payout


def posted_amounts(award_ids: Iterable[int]) -> dict[tuple[int, int], Decimal]:
    """What all journals so far have posted, by (award, account)."""
    rows = (
        JournalLine.objects.filter(journal__performance__award__in=list(award_ids))
        .values_list("journal__performance__award_id", "account_id")
        .annotate(posted=Sum("amount"))
        .order_by()
    )
    return {(award_id, account_id): posted for award_id, account_id, posted in rows}


def paid_totals(award_ids: Iterable[int]) -> dict[tuple[int, int], Decimal]:
    """What owners were paid by all runs so far, by (award, owner)."""
    rows = (
        Payout.objects.filter(performance__award__in=list(award_ids))
        .values_list("performance__award_id", "owner_id")
        .annotate(paid=Sum("amount"))
        .order_by()
    )
    return {(award_id, owner_id): paid for award_id, owner_id, paid in rows}


def trial_balance() -> dict[str, Decimal]:
    """The sum of all lines per currency; zero everywhere, or the ledger is broken."""
    rows = JournalLine.objects.values_list("currency").annotate(rest=Sum("amount")).order_by()
    return dict(rows)


@dataclass(frozen=True)
class Balance:
    """One account's lines of a period in one currency; balance = debit - credit."""

    account: str
    currency: str
    debit: Decimal
    credit: Decimal

    @property
    def balance(self) -> Decimal:
        return self.debit - self.credit


def account_balances(first: date | None = None, last: date | None = None) -> list[Balance]:
    """The trial balance per account over booking dates (UTC), both included; all of the ledger without them."""
    lines = JournalLine.objects.all()
    if first is not None:
        lines = lines.filter(journal__booked_at__gte=datetime.combine(first, time(), tzinfo=UTC))
    if last is not None:
        lines = lines.filter(journal__booked_at__lt=datetime.combine(last + timedelta(days=1), time(), tzinfo=UTC))
    rows = (
        lines.values_list("account__code", "currency")
        .annotate(debit=Sum("amount", filter=Q(amount__gt=0)), credit=Sum("amount", filter=Q(amount__lt=0)))
        .order_by("account__code", "currency")
    )
    zero = Decimal("0.00")
    return [Balance(code, currency, debit or zero, -(credit or zero)) for code, currency, debit, credit in rows]
