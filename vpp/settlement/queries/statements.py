"""What owners' statements are made of, and how they look."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Sum

from vpp.accounts.models import Participant
from vpp.jobs.models import Job
from vpp.settlement.kernels.statement_forms import Line, StatementView
from vpp.settlement.models import Payment, Payout, ReviewFinding, SettlementRun, Statement, StatementLine

ZERO = Decimal("0.00")


def newest_payouts(first: date, last: date, as_of: datetime) -> list[Payout]:
    """The payouts of the newest runs known at `as_of` of a period of delivery days, by owner and day."""
    newest: dict[tuple[int, date], int] = {}
    runs = SettlementRun.objects.filter(delivery_date__range=(first, last), as_of__lte=as_of).order_by("version")
    for pk, portfolio_id, day in runs.values_list("pk", "portfolio_id", "delivery_date"):
        newest[portfolio_id, day] = pk
    payouts = Payout.objects.filter(run__in=newest.values()).select_related("run", "performance__award")
    return list(payouts.order_by("owner_id", "run__delivery_date", "pk"))


def paid_so_far(statements: Sequence[Statement]) -> dict[int, Decimal]:
    """By statement, what was paid to its owner on all versions of its period."""
    period = ("owner_id", "first_date", "last_date", "currency")
    rows = Payment.objects.filter(statement__owner__in={one.owner_id for one in statements})
    sums = rows.values_list(*(f"statement__{name}" for name in period)).annotate(Sum("amount")).order_by()
    paid = {row[:-1]: row[-1] for row in sums}
    return {one.pk: paid.get(tuple(getattr(one, name) for name in period), ZERO) for one in statements}


def held(statements: Sequence[Statement]) -> set[int]:
    """Those whose owner's payouts of the period are held back by a finding that nobody has cleared."""
    findings = ReviewFinding.objects.filter(owner__in={one.owner_id for one in statements})
    days: dict[int, set[date]] = defaultdict(set)
    for owner_id, day in findings.exclude(state=ReviewFinding.State.CLEARED).values_list("owner_id", "delivery_date"):
        days[owner_id].add(day)
    return {one.pk for one in statements if any(one.first_date <= day <= one.last_date for day in days[one.owner_id])}


def waiting_for_review(statements: Sequence[Statement]) -> set[int]:
    """Those that rest on a run at which the guards have yet to look."""
    lines = StatementLine.objects.filter(statement__in=[one.pk for one in statements])
    rests_on = set(lines.values_list("statement_id", "payout__run_id"))
    keys = {f"review:{run_id}": run_id for _, run_id in rests_on}
    undone = Job.objects.filter(natural_key__in=list(keys)).exclude(state=Job.State.DONE)
    runs = {keys[key] for key in undone.values_list("natural_key", flat=True)}
    return {statement_id for statement_id, run_id in rests_on if run_id in runs}


def statement_view(statement: Statement) -> StatementView:
    """A statement as its forms show it."""
    issuer = Participant.objects.filter(kind=Participant.Kind.AGGREGATOR).order_by("pk").first()
    lines = statement.lines.order_by("delivery_date", "pk")
    return StatementView(
        number=statement.number,
        version=statement.version,
        state=statement.state,
        issuer=issuer.name if issuer else "",
        owner=statement.owner.name,
        first_date=statement.first_date,
        last_date=statement.last_date,
        as_of=statement.as_of,
        currency=statement.currency,
        lines=[Line(line.delivery_date, line.award, line.gross, line.fee, line.amount) for line in lines],
        previous_total=statement.previous_total,
        total=statement.total,
        difference=statement.difference,
    )
