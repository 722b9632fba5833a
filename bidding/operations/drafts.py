"""What is to be offered, before it is a bid; its delivery day and its gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from bidding.kernels.gate import gate_closure
from bidding.models import Ask, Market, Product
from vpp.enrollment.models import Portfolio
from vpp.lib.periods import DeliveryDay

STEP_MINUTES = 15


@dataclass(frozen=True)
class BidDraft:
    """What is offered: (H,) kW per quarter hour and direction, (H,) limit price; of a curve or blocks the extremes."""

    portfolio: Portfolio
    product: Product
    day: DeliveryDay
    up_kw: Sequence[float]
    down_kw: Sequence[float]
    price_per_mwh: Sequence[float]
    ask: Ask | None = None
    version: int = 1
    curve: list[Any] | None = None
    blocks: list[dict[str, Any]] | None = None
    confidence: float | None = None
    shortfall_risk: dict[str, Any] = field(default_factory=dict)

    def extreme_claims(self) -> list[tuple[Sequence[float], Sequence[float]]]:
        """(up, down) at the highest and at the lowest prices, of each block; one pair where there is one quantity."""
        if self.blocks is not None:
            nothing = [0.0] * len(self.up_kw)
            return [(block["up_kw"], block["down_kw"]) for block in self.blocks] + [(nothing, nothing)]
        if self.curve is None or self.product.kind != Product.Kind.ENERGY:
            return [(self.up_kw, self.down_kw)]
        from bidding.kernels.gate import block_of_interval

        blocks = block_of_interval(self.day, self.product.block_minutes)
        ends = [(float(points[-1][1]), float(points[0][1])) if points else (0.0, 0.0) for points in self.curve]
        return [
            ([max(ends[b][side], 0.0) for b in blocks], [max(-ends[b][side], 0.0) for b in blocks]) for side in (0, 1)
        ]

    @property
    def natural_key(self) -> str:
        """One key for one promise; asks are told apart by their row, because references are the utilities' own."""
        subject = f"ask{self.ask.pk}" if self.ask else "market"
        return f"{self.portfolio.code}:{self.product.pk}:{subject}:{self.day.date}:v{self.version}"


def day_of(product: Product, bid_date: Any) -> DeliveryDay:
    """The delivery day of a product's market in quarter hours."""
    return DeliveryDay(bid_date, product.market.time_zone, STEP_MINUTES)


def gate_of(product: Product, day: DeliveryDay, ask: Ask | None = None) -> datetime:
    """When bids close: the ask's own gate, else the market's."""
    return ask.gate_at if ask is not None else market_gate(product.market, day.date)


def market_gate(market: Market, delivery_date: date) -> datetime:
    """When a market's bids for a delivery day close, on a working day where it counts those."""
    working = market.gate_calendar if market.gate_on_working_days else None
    return gate_closure(
        delivery_date, market.gate_days_before, market.gate_local_time, market.time_zone, working_days=working
    )
