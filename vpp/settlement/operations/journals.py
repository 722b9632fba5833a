"""Posting an award: what it should stand at, less what earlier versions posted."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from vpp.lib.money import from_cents
from vpp.settlement.kernels.day import AwardResult
from vpp.settlement.models import Journal, JournalLine, LedgerAccount, Performance
from vpp.settlement.operations.accounts import Accounts
from vpp.settlement.operations.copying import copy_rows

ZERO = Decimal("0.00")


def wanted_balances(result: AwardResult, accounts: Accounts) -> dict[int, Decimal]:
    """What each account should hold from this award; debits positive; sums to zero.

    The market owes revenue less penalty. What the portfolio earned beyond its devices stands apart. Owners get their
    payouts; fees and the margin stay with the platform, which also bears the penalty: owners are never pushed negative.
    """
    kind = LedgerAccount.Kind
    revenue, penalty = result.revenue.amount, result.revenue.penalty
    paid = {int(credit.owner): from_cents(credit.paid_cents) for credit in result.credits}
    fees = from_cents(sum(credit.fee_cents for credit in result.credits))
    margin = result.pool - fees - sum(paid.values(), ZERO)
    wanted = {
        accounts.platform(kind.MARKET_RECEIVABLE): revenue - penalty,
        accounts.platform(kind.PENALTIES): penalty,
        accounts.platform(kind.FEES): -fees,
        accounts.platform(kind.MARGIN): -margin,
        accounts.platform(kind.PORTFOLIO_EFFECT): -result.portfolio_effect,
    }
    payable = accounts.owners(paid)
    return wanted | {payable[owner]: -amount for owner, amount in paid.items()}


def post_differences(
    performance: Performance, result: AwardResult, accounts: Accounts, posted: Mapping[tuple[int, int], Decimal]
) -> Journal | None:
    """One journal with the lines that change; None if the award already stands as it should."""
    run = performance.run
    wanted = wanted_balances(result, accounts)
    before = {account: amount for (award_id, account), amount in posted.items() if award_id == performance.award_id}
    changes = {
        account: wanted.get(account, ZERO) - before.get(account, ZERO) for account in sorted(set(wanted) | set(before))
    }
    lines = [(account, amount) for account, amount in changes.items() if amount != 0]
    if not lines:
        return None
    journal = Journal.objects.create(
        natural_key=f"settlement:{performance.award_id}:v{run.version}",
        run=run,
        performance=performance,
        booked_at=run.as_of,
        description=f"{result.key} on {run.delivery_date}, version {run.version}",
        line_count=len(lines),
    )
    copy_rows(
        JournalLine,
        ("journal", "number", "account", "amount", "currency"),
        (
            (journal.pk, number, account, amount, performance.currency)
            for number, (account, amount) in enumerate(lines, start=1)
        ),
    )
    return journal
