"""What owners were paid: a list for a delivery day, and the days there are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Max, Q, Sum
from django.utils.translation import gettext_noop

from vpp.accounts.models import Principal
from vpp.enrollment.models import Portfolio
from vpp.settlement.models import Payout, SettlementRun

PAGE_SIZE = 100
#: What the rows of a chain are called, from a payout back to its forecast.
CHAIN_WORDS = (
    gettext_noop("payout"), gettext_noop("journal"), gettext_noop("settlement run"), gettext_noop("performance"),
    gettext_noop("award"), gettext_noop("bid"), gettext_noop("ask"), gettext_noop("plan"),
    gettext_noop("nightly run"), gettext_noop("forecast run"), gettext_noop("statement"),
)  # fmt: skip


@dataclass(frozen=True)
class OwnerTotal:
    code: str
    name: str
    gross: Decimal
    fee: Decimal
    total: Decimal


@dataclass(frozen=True)
class PayoutPage:
    """Payouts of one delivery day, the newest settlement version of each portfolio."""

    delivery_date: date | None
    payouts: list[Payout]
    owners: list[OwnerTotal]
    currency: str
    search: str
    page: int
    has_next: bool

    @property
    def total(self) -> Decimal:
        return sum((owner.total for owner in self.owners), Decimal("0.00"))


def latest_settled_date(principal: Principal) -> date | None:
    return Payout.objects.visible_to(principal).aggregate(newest=Max("run__delivery_date"))["newest"]


def payout_page(principal: Principal, delivery_date: date | None, search: str, page: int) -> PayoutPage:
    """Page `page` (from 1) of the payouts of a day, the latest settled one if none is named."""
    shown = delivery_date or latest_settled_date(principal)
    if shown is None:
        return PayoutPage(None, [], [], "EUR", search, 1, has_next=False)
    newest = SettlementRun.objects.filter(delivery_date=shown).newest()
    found = Payout.objects.visible_to(principal).filter(run__in=newest)
    if search:
        found = found.filter(Q(owner__code__icontains=search) | Q(owner__name__icontains=search))
    owners = (
        found.values_list("owner__code", "owner__name")
        .annotate(all_gross=Sum("gross"), all_fees=Sum("fee"), all_paid=Sum("total"))
        .order_by("-all_paid", "owner__code")
    )
    start = (page - 1) * PAGE_SIZE
    rows = list(
        found.select_related("owner", "run__portfolio", "performance__award__bid__product__market")
        .select_related("performance__award__bid__ask")
        .order_by("-total", "pk")[start : start + PAGE_SIZE + 1]
    )
    return PayoutPage(
        delivery_date=shown,
        payouts=rows[:PAGE_SIZE],
        owners=[OwnerTotal(*owner) for owner in owners],
        currency=rows[0].currency if rows else "EUR",
        search=search,
        page=page,
        has_next=len(rows) > PAGE_SIZE,
    )


def zone_of(portfolio_code: str) -> str:
    """The zone a portfolio's days are told in. An owner may see it: it is that of the payout's own delivery day."""
    return Portfolio.objects.values_list("time_zone", flat=True).get(code=portfolio_code)
