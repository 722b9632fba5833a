"""What standing contracts keep from being sold elsewhere until it is asked for or released."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from bidding.models import Ask, Bid, Direction, FlexContract, Reservation
from vpp.enrollment.models import Enrollment, Portfolio
from vpp.lib.periods import DeliveryDay

FloatArray = NDArray[np.float64]


def kept_back_kw(
    portfolio: Portfolio, feeders: Collection[str], day: DeliveryDay, at: datetime, asks: Iterable[Ask]
) -> dict[str, FloatArray]:
    """(H,) kW by direction that contracts of the feeders reserve and nobody was promised yet.

    Power only, and only from the first portfolio behind the feeder. `asks` under a contract take from what it keeps.
    """
    kept = {direction.value: np.zeros(day.n_intervals) for direction in Direction}
    contracts = FlexContract.objects.active_on(day.date).filter(congestion_point__feeder__code__in=feeders)
    for contract in contracts.select_related("congestion_point__feeder"):
        if _first_behind(contract.congestion_point.feeder.code, at) != portfolio.pk:
            continue
        left = _reserved(contract, day)
        for ask in asks:
            if ask.contract_id == contract.pk:
                left = left - np.array(ask.quantity_kw)
        for bid in Bid.objects.filter(ask__contract=contract, delivery_date=day.date, state__in=Bid.LIVE_STATES):
            left = left - np.array(bid.up_kw) - np.array(bid.down_kw)
        kept[contract.direction] = kept[contract.direction] + np.maximum(left, 0.0)
    return kept


def asked_hours(portfolio: Portfolio, day: DeliveryDay) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(H,) where an ask has a live bid or commit, up and down: there the movement must be seen at its place.

    Nothing the other way is sold then: a purchase in the same hour would pay for the ask with somebody else's power.
    """
    up, down = np.zeros(day.n_intervals, dtype=bool), np.zeros(day.n_intervals, dtype=bool)
    live = Bid.objects.filter(portfolio=portfolio, delivery_date=day.date, ask__isnull=False)
    for bid in live.filter(state__in=Bid.LIVE_STATES).select_related("award"):
        promise = bid.award if hasattr(bid, "award") else bid
        up |= np.array(promise.up_kw) > 0
        down |= np.array(promise.down_kw) > 0
    return up, down


def _reserved(contract: FlexContract, day: DeliveryDay) -> FloatArray:
    row = Reservation.objects.filter(contract=contract, delivery_date=day.date).first()
    return np.array(row.reserved_kw) if row else np.full(day.n_intervals, contract.power_kw)


def _first_behind(feeder_code: str, at: datetime) -> int | None:
    """The portfolio that answers first there: one of the feeder alone, then by code."""
    behind = Enrollment.objects.filter(device__site__feeder_code=feeder_code, period__contains=at)
    found = Portfolio.objects.filter(pk__in=behind.values("portfolio"))
    ordered = sorted(found, key=lambda one: (one.feeder_code != feeder_code, one.code))
    return ordered[0].pk if ordered else None
