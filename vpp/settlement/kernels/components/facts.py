"""What a component line is computed from: one award's quantities, and prices by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from vpp.settlement.kernels.answers import FloatArray
from vpp.settlement.kernels.value import Prices

Rule = Mapping[str, Any]

PRICE_FIELDS = ("price", "real_time_price", "sell_price", "buy_price", "penalty_price")


class TermsIncomplete(ValueError):
    """A line lacks something that is data: an input that has not come, a month's threshold. Says what."""


@dataclass(frozen=True, slots=True)
class Line:
    """One component line, unrounded; positive earns."""

    name: str
    category: str
    amount: Decimal
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """One award on its day.

    committed_kw, delivered_kw : (H,) signed, up positive: what was called and what is attributed to the award.
    capacity_kw                : (H,) awarded, non-negative.
    share                      : credited delivered of committed; NaN if nothing was called.
    prices                     : "award", "energy" and named series, each (H,) of EUR/MWh or EUR/MW/h.
    inputs                     : data by component kind that came from elsewhere (signals, test results).
    """

    committed_kw: FloatArray
    delivered_kw: FloatArray
    capacity_kw: FloatArray
    share: float
    step_minutes: int
    month: str
    prices: Mapping[str, Prices]
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def ordered_kw(self) -> FloatArray:
        """(H,) size of the call."""
        return np.abs(self.committed_kw)

    @property
    def along_kw(self) -> FloatArray:
        """(H,) delivered in the direction of the call; zero where nothing was called."""
        return np.sign(self.committed_kw) * self.delivered_kw

    @property
    def missing_kw(self) -> FloatArray:
        """(H,) what of the call was not delivered, non-negative."""
        return np.where(self.ordered_kw > 0, np.maximum(self.ordered_kw - self.along_kw, 0.0), 0.0)

    def price(self, rule: Rule, field_name: str = "price", default: str = "award") -> Prices:
        """The series a rule names: "award", "energy", "MARKET/PRODUCT", or {"per_mwh": a constant}."""
        wanted = rule.get(field_name, default)
        if isinstance(wanted, Mapping):
            return [Decimal(str(wanted["per_mwh"]))] * self.committed_kw.size
        if wanted not in self.prices:
            raise TermsIncomplete(f"prices of {wanted}")
        return self.prices[wanted]

    def input(self, kind: str, names: Sequence[str]) -> Mapping[str, Any]:
        """What came for a component; raises TermsIncomplete."""
        found = self.inputs.get(kind, {})
        if missing := [name for name in names if name not in found]:
            raise TermsIncomplete(f"{kind}: input {', '.join(missing)}")
        return found


def prices_named(rule: Rule) -> set[str]:
    """The series outside the award that a line needs, as MARKET/PRODUCT."""
    named = (rule.get(field_name) for field_name in PRICE_FIELDS)
    return {name for name in named if isinstance(name, str) and "/" in name}


def line_name(rule: Rule) -> str:
    """How a line is shown; its component's name without another."""
    return str(rule.get("name", str(rule["component"]).lower()))


def decimal_of(rule: Rule, field_name: str, default: str = "0") -> Decimal:
    """A number of a rule, exactly as it is written."""
    return Decimal(str(rule.get(field_name, default)))
