"""The component lines that hold for each award of a day, and what they need beside the award."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bidding.models import Award, Product
from vpp.lib.periods import DeliveryDay
from vpp.settlement.kernels.components.facts import prices_named
from vpp.settlement.kernels.value import Prices
from vpp.settlement.models import ComponentInput, ComponentRule, ProductTerms
from vpp.settlement.queries.prices import prices_of_day


@dataclass(frozen=True)
class AwardLines:
    """The lines of one award (empty: its kind's payment rule holds), with their prices and inputs."""

    lines: Sequence[Mapping[str, Any]] = ()
    series: Mapping[str, Prices] = field(default_factory=dict)
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


NO_LINES = AwardLines()


@dataclass(frozen=True)
class DayTerms:
    """Lines by award id, and the versions they come from for the run's record."""

    by_award: Mapping[int, AwardLines]
    terms: Mapping[str, int]
    components: Mapping[str, int]

    def of(self, award: Award) -> AwardLines:
        return self.by_award.get(award.pk, NO_LINES)


def day_terms(
    awards: Sequence[Award], day: DeliveryDay, as_of: datetime, pinned: Mapping[str, Mapping[str, int]]
) -> DayTerms:
    """The terms in force on the day, or those an earlier version of the run used (`pinned`: its recorded rules)."""
    chosen = _chosen(awards, day, pinned)
    rules = _component_rules(chosen, day, pinned)
    lines = {
        award_id: [{**_parameters(rules, str(line["component"])), **line} for line in terms.lines]
        for award_id, terms in chosen.items()
    }
    series = {name: named_prices(name, day, as_of) for name in sorted(_named(lines))}
    inputs = _inputs(list(lines), as_of)
    return DayTerms(
        by_award={award_id: AwardLines(own, series, inputs.get(award_id, {})) for award_id, own in lines.items()},
        terms={str(terms): terms.pk for terms in chosen.values()},
        components={kind: rule.pk for kind, rule in rules.items()},
    )


def _chosen(
    awards: Sequence[Award], day: DeliveryDay, pinned: Mapping[str, Mapping[str, int]]
) -> dict[int, ProductTerms]:
    """The terms of each award that has any: the most special ones, of these the youngest in force."""
    codes = {award.bid.product.market.code for award in awards}
    held = ProductTerms.objects.filter(market_code__in=codes)
    kept = set(pinned.get("terms", {}).values())
    in_force = held.filter(pk__in=kept) if "terms" in pinned else held.filter(valid_from__lte=day.date)
    rows = sorted(
        in_force, key=lambda row: (bool(row.contract_id), bool(row.product_code), row.valid_from, row.version)
    )
    chosen = {}
    for award in awards:
        product, contract = award.bid.product, _contract_id(award)
        for row in rows:
            fits = row.product_code in ("", product.code) and row.contract_id in ("", contract)
            if fits and row.market_code == product.market.code:
                chosen[award.pk] = row
    return chosen


def _contract_id(award: Award) -> str:
    contract = award.bid.ask.contract if award.bid.ask is not None else None
    return contract.contract_id if contract is not None else ""


def _component_rules(
    chosen: Mapping[int, ProductTerms], day: DeliveryDay, pinned: Mapping[str, Mapping[str, int]]
) -> dict[str, ComponentRule]:
    kinds = {str(line["component"]) for terms in chosen.values() for line in terms.lines}
    rows = ComponentRule.objects.filter(kind__in=kinds)
    if "components" in pinned:
        rows = rows.filter(pk__in=list(pinned["components"].values()))
    return {row.kind: row for row in rows.filter(valid_from__lte=day.date).order_by("valid_from", "version")}


def _parameters(rules: Mapping[str, ComponentRule], kind: str) -> dict[str, Any]:
    return dict(rules[kind].parameters) if kind in rules else {}


def _named(lines: Mapping[int, Sequence[Mapping[str, Any]]]) -> set[str]:
    return {name for own in lines.values() for line in own for name in prices_named(line)}


def _inputs(award_ids: Sequence[int], as_of: datetime) -> dict[int, dict[str, Mapping[str, Any]]]:
    """The newest input of each award and component that was known then."""
    found: dict[int, dict[str, Mapping[str, Any]]] = {}
    rows = ComponentInput.objects.filter(award__in=award_ids, received_at__lte=as_of).order_by("received_at", "pk")
    for award_id, component, data in rows.values_list("award_id", "component", "data"):
        found.setdefault(award_id, {})[component] = data
    return found


def named_prices(name: str, day: DeliveryDay, as_of: datetime) -> Prices:
    """(H,) prices of MARKET/PRODUCT as known at `as_of`; None where there is none."""
    market, _, code = name.partition("/")
    product = Product.objects.filter(market__code=market, code=code).first()
    return [None] * day.n_intervals if product is None else prices_of_day(product, day, as_of)
