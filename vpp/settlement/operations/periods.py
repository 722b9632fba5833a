"""Closing a period of the ledger."""

from __future__ import annotations

from datetime import UTC, date, datetime

from django.db import connection, transaction

from vpp.accounts.operations import audit
from vpp.lib.errors import Conflict
from vpp.settlement.models import LedgerPeriod
from vpp.settlement.queries.ledger import account_balances, trial_balance


class PeriodNotOver(Conflict):
    code = "ledger_period_not_over"


class PeriodOverlaps(Conflict):
    code = "ledger_period_overlaps"


class LedgerOutOfBalance(Conflict):
    code = "ledger_out_of_balance"


@transaction.atomic
def close_period(*, first: date, last: date, at: datetime, actor: object = "settlement") -> LedgerPeriod:
    """Close the booking dates (UTC) from first to last for good; corrections are booked in an open period.

    Raises PeriodNotOver, PeriodOverlaps, LedgerOutOfBalance.
    """
    if last < first or at.astimezone(UTC).date() <= last:
        raise PeriodNotOver(f"{first} to {last} is not over", at=at.isoformat())
    with connection.cursor() as cursor:  # journals take it shared: none slips in while this adds up
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('settlement.period'))")
    if LedgerPeriod.objects.filter(first_date__lte=last, last_date__gte=first).exists():
        raise PeriodOverlaps(f"a part of {first} to {last} is closed already")
    if off := {currency: str(rest) for currency, rest in trial_balance().items() if rest}:
        raise LedgerOutOfBalance("the ledger does not sum to zero", rest=off)
    rows = account_balances(first, last)
    period = LedgerPeriod.objects.create(
        first_date=first,
        last_date=last,
        closed_at=at,
        balances=[{"account": row.account, "currency": row.currency, "balance": str(row.balance)} for row in rows],
    )
    audit(at=at, actor=actor, action="ledger.closed", subject=period)
    return period
