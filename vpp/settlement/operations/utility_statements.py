"""Taking in a utility's statement, once; what differs from ours opens disputes (`differing`)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from bidding.models import Ask
from vpp.accounts.models import Participant
from vpp.accounts.operations import audit
from vpp.lib.errors import Conflict, DomainError
from vpp.settlement.kernels.utility_differences import TheirSum, summed
from vpp.settlement.kernels.utility_statement import (
    StatementUnreadable,
    TheirInterval,
    TheirStatement,
    read_csv,
    read_flex_settlement,
)
from vpp.settlement.models import UtilityStatement, UtilityStatementLine
from vpp.settlement.operations.differing import TOLERANCE, Tolerance, compare


class BadUtilityStatement(DomainError):
    """The document cannot be read."""

    code = "bad_utility_statement"


class UtilityStatementDiffers(Conflict):
    """The reference was used for another content."""

    code = "utility_statement_differs"


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
    for every ask that differs from ours, all its orders together.

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
    orders_of: dict[Ask, list[str]] = {}
    for order in sorted(asks):
        orders_of.setdefault(asks[order], []).append(order)
    for ask, its_orders in orders_of.items():
        said = summed(theirs, its_orders)
        _store_lines(statement, ask, said)
        compare(statement, ask, said, tolerance, at=at, actor=actor)
    audit(at=at, actor=actor, action="utility_statement.received", subject=statement)
    return statement


def _store_lines(statement: UtilityStatement, ask: Ask, said: TheirSum) -> None:
    UtilityStatementLine.objects.bulk_create(
        UtilityStatementLine(
            statement=statement,
            ask=ask,
            delivery_date=one.delivery_date,
            isp=one.isp,
            ordered_kw=one.ordered_kw,
            delivered_kw=one.delivered_kw,
            deficiency_kw=one.deficiency_kw,
            net_amount=one.net_amount,
        )
        for one in said.intervals
    )
