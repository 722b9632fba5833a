"""Published prices of a product on the intervals of a settled day."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np

from bidding.kernels.gate import block_of_interval
from bidding.models import Price, Product
from vpp.lib.periods import DeliveryDay, as_datetime64
from vpp.settlement.kernels.value import Prices

PRICE_QUANTUM = Decimal("0.000001")
LONGEST_UNIT = timedelta(hours=1)  # one that began before the day may still reach into it


def prices_of_day(product: Product, day: DeliveryDay, as_of: datetime) -> Prices:
    """(H,) the product's prices per MWh as known at `as_of`; None where there is none.

    A price holds from its start to the end of the product's block, whatever the market's time unit: to the four hours
    (on clock-change days three or five) of a reserve as to the hour of energy.
    """
    blocks = block_of_interval(day, max(product.block_minutes, day.step_minutes))
    rows = (
        Price.objects.known_at(as_of)
        .filter(product=product, interval_start__gte=day.start - LONGEST_UNIT, interval_start__lt=day.end)
        .order_by("interval_start", "available_at", "pk")
    )
    prices: list[Decimal | None] = [None] * day.n_intervals
    for start, price in rows.values_list("interval_start", "price"):
        first = int((as_datetime64(start) - as_datetime64(day.start)).astype(int)) // (day.step_minutes * 60)
        last = first + max(1, product.block_minutes // day.step_minutes)
        if first >= 0:
            last = int(np.searchsorted(blocks, blocks[first], side="right"))
        for index in range(max(0, first), last):
            prices[index] = decimal_price(price)
    return prices


def decimal_price(price: float) -> Decimal:
    """A stored price as an exact amount of EUR/MWh."""
    return Decimal(repr(float(price))).quantize(PRICE_QUANTUM)
