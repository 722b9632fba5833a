"""What a portfolio may be sold for, and what stands against the rest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, Sum
from django.db.models.functions import Greatest
from django.utils.translation import gettext as _

from bidding.models import Product
from vpp.accounts.models import Principal
from vpp.enrollment.models import Portfolio


@dataclass(frozen=True)
class Eligibility:
    """A portfolio before a product; no reasons: it may be sold there."""

    portfolio: Portfolio
    product: Product
    flexible_kw: float
    reasons: list[str]

    @property
    def eligible(self) -> bool:
        return not self.reasons


def eligibility(principal: Principal, at: datetime, portfolio: str = "") -> list[Eligibility]:
    """Every portfolio (or the named one) against every product in force, with what stands against it."""
    usable = Q(
        enrollments__period__contains=at, enrollments__device__controllable=True,
        enrollments__device__suspended_at=None,
    )  # fmt: skip
    size_kw = Greatest("enrollments__device__max_consumption_kw", "enrollments__device__max_production_kw")
    found = Portfolio.objects.visible_to(principal).annotate(
        flexible_kw=Sum(size_kw, filter=usable),
        stored_kwh=Sum("enrollments__device__energy_capacity_kwh", filter=usable),
        steered=Count("enrollments__device", filter=usable),
    )
    if portfolio:
        found = found.filter(code=portfolio)
    products = list(
        Product.objects.filter(period__contains=at).select_related("market").order_by("market__code", "code")
    )
    return [
        Eligibility(one, product, one.flexible_kw or 0.0, _against(one, product))
        for one in found.order_by("code")[:200]
        for product in products
    ]


def _against(portfolio: Portfolio, product: Product) -> list[str]:
    flexible_kw = getattr(portfolio, "flexible_kw", None) or 0.0
    stored_kwh = getattr(portfolio, "stored_kwh", None) or 0.0
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
