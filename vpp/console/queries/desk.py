"""Prices to think with, and what the nights' plans came to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Max, Min, Sum

from bidding.models import NightlyRun, PlannedDay, Price, Product
from vpp.lib.periods import DeliveryDay
from vpp.settlement.models import SettlementRun

REPLAY_DAYS = 14


def energy_products() -> list[Product]:
    """Energy by the hour or finer; longer blocks follow the wall clock, and no battery is tried on their prices."""
    products = Product.objects.filter(kind=Product.Kind.ENERGY, block_minutes__range=(15, 60))
    return list(products.select_related("market").order_by("market__code", "pk"))


def prices_of(product: Product, day: DeliveryDay) -> list[float]:
    """The newest price of each of the product's blocks of the day; empty where one is missing."""
    rows = (
        Price.objects.filter(product=product, interval_start__gte=day.start, interval_start__lt=day.end)
        .order_by("interval_start", "available_at")
        .values_list("interval_start", "price")
    )
    newest = dict(rows)
    step = timedelta(minutes=product.block_minutes)
    count = (day.end - day.start) // step
    starts = [day.start + number * step for number in range(count)]
    return [newest[start] for start in starts] if all(start in newest for start in starts) else []


def price_span(products: Iterable[int]) -> tuple[date | None, date | None]:
    """A useful span to replay: the last two weeks of what is stored, as UTC dates."""
    found = Price.objects.filter(product__in=list(products)).aggregate(
        low=Min("interval_start"), high=Max("interval_start")
    )
    if found["high"] is None:
        return None, None
    last = found["high"].date()
    return max(found["low"].date() + timedelta(days=2), last - timedelta(days=REPLAY_DAYS - 1)), last


@dataclass(frozen=True)
class ReplayedDay:
    """A delivery day: what the night's plan expected at the prices it knew, and what the day settled at."""

    day: date
    expected: Decimal
    settled: Decimal | None

    @property
    def captured_pu(self) -> float | None:
        """Settled over expected; None where either is missing or nothing was expected."""
        if self.settled is None or self.expected <= 0:
            return None
        return float(self.settled / self.expected)


def replayed_days(until: date) -> list[ReplayedDay]:
    """The newest days first; portfolios that were planned and settled are summed."""
    span = (until - timedelta(days=REPLAY_DAYS - 1), until)
    planned = (
        PlannedDay.objects.filter(run__in=NightlyRun.objects.nights().filter(delivery_date__range=span))
        .values_list("run__delivery_date")
        .annotate(expected=Sum("expected_profit"))
    )
    settled = (
        SettlementRun.objects.newest()
        .filter(delivery_date__range=span)
        .values_list("delivery_date")
        .annotate(came=Sum("revenue") - Sum("penalty"))
    )
    came = dict(settled.order_by())
    return [
        ReplayedDay(day, Decimal(str(round(expected or 0, 2))), came.get(day))
        for day, expected in sorted(planned.order_by(), reverse=True)
    ]
