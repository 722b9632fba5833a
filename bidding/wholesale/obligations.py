"""Capacity obligations: what of a product has to be offered on a day, what of that is, and what is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from bidding.models import Bid, Product
from vpp.lib.periods import DeliveryDay

if TYPE_CHECKING:
    from bidding.wholesale.queries import OpenProduct
    from vpp.enrollment.models import Portfolio

FloatArray = NDArray[np.float64]


def must_offer_kw(product: Product, day: DeliveryDay) -> FloatArray | None:
    """(H,) kW that have to be offered, by the local hours of the product's market (none named: all); None for none."""
    if product.must_offer_kw <= 0:
        return None
    zone, hours = ZoneInfo(day.zone), set(product.must_offer_hours)
    concerned = [not hours or start.astimezone(zone).hour in hours for start in day.starts()]
    return np.where(concerned, float(product.must_offer_kw), 0.0)


def still_owed(offers: Sequence[OpenProduct], *, but: Portfolio | None = None) -> list[OpenProduct]:
    """The offers with what live bids, of other portfolios than `but`, leave of their obligations."""
    found = []
    for offer in offers:
        if offer.must_offer_kw is not None:
            bids = Bid.objects.filter(
                product=offer.product, delivery_date=offer.day.date, state__in=Bid.LIVE_STATES
            ).select_related("award")
            for bid in bids if but is None else bids.exclude(portfolio=but):
                taken = bid.award or bid
                offer = _less(offer, taken.down_kw if offer.product.kind == Product.Kind.RESERVE_DOWN else taken.up_kw)
        found.append(offer)
    return found


def without_planned(offers: Sequence[OpenProduct], positions: Mapping[str, Any]) -> list[OpenProduct]:
    """The offers with what a plan's positions leave of their obligations."""
    return [one if one.must_offer_kw is None else _less(one, offered_kw(one, positions)) for one in offers]


def _less(offer: OpenProduct, kw: Sequence[float] | FloatArray) -> OpenProduct:
    assert offer.must_offer_kw is not None
    return replace(offer, must_offer_kw=np.maximum(offer.must_offer_kw - np.asarray(kw), 0.0))


def offered_kw(offer: OpenProduct, positions: Mapping[str, Any]) -> FloatArray:
    """(H,) the most that a plan's positions offer of a product: of a curve or of blocks the largest quantity."""
    from bidding.kernels.block_check import extremes_of_group
    from bidding.operations.order_forms import extremes_of

    product, nothing = offer.product, [0.0] * offer.day.n_intervals
    key, is_energy = str(product.pk), product.kind == Product.Kind.ENERGY
    if blocks := positions.get("blocks", {}).get(key):
        return np.asarray(extremes_of_group(blocks)[0])
    if (curve := positions.get("curves", {}).get(key)) is not None:
        up_kw, down_kw = extremes_of(product, offer.day, curve)
        return np.asarray(down_kw if product.kind == Product.Kind.RESERVE_DOWN else up_kw)
    if is_energy and positions.get("energy_product") not in (None, product.pk):
        return np.asarray(nothing)
    return np.asarray(positions["sell_kw"] if is_energy else positions["reserve_kw"].get(product.code, nothing))


def shortfalls(offers: Iterable[OpenProduct]) -> list[dict[str, Any]]:
    """What is left of obligations, per interval, in the form of a plan's shortfalls."""
    from bidding.kernels.obligations import MUST_OFFER, unmet

    return [
        {"subject": offer.product.code, "interval": interval, "limit": MUST_OFFER, "missing": kw}
        for offer in offers
        for interval, kw in unmet(offer.must_offer_kw, np.zeros(offer.day.n_intervals))
    ]
