"""Taking in a utility's statement, comparing it with ours, and disputes over what differs."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from bidding.models import Ask
from vpp.accounts.models import Participant
from vpp.accounts.operations import audit
from vpp.lib.errors import Conflict, DomainError
from vpp.settlement.kernels.utility_statement import (
    Difference,
    StatementUnreadable,
    TheirInterval,
    TheirStatement,
    differences,
    read_csv,
    read_flex_settlement,
)
from vpp.settlement.models import (
    DevicePerformance,
    Dispute,
    DisputeEvent,
    Performance,
    UtilityStatement,
    UtilityStatementLine,
)

TOLERANCE_EUR = Decimal("0.01")


class BadUtilityStatement(DomainError):
    """The document cannot be read."""

    code = "bad_utility_statement"


class UtilityStatementDiffers(Conflict):
    """The reference was used for another content."""

    code = "utility_statement_differs"


class DisputeStepRefused(Conflict):
    """The dispute's state does not allow the step."""

    code = "dispute_step_refused"


@transaction.atomic
def take_utility_statement(
    *, utility: Participant, reference: str, form: str, content: str, at: datetime, actor: object = "settlement"
) -> UtilityStatement:
    """Store a utility's statement once and open a dispute for every ask that differs; a repeat finds the first one."""
    digest = hashlib.sha256(content.encode()).hexdigest()
    if found := UtilityStatement.objects.filter(utility=utility, reference=reference).first():
        if found.digest != digest:
            raise UtilityStatementDiffers(f"statement {reference} was received with another content")
        return found
    try:
        theirs = read_csv(content) if form == UtilityStatement.Form.CSV else read_flex_settlement(content)
    except StatementUnreadable as error:
        raise BadUtilityStatement(str(error)) from error
    by_order = {one.order for one in theirs.intervals} | set(theirs.net_by_order)
    asks = {ask.reference: ask for ask in Ask.objects.filter(utility=utility, reference__in=by_order)}
    statement = UtilityStatement.objects.create(
        reference=reference,
        utility=utility,
        form=form,
        received_at=at,
        currency=theirs.currency,
        digest=digest,
        findings=[{"finding": "unknown_order", "order": order} for order in sorted(by_order - set(asks))],
    )
    _store_lines(statement, theirs, asks)
    for order in sorted(asks):
        _compare(statement, asks[order], theirs, at=at, actor=actor)
    audit(at=at, actor=actor, action="utility_statement.received", subject=statement)
    return statement


def _store_lines(statement: UtilityStatement, theirs: TheirStatement, asks: dict[str, Ask]) -> None:
    UtilityStatementLine.objects.bulk_create(
        UtilityStatementLine(
            statement=statement,
            ask=asks[one.order],
            delivery_date=one.delivery_date,
            isp=one.isp,
            ordered_kw=one.ordered_kw,
            delivered_kw=one.delivered_kw,
            deficiency_kw=one.deficiency_kw,
            net_amount=one.net_amount,
        )
        for one in theirs.intervals
        if one.order in asks
    )


def _compare(statement: UtilityStatement, ask: Ask, theirs: TheirStatement, *, at: datetime, actor: object) -> None:
    ours = (
        Performance.objects.newest()
        .filter(award__bid__ask=ask)
        .select_related("run", "award")
        .order_by("-run__version")
        .first()
    )
    said = [one for one in theirs.intervals if one.order == ask.reference]
    found = _differences(ours, said, theirs.net_by_order.get(ask.reference))
    if not found:
        return
    dispute = Dispute.objects.create(
        statement=statement,
        ask=ask,
        utility=statement.utility,
        opened_at=at,
        evidence={
            "differences": [{**asdict(one), "difference": one.difference} for one in found],
            "ours": _evidence(ours),
            "theirs": [
                {"isp": one.isp, "ordered_kw": one.ordered_kw, "delivered_kw": one.delivered_kw} for one in said
            ],
        },
    )
    DisputeEvent.objects.create(dispute=dispute, state=dispute.state, at=at, by=str(actor), text="differences found")


def _differences(ours: Performance | None, said: list[TheirInterval], net: Decimal | None) -> list[Difference]:
    if ours is None:
        return [Difference(0, "not_settled_here", 0.0, float(net or 0))]
    sign = -1.0 if sum(power or 0.0 for power in ours.committed_kw) < 0 else 1.0
    ordered = [abs(power or 0.0) for power in ours.committed_kw]
    delivered = [sign * (power or 0.0) for power in ours.delivered_kw]
    found = differences(said, ordered, delivered) if said else []
    our_net = ours.revenue - ours.penalty
    if net is not None and abs(net - our_net) > TOLERANCE_EUR:
        found.append(Difference(0, "net_amount", float(our_net), float(net)))
    return found


def _evidence(ours: Performance | None) -> dict[str, Any]:
    """Where our values come from, as they stood: a later restatement does not change the pack."""
    if ours is None:
        return {}
    parts = DevicePerformance.objects.filter(run=ours.run_id, award=ours.award_id).select_related("device", "profile")
    return {
        "run": str(ours.run),
        "run_checksum": ours.run.checksum,
        "as_of": ours.run.as_of.isoformat(),
        "committed_kw": ours.committed_kw,
        "delivered_kw": ours.delivered_kw,
        "baseline_kw": ours.baseline_kw,
        "metered_kw": ours.metered_kw,
        "revenue": str(ours.revenue),
        "penalty": str(ours.penalty),
        "explanation": ours.explanation,
        "devices": [
            {"device": p.device.code, "profile": str(p.profile), "status": p.status, "readings": p.reading_checksum}
            for p in parts.order_by("device__code")
        ],
    }


@transaction.atomic
def step_dispute(dispute: Dispute, state: str, *, text: str, at: datetime, actor: object) -> Dispute:
    """Answer, reopen or resolve a dispute. Raises DisputeStepRefused."""
    allowed = Dispute.STEPS.get(Dispute.State(dispute.state), ())
    if state not in allowed or not Dispute.objects.filter(pk=dispute.pk, state=dispute.state).update(state=state):
        raise DisputeStepRefused(f"{dispute.state} cannot become {state}", state=dispute.state)
    dispute.state = state
    DisputeEvent.objects.create(dispute=dispute, state=state, at=at, by=str(actor)[:120], text=text)
    audit(at=at, actor=actor, action="dispute.stepped", subject=dispute, after={"state": state}, reason=text[:400])
    return dispute
