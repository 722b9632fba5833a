"""What the ledger says."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from django.db.models import Sum

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
