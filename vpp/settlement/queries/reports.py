"""Sums and reports over settled days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import QuerySet, Sum

from vpp.accounts.models import Principal
from vpp.settlement.models import Performance, SettlementRun


@dataclass(frozen=True)
class DayTotals:
    """Money of a delivery day over all portfolios, newest versions; revenue = payouts + fees + margin."""

    revenue: Decimal
    penalty: Decimal
    payouts: Decimal
    fees: Decimal
    margin: Decimal


def day_totals(delivery_date: date) -> DayTotals:
    """What a delivery day came to."""
    names = ("revenue", "penalty", "payouts", "fees", "margin")
    runs = SettlementRun.objects.filter(delivery_date=delivery_date).newest()
    sums = runs.aggregate(**{name: Sum(name) for name in names})
    return DayTotals(**{name: sums[name] or Decimal("0.00") for name in names})


def performances_of(principal: Principal, delivery_date: date) -> QuerySet[Performance]:
    """All settled awards of a day that the caller may see, newest versions."""
    return (
        Performance.objects.visible_to(principal)
        .newest()
        .filter(run__delivery_date=delivery_date)
        .select_related("run__portfolio", "award__bid__product__market", "award__bid__ask")
        .order_by("run__portfolio__code", "pk")
    )


def performance_report(principal: Principal, delivery_date: date) -> QuerySet[Performance]:
    """Delivered against ordered on the asks of a day that the caller may see, newest versions."""
    return (
        Performance.objects.visible_to(principal)
        .newest()
        .filter(run__delivery_date=delivery_date, award__bid__ask__isnull=False)
        .select_related("run__portfolio", "award__bid__ask__congestion_point", "award__bid__ask__utility")
        .select_related("award__ordered_option__option")
        .order_by("award__bid__ask__reference", "pk")
    )
