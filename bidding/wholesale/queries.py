"""Which products are open to a zone, and what they are expected to pay, as known at a moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from bidding.models import Market, Price, Product
from bidding.operations.drafts import day_of, gate_of
from bidding.wholesale.obligations import must_offer_kw
from forecasting.price_source import PriceHistory
from vpp.lib.periods import DeliveryDay, as_datetime64

KNOWN_DAYS = 7


@dataclass(frozen=True)
class OpenProduct:
    """A product that can still be bid; price (B,) per block expected, `note` says where it comes from.

    block_of_interval (H,) maps quarter hours to blocks. scenarios (S, B): equally likely prices, none where the day's
    own are published. must_offer_kw (H,): a capacity obligation, None where there is none.
    """

    product: Product
    day: DeliveryDay
    gate_at: datetime
    block_of_interval: NDArray[np.int64]
    price: NDArray[np.float64]
    note: str
    is_fallback: bool
    scenarios: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))
    must_offer_kw: NDArray[np.float64] | None = None


def wholesale_products(zone_code: str, delivery_date: date) -> list[Product]:
    """Wholesale products of the zone that are valid on the delivery day, by market and code."""
    products = (
        Product.objects.in_zone(zone_code)
        .filter(market__kind=Market.Kind.WHOLESALE)
        .select_related("market")
        .order_by("market__code", "code")
    )
    return [product for product in products if day_of(product, delivery_date).start in product.period]


def ask_product(zone_code: str, delivery_date: date) -> Product | None:
    """The product under which the zone's asks are answered."""
    products = Product.objects.in_zone(zone_code).filter(kind=Product.Kind.ASK).select_related("market")
    valid = [p for p in products.order_by("market__code", "code") if day_of(p, delivery_date).start in p.period]
    return valid[0] if valid else None


def open_product(product: Product, delivery_date: date, known_at: datetime) -> OpenProduct | None:
    """The product with its expected prices; None where no price is known and no reference price is given."""
    from bidding.kernels.gate import block_of_interval

    day = day_of(product, delivery_date)
    blocks = block_of_interval(day, product.block_minutes)
    expectation = _forecast(product, day, blocks, known_at) or _expectation(product, day, blocks, known_at)
    if expectation is None and product.reference_price is None:
        return None
    count = int(blocks.max()) + 1
    if expectation is None:
        price = np.full(count, float(product.reference_price or 0.0))
        expectation = price, "reference price", True, np.zeros((0, count))
    owed = must_offer_kw(product, day)
    return OpenProduct(product, day, gate_of(product, day), blocks, *expectation, must_offer_kw=owed)


def zone_prices(zone_code: str, start: datetime, end: datetime, known_at: datetime) -> PriceHistory | None:
    """Day-ahead energy prices of a zone as known then, for its price forecast; None without an energy product."""
    product = (
        Product.objects.in_zone(zone_code)
        .filter(market__kind=Market.Kind.WHOLESALE, kind=Product.Kind.ENERGY, block_minutes__lte=60)
        .order_by("block_minutes", "market__code", "code")
        .first()
    )
    if product is None:
        return None
    rows = Price.objects.filter(product=product, interval_start__gte=start, interval_start__lt=end).known_at(known_at)
    known: dict[datetime, float] = {}
    for moment, price in rows.order_by("available_at", "pk").values_list("interval_start", "price"):
        known[moment] = price  # the latest version wins
    starts = sorted(known)
    return PriceHistory(
        np.array([as_datetime64(one) for one in starts], dtype="datetime64[s]"),
        np.array([known[one] for one in starts], dtype=np.float64),
        product.block_minutes,
    )


def _forecast(
    product: Product, day: DeliveryDay, blocks: NDArray[np.int64], known_at: datetime
) -> tuple[NDArray[np.float64], str, bool, NDArray[np.float64]] | None:
    """Mean and scenarios of the zone's price forecast, for energy whose prices are not published yet."""
    from forecasting.queries import price_scenarios

    if product.kind != Product.Kind.ENERGY or _published(product, day, known_at):
        return None
    drawn = price_scenarios(product.market.zone_code, day.date, known_at)
    if drawn is None or drawn.shape[1] != len(blocks):
        return None
    paths = np.stack([drawn[:, blocks == block].mean(axis=1) for block in range(int(blocks.max()) + 1)], axis=1)
    return paths.mean(axis=0), "price forecast", False, paths


def _published(product: Product, day: DeliveryDay, known_at: datetime) -> bool:
    rows = Price.objects.filter(product=product, interval_start__gte=day.start, interval_start__lt=day.end)
    return rows.known_at(known_at).exists()


def _expectation(
    product: Product, day: DeliveryDay, blocks: NDArray[np.int64], known_at: datetime
) -> tuple[NDArray[np.float64], str, bool, NDArray[np.float64]] | None:
    """Published prices of the day itself where all are known, else the mean of the last known days, and those days."""
    from bidding.kernels.price_forecast import expected_prices, price_scenarios

    zone = ZoneInfo(day.zone)
    known: dict[datetime, float] = {}
    rows = Price.objects.filter(
        product=product, interval_start__gte=day.start - timedelta(days=28), interval_start__lt=day.end
    ).known_at(known_at)
    for start, price in rows.order_by("available_at", "pk").values_list("interval_start", "price"):
        known[start] = price  # the latest version wins
    first_of_block = np.unique(blocks, return_index=True)[1]
    starts = [day.starts()[index] for index in first_of_block]
    if all(start in known for start in starts):
        return np.array([known[start] for start in starts]), "published", False, np.zeros((0, len(starts)))
    before = [(start.astimezone(zone), price) for start, price in known.items() if start < day.start]
    past = (
        np.array([local.toordinal() for local, _ in before], dtype=np.int64),
        np.array([local.hour * 60 + local.minute for local, _ in before], dtype=np.int64),
        np.array([price for _, price in before], dtype=np.float64),
        np.array([_wall_minute(start, zone) for start in starts], dtype=np.int64),
    )
    answer = expected_prices(*past, days=KNOWN_DAYS)
    if answer is None:
        return None
    days, filled = answer.days, answer.filled
    note = f"mean of {days} known days, {filled} blocks filled" if filled else f"mean of {days} known days"
    return answer.price, note, answer.filled > 0, price_scenarios(*past)


def _wall_minute(moment: datetime, zone: ZoneInfo) -> int:
    local = moment.astimezone(zone)
    return local.hour * 60 + local.minute
