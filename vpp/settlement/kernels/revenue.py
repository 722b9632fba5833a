"""What an award earns: component lines, each rounded to the cent once, and the penalty beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from vpp.lib.money import quantize_cents
from vpp.settlement.kernels.answers import FloatArray
from vpp.settlement.kernels.components.facts import Facts, TermsIncomplete
from vpp.settlement.kernels.components.lines import lines_of
from vpp.settlement.kernels.performance import band_factor, uftp_quantities
from vpp.settlement.kernels.value import PriceMissing, Prices, availability, priced, settled_kwh, two_settlement

NOTHING = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class AwardTerms:
    """How an award is paid.

    prices        : (H,) EUR/MWh of the award; EUR/MW/h for reserve capacity.
    energy_prices : (H,) EUR/MWh for activated reserve energy; None where unknown.
    penalty_pu    : price of a deficiency as a share of the award's price.
    band          : performance factor of a reserve's capacity payment.
    lines         : component lines that take the place of the kind's own rule; `series` and `inputs` are theirs.
    """

    product_kind: str
    prices: Prices
    energy_prices: Prices
    imbalance_spread_pu: Decimal
    penalty_pu: Decimal
    band: Sequence[tuple[float, float]]
    month: str = ""
    lines: Sequence[Mapping[str, Any]] = ()
    series: Mapping[str, Prices] = field(default_factory=dict)
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Revenue:
    """Component lines that add up to `amount`; the penalty is apart and not negative."""

    components: Mapping[str, Decimal]
    penalty: Decimal = NOTHING
    findings: tuple[str, ...] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def amount(self) -> Decimal:
        return sum(self.components.values(), NOTHING)


def revenue_of(
    terms: AwardTerms,
    committed_kw: FloatArray,
    delivered_kw: FloatArray,
    capacity_kw: FloatArray,
    share: float,
    payable: bool,
    step_minutes: int,
) -> Revenue:
    """The award's components.

    committed_kw, delivered_kw : (H,) signed, up positive, what was called and what is attributed to the award.
    capacity_kw                : (H,) awarded, non-negative.
    payable                    : False if no baseline of the day suffices; then it pays 0 and is flagged.

    A price that is missing where there is a quantity also pays 0 and is flagged: both need a person.
    """
    called = bool(np.any(committed_kw))
    if called and not payable:
        return Revenue({"unproved": NOTHING}, findings=("insufficient_baseline",))
    try:
        if terms.lines:
            return _by_terms(terms, committed_kw, delivered_kw, capacity_kw, share, step_minutes)
        if terms.product_kind == "ENERGY":
            return _energy(terms, committed_kw, delivered_kw, step_minutes)
        if terms.product_kind == "ASK":
            return _ask(terms, committed_kw, delivered_kw, step_minutes)
        return _reserve(terms, committed_kw, delivered_kw, capacity_kw, share, step_minutes)
    except PriceMissing as missing:
        detail = {"interval": str(missing.interval)}
        return Revenue({"unpriced": NOTHING}, findings=("price_missing",), detail=detail)
    except TermsIncomplete as missing:
        return Revenue({"incomplete": NOTHING}, findings=("terms_incomplete",), detail={"missing": str(missing)})


def _by_terms(
    terms: AwardTerms,
    committed_kw: FloatArray,
    delivered_kw: FloatArray,
    capacity_kw: FloatArray,
    share: float,
    step_minutes: int,
) -> Revenue:
    """The lines of the award's own terms. Penalty lines stand apart: the platform bears them."""
    facts = Facts(
        committed_kw=committed_kw,
        delivered_kw=delivered_kw,
        capacity_kw=capacity_kw,
        share=share,
        step_minutes=step_minutes,
        month=terms.month,
        prices={"award": terms.prices, "energy": terms.energy_prices, **terms.series},
        inputs=terms.inputs,
    )
    lines = lines_of(terms.lines, facts)
    charged = sum((quantize_cents(line.amount) for line in lines if line.category == "penalty"), NOTHING)
    components: dict[str, Decimal] = {}
    for line in lines:
        if line.category != "penalty":
            components[line.name] = components.get(line.name, NOTHING) + quantize_cents(line.amount)
    return Revenue(
        components,
        penalty=max(NOTHING, -charged),
        detail={
            "lines": [
                {
                    "name": line.name,
                    "category": line.category,
                    "amount": str(quantize_cents(line.amount)),
                    **({"detail": dict(line.detail)} if line.detail else {}),
                }
                for line in lines
            ]
        },
    )


def _energy(terms: AwardTerms, committed_kw: FloatArray, delivered_kw: FloatArray, step_minutes: int) -> Revenue:
    """Two settlement: the sold quantity at its price, the deviation at the imbalance price."""
    active = np.where(committed_kw != 0, delivered_kw, 0.0)
    day_ahead, imbalance = two_settlement(
        settled_kwh(committed_kw, step_minutes),
        settled_kwh(active, step_minutes),
        terms.prices,
        terms.imbalance_spread_pu,
    )
    return Revenue({"day_ahead": quantize_cents(day_ahead), "imbalance": quantize_cents(imbalance)})


def _ask(terms: AwardTerms, committed_kw: FloatArray, delivered_kw: FloatArray, step_minutes: int) -> Revenue:
    """UFTP: price x delivered up to the order; the penalty price on the deficiency."""
    realized = np.sign(committed_kw) * delivered_kw
    delivered, deficiency = uftp_quantities(np.abs(committed_kw), realized)
    utilisation = priced(settled_kwh(delivered, step_minutes), terms.prices)
    penalty = priced(settled_kwh(deficiency, step_minutes), terms.prices) * terms.penalty_pu
    return Revenue({"utilisation": quantize_cents(utilisation)}, penalty=max(NOTHING, quantize_cents(penalty)))


def _reserve(
    terms: AwardTerms,
    committed_kw: FloatArray,
    delivered_kw: FloatArray,
    capacity_kw: FloatArray,
    share: float,
    step_minutes: int,
) -> Revenue:
    """Capacity held times its performance factor, plus the activated energy at the energy price.

    Upward activation is paid, downward activation pays for the energy taken (the price may turn both around).
    """
    held = availability(capacity_kw, terms.prices, step_minutes)
    factor = band_factor(share, terms.band)
    energy = priced(settled_kwh(delivered_kw, step_minutes), terms.energy_prices)
    full = quantize_cents(held)
    paid = quantize_cents(held * Decimal(repr(factor)))
    return Revenue(
        {"availability": full, "performance_adjustment": paid - full, "activated_energy": quantize_cents(energy)},
        detail={"performance_factor": repr(factor)},
    )
