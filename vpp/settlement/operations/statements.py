"""Statements: made from the newest payouts, numbered without gaps, stepped from provisional to paid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from vpp.accounts.operations import audit, audit_all
from vpp.lib.errors import Conflict
from vpp.settlement.models import NumberSeries, Payout, Statement, StatementEvent, StatementLine
from vpp.settlement.queries.statements import newest_payouts

SERIES = "statement"
ZERO = Decimal("0.00")


class StatementStepRefused(Conflict):
    """The statement's state does not allow the step, or somebody else took one first."""

    code = "statement_step_refused"


class StatementsOverlap(Conflict):
    """A day of the period stands on a statement of another one."""

    code = "statements_overlap"


@transaction.atomic
def make_statements(*, first: date, last: date, at: datetime, actor: object = "settlement") -> list[Statement]:
    """One statement per owner and currency of a period; a repeat that finds nothing new makes nothing.

    A later version shows the total of the last one that was sent, its own, and the difference; an owner to whom a
    restated day leaves no payout gets one of zero. Raises StatementsOverlap where a day stands on a statement of
    another period: it would be paid twice.
    """
    NumberSeries.objects.get_or_create(name=SERIES)
    NumberSeries.objects.select_for_update().get(name=SERIES)  # one making at a time
    standing = Statement.objects.exclude(state=Statement.State.RESTATED)
    same = standing.filter(first_date=first, last_date=last)
    found: dict[tuple[int, str], list[Payout]] = {key: [] for key in same.values_list("owner_id", "currency")}
    for payout in newest_payouts(first, last, at):
        found.setdefault((payout.owner_id, payout.currency), []).append(payout)
    apart = standing.filter(first_date__lte=last, last_date__gte=first).exclude(first_date=first, last_date=last)
    if other := next((one for one in apart.order_by("pk") if (one.owner_id, one.currency) in found), None):
        period = f"{other.first_date} to {other.last_date}"
        raise StatementsOverlap(f"there are statements of {period}: a day on both would be paid twice")
    return [_make(*key, payouts, first, last, at, actor) for key, payouts in sorted(found.items())]


def _make(
    owner_id: int, currency: str, payouts: Sequence[Payout], first: date, last: date, at: datetime, actor: object
) -> Statement:
    """The next version of an owner's statement; the last one where it has the same payouts."""
    versions = Statement.objects.filter(owner=owner_id, first_date=first, last_date=last, currency=currency)
    before = versions.order_by("-version").first()
    if before is not None and set(before.lines.values_list("payout_id", flat=True)) == {one.pk for one in payouts}:
        return before
    sent = versions.exclude(number=None).order_by("-version").first()
    total = sum((payout.total for payout in payouts), ZERO)
    previous = sent.total if sent else ZERO
    statement = Statement.objects.create(
        owner_id=owner_id,
        first_date=first,
        last_date=last,
        version=before.version + 1 if before else 1,
        currency=currency,
        previous_total=previous,
        total=total,
        difference=total - previous,
        as_of=at,
    )
    StatementLine.objects.bulk_create(_line(statement, payout) for payout in payouts)
    StatementEvent.objects.create(statement=statement, state=statement.state, at=at)
    if before is not None and before.state == Statement.State.PROVISIONAL:
        step_statement(before, Statement.State.RESTATED, at=at, actor=actor, reason="replaced before it was sent")
    return statement


def _line(statement: Statement, payout: Payout) -> StatementLine:
    return StatementLine(
        statement=statement,
        payout=payout,
        delivery_date=payout.run.delivery_date,
        award=payout.performance.award.own_reference,
        gross=payout.gross,
        fee=payout.fee,
        amount=payout.total,
    )


@transaction.atomic
def finalise(statement: Statement, *, at: datetime, actor: object = "settlement") -> Statement:
    """Give a provisional statement its number and send it; earlier versions are restated by it."""
    series = NumberSeries.objects.select_for_update().get(name=SERIES)
    series.last += 1
    series.save(update_fields=["last"])
    step_statement(statement, Statement.State.FINAL, at=at, actor=actor, number=series.last)
    older = Statement.objects.filter(
        owner=statement.owner_id,
        first_date=statement.first_date,
        last_date=statement.last_date,
        currency=statement.currency,
        version__lt=statement.version,
    ).exclude(state=Statement.State.RESTATED)
    for one in older:
        step_statement(one, Statement.State.RESTATED, at=at, actor=actor, reason=f"by statement {series.last}")
    return statement


@transaction.atomic
def step_statements(statements: Sequence[Statement], state: str, *, at: datetime, actor: object, reason: str) -> None:
    """The same step of many, all or none. Raises StatementStepRefused."""
    before = {one.state for one in statements}
    if bad := [one for one in before if state not in Statement.STEPS[Statement.State(one)]]:
        raise StatementStepRefused(f"{bad[0]} cannot become {state}", state=bad[0])
    rows = Statement.objects.filter(pk__in=[one.pk for one in statements], state__in=before)
    if rows.update(state=state) != len(statements):
        raise StatementStepRefused(f"one of {len(statements)} statements was stepped by somebody else")
    told = [(one, {"state": state, "from": one.state, "reason": reason}) for one in statements]
    for one in statements:
        one.state = state
    StatementEvent.objects.bulk_create(
        StatementEvent(statement=one, state=state, at=at, reason=reason) for one in statements
    )
    audit_all(at=at, actor=actor, action="statement.stepped", subjects=told)


@transaction.atomic
def step_statement(
    statement: Statement,
    state: str,
    *,
    at: datetime,
    actor: object = "settlement",
    reason: str = "",
    number: int | None = None,
) -> Statement:
    """One step of the statement's life, if its state still allows it. Raises StatementStepRefused."""
    allowed = Statement.STEPS[Statement.State(statement.state)]
    changes = {"state": state, **({"number": number} if number else {})}
    if state not in allowed or not Statement.objects.filter(pk=statement.pk, state=statement.state).update(**changes):
        raise StatementStepRefused(f"{statement.state} cannot become {state}", state=statement.state)
    before, statement.state, statement.number = statement.state, state, number or statement.number
    StatementEvent.objects.create(statement=statement, state=state, at=at, reason=reason)
    audit(
        at=at,
        actor=actor,
        action="statement.stepped",
        subject=statement,
        before={"state": before},
        after={"state": state},
        reason=reason,
    )
    return statement
