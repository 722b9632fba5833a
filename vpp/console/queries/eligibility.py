"""What a portfolio may be sold for, and what stands against the rest."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
from django.core.cache import cache
from django.db.models import Sum
from django.db.models.functions import Greatest
from django.utils.translation import gettext as _

from bidding.models import Product
from bidding.operations.admission import misplaced, refusals
from vpp.accounts.models import Principal
from vpp.enrollment.models import Enrollment, Portfolio
from vpp.enrollment.queries import DeviceTable, device_table

MOST_PORTFOLIOS = 200
KEPT_S = 30


@dataclass(frozen=True)
class Excluded:
    """Devices of the portfolio that one rule of the product leaves out, by code."""

    reason: str
    devices: list[str]


@dataclass(frozen=True)
class Eligibility:
    """A portfolio before a product; no reasons: it may be sold there."""

    portfolio: Portfolio
    product: Product
    flexible_kw: float
    reasons: list[str]
    excluded: list[Excluded] = field(default_factory=list)

    @property
    def eligible(self) -> bool:
        return not self.reasons


def eligibility(principal: Principal, at: datetime, portfolio: str = "") -> list[Eligibility]:
    """Every portfolio (or the named one) against every product in force, with what stands against it."""
    found = Portfolio.objects.visible_to(principal)
    if portfolio:
        found = found.filter(code=portfolio)
    shown = list(found.order_by("code")[:MOST_PORTFOLIOS])
    able = _abilities(shown, at) if portfolio else _kept_abilities(shown, at)
    products = list(
        Product.objects.filter(period__contains=at).select_related("market").order_by("market__code", "code")
    )
    lines = [
        Eligibility(one, product, flexible_kw, _against(one, product, flexible_kw, stored_kwh))
        for one in shown
        for flexible_kw, stored_kwh in [able.get(one.pk, (0.0, 0.0))]
        for product in products
    ]
    if portfolio and shown:  # device by device only where one portfolio is looked at
        table = device_table(at=at, portfolio_id=shown[0].pk)
        lines = [_by_device(line, table) for line in lines]
    return lines


def _by_device(line: Eligibility, table: DeviceTable) -> Eligibility:
    """The line with the devices that the product's rules exclude, each under what excludes it first."""
    product, left = line.product, np.ones(len(table), dtype=bool)
    reasons, excluded = list(line.reasons), []
    if place := misplaced(product.market, table.feeder_code):
        reasons.append(_("the market's rule on places: %(rule)s") % {"rule": place})
    for rule, barred in {"unusable": ~table.usable(), **refusals(table, product)}.items():
        codes = [table.code[row] for row in np.flatnonzero(barred & left)]
        left &= ~barred
        if codes:
            excluded.append(Excluded(_said(rule, product), codes))
    if len(table) and not left.any():
        reasons.append(_("no device of the portfolio may take part"))
    return replace(line, reasons=reasons, excluded=excluded)


def _said(rule: str, product: Product) -> str:
    if rule == "unusable":
        return _("cannot be controlled, is suspended or opted out")
    if rule == "kind":
        return _("of a kind that the market does not admit")
    if rule == "small":
        return _("smaller than %(kw).0f kW") % {"kw": product.min_device_kw}
    if rule == "large":
        return _("larger than %(kw).0f kW") % {"kw": product.max_device_kw}
    return _("its owner wants more notice than %(minutes)d minutes") % {"minutes": product.full_activation_minutes}


def _kept_abilities(portfolios: list[Portfolio], at: datetime) -> dict[int, tuple[float, float]]:
    """Those of the whole fleet, counted once in KEPT_S for everybody who looks."""
    key = f"abilities:{len(portfolios)}:{at:%Y%m%d%H%M}"
    found: dict[int, tuple[float, float]] | None = cache.get(key)
    if found is None:
        found = _abilities(portfolios, at)
        cache.set(key, found, KEPT_S)
    return found


def _abilities(portfolios: list[Portfolio], at: datetime) -> dict[int, tuple[float, float]]:
    """Portfolio -> (kW that can be moved, kWh that can be stored) of its devices that can be steered."""
    usable = Enrollment.objects.filter(
        portfolio__in=[one.pk for one in portfolios], period__contains=at, device__controllable=True,
        device__suspended_at=None,
    )  # fmt: skip
    size_kw = Greatest("device__max_consumption_kw", "device__max_production_kw")
    rows = (
        usable.order_by()
        .values_list("portfolio")
        .annotate(flexible_kw=Sum(size_kw), stored_kwh=Sum("device__energy_capacity_kwh"))
    )
    return {pk: (flexible_kw or 0.0, stored_kwh or 0.0) for pk, flexible_kw, stored_kwh in rows}


def _against(portfolio: Portfolio, product: Product, flexible_kw: float, stored_kwh: float) -> list[str]:
    reasons = []
    if product.market.zone_code != portfolio.zone_code:
        reasons.append(
            _("the market is in zone %(there)s, the portfolio in %(here)s")
            % {"there": product.market.zone_code, "here": portfolio.zone_code}
        )
    least_kw = max(product.min_quantity_kw, portfolio.min_kw)
    if flexible_kw < least_kw:
        reasons.append(
            _("%(have).0f kW can be moved, at least %(want).0f kW are wanted") % {"have": flexible_kw, "want": least_kw}
        )
    needed_kwh = product.min_quantity_kw * (product.endurance_minutes or 0) / 60.0
    if stored_kwh < needed_kwh:
        reasons.append(
            _("%(have).0f kWh are stored, the smallest bid held for %(minutes)d minutes needs %(want).0f kWh")
            % {"have": stored_kwh, "minutes": product.endurance_minutes, "want": needed_kwh}
        )
    if product.kind == Product.Kind.ASK and not portfolio.feeder_code:
        reasons.append(_("asks are answered by a portfolio of the asked feeder"))
    return reasons
