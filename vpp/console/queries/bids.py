"""The bids of a day with what became of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from bidding.kernels.curve import limits
from bidding.models import Activation, Award, Bid, Product
from vpp.accounts.models import Principal
from vpp.enrollment.models import Portfolio
from vpp.lib.periods import DeliveryDay
from vpp.lib.units import energy_kwh
from vpp.settlement.models import Performance

FloatArray = NDArray[np.float64]
CAPACITY = (Product.Kind.RESERVE_UP, Product.Kind.RESERVE_DOWN)


@dataclass(frozen=True)
class BidLine:
    """A bid with what became of it. Energies in kWh over the day, prices as means weighted with energy."""

    bid: Bid
    award: Award | None
    performance: Performance | None
    step_minutes: int
    called_pu: FloatArray | None = None  # (H,), of a reserve that was called

    @property
    def is_capacity(self) -> bool:
        return self.bid.product.kind in CAPACITY

    @property
    def due_up_kw(self) -> FloatArray:
        """(H,) what the award asks of the devices, up positive: energy as sold, reserve as far as it was called."""
        if self.award is None or (self.is_capacity and self.called_pu is None):
            return np.zeros(len(self.bid.up_kw))
        signed = np.asarray(self.award.up_kw) - np.asarray(self.award.down_kw)
        return signed if self.called_pu is None else signed * self.called_pu

    @property
    def price_unit(self) -> str:
        return "EUR/MW/h" if self.is_capacity else "EUR/MWh"

    @property
    def title(self) -> str:
        return title_of(self.bid)

    def total_kwh(self, power_kw: list[float]) -> float:
        """Energy of a day array in kWh; for capacity held the same sum, in kW·h."""
        return float(energy_kwh(np.sum(power_kw), self.step_minutes))

    @property
    def bid_price(self) -> float | None:
        return weighted_price(self.bid)

    @property
    def limit_prices(self) -> tuple[float, float] | None:
        """Lowest and highest limit price where something is bid; buying and selling limits lie far apart."""
        if self.bid.curve:
            found = [price for points in self.bid.curve for price in limits(points, self.bid.product.price_cap)]
            return (min(found), max(found)) if found else None
        offered = (np.asarray(self.bid.up_kw) + np.asarray(self.bid.down_kw)) > 0.0
        prices = np.asarray(self.bid.price_per_mwh)[offered]
        return (float(prices.min()), float(prices.max())) if prices.size else None

    @property
    def award_price(self) -> float | None:
        return weighted_price(self.award) if self.award else None


def title_of(bid: Bid) -> str:
    """What a bid is on: an ask or a product."""
    return _("ask %(reference)s") % {"reference": bid.ask.reference} if bid.ask else bid.product.name


def weighted_price(position: Bid | Award) -> float | None:
    """Mean price of a position, weighted with its quantity; None where nothing is bid."""
    quantity = np.asarray(position.up_kw) + np.asarray(position.down_kw)
    total = quantity.sum()
    return float(quantity @ np.asarray(position.price_per_mwh) / total) if total > 0 else None


def bid_lines(principal: Principal, portfolio: Portfolio, day: DeliveryDay) -> list[BidLine]:
    """All bids of the day in the order of product and version, with award, calls and newest settled performance."""
    bids = list(
        Bid.objects.visible_to(principal)
        .filter(portfolio=portfolio, delivery_date=day.date)
        .select_related("product__market", "ask", "award", "nightly_run")
        .order_by("product__market__code", "product__code", "ask__reference", "version")
    )
    found = (
        Performance.objects.visible_to(principal)
        .newest()
        .filter(award__bid__in=[bid.pk for bid in bids])
        .defer("baseline_kw", "metered_kw", "explanation")
    )
    performances: dict[int | None, Performance] = {performance.award_id: performance for performance in found}
    calls = _called_pu(bids, day)
    lines = []
    for bid in bids:
        award = bid.award
        key = award.pk if award else None
        lines.append(BidLine(bid, award, performances.get(key), day.step_minutes, calls.get(key)))
    return lines


def _called_pu(bids: list[Bid], day: DeliveryDay) -> dict[int | None, FloatArray]:
    """(H,) share that was called of each reserve award that was called at all."""
    held = [bid.award.pk for bid in bids if bid.product.kind in CAPACITY and bid.award is not None]
    calls: dict[int | None, FloatArray] = {}
    if held:
        rows = Activation.objects.filter(award__in=held, interval_start__gte=day.start, interval_start__lt=day.end)
        for award_id, start, share in rows.values_list("award_id", "interval_start", "activated_pu"):
            calls.setdefault(award_id, np.zeros(day.n_intervals))[day.index_of(start)] = share
    return calls
