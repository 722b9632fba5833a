"""Market-side components by the rule in force."""

from __future__ import annotations

from datetime import date
from typing import Any

from vpp.settlement.models import ComponentRule
from vpp.settlement.queries.rules import RuleMissing


def component_answer(question: dict[str, Any]) -> dict[str, Any]:
    """The amount of one component: {kind, date, ...} with the parameters of the version in force on the date.

    Raises ValueError that names the field, RuleMissing without a rule.
    """
    from vpp.settlement.kernels.components.question import answer_component

    for field in ("kind", "date"):
        if field not in question:
            raise ValueError(f"field {field!r} is missing")
    kind, day = str(question["kind"]), date.fromisoformat(str(question["date"]))
    rule = ComponentRule.objects.in_force(day).filter(kind=kind).order_by("-valid_from", "-version").first()
    if rule is None:
        raise RuleMissing(f"no component rule {kind} on {day}", kind=kind)
    parameters = {**rule.parameters, **(question.get("params") or {})}
    return {**answer_component(kind, parameters, question), "rule": str(rule)}
