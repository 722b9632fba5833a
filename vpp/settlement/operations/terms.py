"""Taking in product terms and what their components need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from bidding.models import Award
from vpp.accounts.operations import audit
from vpp.lib.errors import DomainError
from vpp.settlement.kernels.components.lines import LINES
from vpp.settlement.models import ComponentInput, ProductTerms


class BadTerms(DomainError):
    """Terms or inputs that cannot be used."""

    code = "bad_settlement_terms"


@transaction.atomic
def add_terms(
    *,
    market_code: str,
    lines: Sequence[Mapping[str, Any]],
    valid_from: date,
    at: datetime,
    product_code: str = "",
    contract_id: str = "",
    source: str = "",
    actor: object = "settlement",
) -> ProductTerms:
    """The next version of the terms of a market, product or contract. Days settled before keep theirs."""
    place = {"market_code": market_code, "product_code": product_code, "contract_id": contract_id}
    last = ProductTerms.objects.filter(**place).order_by("-version").first()
    terms = ProductTerms(
        **place, version=last.version + 1 if last else 1, valid_from=valid_from, lines=list(lines), source=source
    )
    try:
        terms.full_clean()
    except ValidationError as error:
        raise BadTerms("; ".join(error.messages)) from error
    terms.save()
    audit(at=at, actor=actor, action="settlement.terms_added", subject=terms, after={"lines": list(lines)})
    return terms


@transaction.atomic
def add_component_input(
    *, award: Award, component: str, data: Mapping[str, Any], at: datetime, actor: object = "settlement"
) -> ComponentInput:
    """What a component of an award needs from elsewhere; a later one counts instead from its moment on."""
    if component not in LINES:
        raise BadTerms(f"component {component!r} is unknown; known: {', '.join(sorted(LINES))}")
    found = ComponentInput.objects.create(award=award, component=component, received_at=at, data=dict(data))
    audit(at=at, actor=actor, action="settlement.input_received", subject=found)
    return found
