"""Component lines of an award by its terms: quantity rule, price series, performance function, sign."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from vpp.settlement.kernels.components import lines_capacity as capacity
from vpp.settlement.kernels.components import lines_delivery as delivery
from vpp.settlement.kernels.components.facts import Facts, Line, Rule


class TermsError(ValueError):
    """Terms that cannot be computed; says which line."""


def lines_of(rules: Sequence[Rule], facts: Facts) -> list[Line]:
    """Every line of the terms; a line's `component` names its function, `name` how it is shown."""
    return [line for rule in rules for line in LINES[str(rule["component"])](rule, facts)]


def check_lines(rules: Any) -> None:
    """Raises TermsError for what `lines_of` could not compute."""
    if not isinstance(rules, list) or not rules:
        raise TermsError("terms are a list of lines, at least one")
    for number, rule in enumerate(rules, start=1):
        kind = rule.get("component") if isinstance(rule, dict) else None
        if kind not in LINES:
            raise TermsError(f"line {number}: component {kind!r} is unknown; known: {', '.join(sorted(LINES))}")
        band = np.asarray(rule.get("band", [[0, 0]]), dtype=np.float64)
        if band.ndim != 2 or band.shape[1] != 2 or np.any(np.diff(band[:, 0]) < 0):
            raise TermsError(f"line {number}: band is no list of [share, factor] with rising shares")
    names = [str(rule.get("name", rule["component"])) for rule in rules]
    if len(set(names)) < len(names):
        raise TermsError("two lines have one name: give each a `name`")


LINES: Mapping[str, Callable[[Rule, Facts], list[Line]]] = {
    "AVAILABILITY": delivery.availability,
    "UTILISATION": delivery.utilisation,
    "UTILISATION_BANDS": delivery.utilisation,
    "TWO_SETTLEMENT": delivery.two_settlement,
    "NET_BENEFITS_ENERGY": delivery.net_benefits,
    "DEFICIENCY_PENALTY": delivery.deficiency,
    "UFTP": delivery.uftp,
    "FEE": delivery.fee,
    "SUPPLIER_COMPENSATION": delivery.supplier,
    "IMBALANCE_SINGLE": delivery.single,
    "IMBALANCE_DUAL": delivery.dual,
    "UNINSTRUCTED_DEVIATION": delivery.deviation,
    "RESERVE_RESCISSION": capacity.rescission,
    "REGULATION_PJM": capacity.regulation_pjm,
    "REGULATION_CAISO": capacity.regulation_caiso,
    "CAPACITY_FACTOR": capacity.capacity_factor,
    "CAPACITY_SHORTFALL": capacity.capacity_shortfall,
    "PAY_FOR_PERFORMANCE": capacity.pay_for_performance,
}
