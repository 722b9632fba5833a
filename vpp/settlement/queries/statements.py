"""What owners' statements are made of, and how they look."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django.db.models import Sum

from vpp.accounts.models import Participant
from vpp.jobs.models import Job
from vpp.settlement.kernels.statement_forms import Line, StatementView
from vpp.settlement.models import Payment, Payout, ReviewFinding, SettlementRun, Statement

ZERO = Decimal("0.00")


def newest_payouts(first: date, last: date, as_of: datetime) -> list[Payout]:
    """The payouts of the newest runs known at `as_of` of a period of delivery days, by owner and day."""
    newest: dict[tuple[int, date], int] = {}
    runs = SettlementRun.objects.filter(delivery_date__range=(first, last), as_of__lte=as_of).order_by("version")
    for pk, portfolio_id, day in runs.values_list("pk", "portfolio_id", "delivery_date"):
        newest[portfolio_id, day] = pk
    payouts = Payout.objects.filter(run__in=newest.values()).select_related("run", "performance__award")
    return list(payouts.order_by("owner_id", "run__delivery_date", "pk"))


def paid_so_far(statement: Statement) -> Decimal:
    """What was paid to the owner on all versions of the statement's period."""
    paid = Payment.objects.filter(
        statement__owner=statement.owner_id,
        statement__first_date=statement.first_date,
        statement__last_date=statement.last_date,
        statement__currency=statement.currency,
    ).aggregate(paid=Sum("amount"))["paid"]
    return paid or ZERO


def is_held(statement: Statement) -> bool:
    """Whether a finding that nobody has cleared holds the owner's payout of the period back."""
    return (
        ReviewFinding.objects.filter(
            owner=statement.owner_id, delivery_date__range=(statement.first_date, statement.last_date)
        )
        .exclude(state=ReviewFinding.State.CLEARED)
        .exists()
    )


def waits_for_review(statement: Statement) -> bool:
    """Whether the guards have yet to look at a run that the statement rests on."""
    runs = statement.lines.values_list("payout__run_id", flat=True).distinct()
    keys = [f"review:{run_id}" for run_id in runs]
    return Job.objects.filter(natural_key__in=keys).exclude(state=Job.State.DONE).exists()


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
