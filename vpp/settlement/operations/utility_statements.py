"""Taking in a utility's statement and comparing it with ours; what differs opens disputes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
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


class BadUtilityStatement(DomainError):
    """The document cannot be read."""

    code = "bad_utility_statement"


class UtilityStatementDiffers(Conflict):
    """The reference was used for another content."""

    code = "utility_statement_differs"


@dataclass(frozen=True)
class Tolerance:
    """What may differ without a dispute: max(kw, pu of ours) in an interval, eur of the net amount."""

    kw: float = 0.5
    pu: float = 0.01
    eur: Decimal = Decimal("0.01")


TOLERANCE = Tolerance()


def take_utility_statement(
    *, utility: Participant, reference: str, form: str, content: str, at: datetime, actor: object = "settlement"
) -> UtilityStatement:
    """Read a document (CSV text, or a FlexSettlement's XML) and import it; the same document finds the first import.

    Raises BadUtilityStatement, UtilityStatementDiffers.
    """
    try:
        theirs = read_csv(content) if form == UtilityStatement.Form.CSV else read_flex_settlement(content)
    except StatementUnreadable as error:
        raise BadUtilityStatement(str(error)) from error
    digest = hashlib.sha256(content.encode()).hexdigest()
    return _import(theirs, utility, reference, form, digest, {}, TOLERANCE, at, actor)


def import_utility_statement(
    *,
    utility: Participant,
    reference: str,
    intervals: Sequence[TheirInterval],
    net_by_order: Mapping[str, Decimal] | None = None,
    asks: Mapping[str, Ask] | None = None,
    currency: str = "EUR",
    form: str = UtilityStatement.Form.UFTP,
    tolerance: Tolerance = TOLERANCE,
    at: datetime,
    actor: object = "settlement",
) -> UtilityStatement:
    """Store a utility's statement that was read elsewhere, as a FlexSettlement that came by UFTP, once; open a dispute
    for every ask that differs from ours.

    reference    : theirs, unique per utility; the same content again finds the first import, other content is refused.
    intervals    : per ISP of an order, kW in the order's direction; what is None is not compared.
    net_by_order : net amount of a whole order. asks : whose ask an order is, where its reference is not the ask's own.

    Raises UtilityStatementDiffers.
    """
    theirs = TheirStatement(currency, intervals, dict(net_by_order or {}))
    lines = sorted(repr(one) for one in intervals)
    nets = sorted(f"{order} {net}" for order, net in theirs.net_by_order.items())
    digest = hashlib.sha256("\n".join([currency, *lines, *nets]).encode()).hexdigest()
    return _import(theirs, utility, reference, form, digest, asks or {}, tolerance, at, actor)


@transaction.atomic
def _import(
    theirs: TheirStatement,
    utility: Participant,
    reference: str,
    form: str,
    digest: str,
    known: Mapping[str, Ask],
    tolerance: Tolerance,
    at: datetime,
    actor: object,
) -> UtilityStatement:
    if found := UtilityStatement.objects.filter(utility=utility, reference=reference).first():
        if found.digest != digest:
            raise UtilityStatementDiffers(
                f"statement {reference} was received with another content: send the correction under a new reference"
            )
        return found
    orders = {one.order for one in theirs.intervals} | set(theirs.net_by_order)
    unknown = orders - set(known)
    own = Ask.objects.filter(utility=utility, reference__in=unknown).order_by("revision")  # the last revision counts
    asks = {ask.reference: ask for ask in own} | {order: known[order] for order in orders & set(known)}
    statement = UtilityStatement.objects.create(
        reference=reference,
        utility=utility,
        form=form,
        received_at=at,
        currency=theirs.currency,
        digest=digest,
        findings=[{"finding": "unknown_order", "order": order} for order in sorted(orders - set(asks))],
    )
    _store_lines(statement, theirs, asks)
    for order in sorted(asks):
        _compare(statement, order, asks[order], theirs, tolerance, at=at, actor=actor)
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


def _compare(
    statement: UtilityStatement,
    order: str,
    ask: Ask,
    theirs: TheirStatement,
    tolerance: Tolerance,
    *,
    at: datetime,
    actor: object,
) -> None:
    ours = (
        Performance.objects.newest()
        .filter(award__bid__ask=ask)
        .select_related("run", "award")
        .order_by("-run__version")
        .first()
    )
    said = [one for one in theirs.intervals if one.order == order]
    found = _differences(ours, said, theirs.net_by_order.get(order), tolerance)
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


def _differences(
    ours: Performance | None, said: list[TheirInterval], net: Decimal | None, tolerance: Tolerance
) -> list[Difference]:
    if ours is None:
        return [Difference(0, "not_settled_here", 0.0, float(net or 0))]
    sign = -1.0 if sum(power or 0.0 for power in ours.committed_kw) < 0 else 1.0
    ordered = [abs(power or 0.0) for power in ours.committed_kw]
    delivered = [sign * (power or 0.0) for power in ours.delivered_kw]
    limits = {"tolerance_kw": tolerance.kw, "tolerance_pu": tolerance.pu}
    found = differences(said, ordered, delivered, **limits) if said else []
    our_net = ours.revenue - ours.penalty
    if net is not None and abs(net - our_net) > tolerance.eur:
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
