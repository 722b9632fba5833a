"""What standing contracts keep from being sold elsewhere until it is asked for or released."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from bidding.distribution.contract_use import reserved_kw
from bidding.kernels.problem import ReserveProduct
from bidding.models import Ask, Bid, Direction, FlexContract
from vpp.enrollment.models import Portfolio
from vpp.enrollment.queries import portfolios_behind
from vpp.lib.periods import DeliveryDay

FloatArray = NDArray[np.float64]
NO_LOT_KW = 1e9  # larger than any fleet, so that nothing of what is kept is sold


@dataclass(frozen=True)
class Kept:
    """What one contract keeps: (H,) kW, and the energy (kWh, infinite without a limit) that may still be ordered."""

    contract: FlexContract
    power_kw: FloatArray
    energy_kwh: float

    def as_reserve(self) -> ReserveProduct:
        """Held like a reserve that was sold: storages keep enough energy, or room, for all that may be ordered."""
        return ReserveProduct(
            code=f"contract {self.contract.pk}",
            direction=self.contract.direction,
            block_of_interval=np.zeros(self.power_kw.size, dtype=np.int64),  # nothing more of it is for sale
            price_eur_per_mw_h=np.zeros(1),
            min_quantity_kw=NO_LOT_KW,
            lot_kw=NO_LOT_KW,
            endurance_h=self.energy_kwh / float(self.power_kw.max()),
        )


def kept_back(
    portfolio: Portfolio, feeders: Collection[str], day: DeliveryDay, at: datetime, asks: Iterable[Ask]
) -> list[Kept]:
    """What contracts of the feeders reserve and nobody was promised yet.

    Only from the first portfolio behind the feeder. `asks` under a contract take from what it keeps, and live bids on
    other ones.
    """
    kept, asks = [], list(asks)
    contracts = FlexContract.objects.active_on(day.date).filter(congestion_point__feeder__code__in=feeders)
    for contract in contracts.select_related("congestion_point__feeder"):
        if portfolios_behind(contract.congestion_point.feeder.code, at)[:1] != [portfolio]:
            continue
        taken = np.zeros(day.n_intervals)
        for ask in asks:
            if ask.contract_id == contract.pk:
                taken = taken + np.array(ask.quantity_kw)
        bids = Bid.objects.filter(ask__contract=contract, delivery_date=day.date, state__in=Bid.LIVE_STATES)
        for bid in bids.exclude(ask__in=asks):
            taken = taken + np.array(bid.up_kw) + np.array(bid.down_kw)
        power_kw = np.maximum(np.array(reserved_kw(contract, day)) - taken, 0.0)
        limit_kwh = np.inf if contract.energy_limit_kwh is None else contract.energy_limit_kwh
        energy_kwh = max(limit_kwh - float(taken.sum()) * day.hours_per_interval, 0.0)
        if power_kw.any() and energy_kwh > 0:
            kept.append(Kept(contract, power_kw, energy_kwh))
    return kept


def kept_kw(kept: Iterable[Kept], direction: Direction, count: int) -> FloatArray:
    """(count,) kW that contracts keep in one direction."""
    return sum((one.power_kw for one in kept if one.contract.direction == direction), start=np.zeros(count))


def with_contracts(
    held: tuple[ReserveProduct, ...], reserve_kw: dict[str, FloatArray], kept: Iterable[Kept]
) -> tuple[tuple[ReserveProduct, ...], dict[str, FloatArray]]:
    """Promised reserve by code, and beside it what contracts with an energy limit keep, energy and all."""
    bounded = [one for one in kept if np.isfinite(one.energy_kwh)]
    reserves = tuple(one.as_reserve() for one in bounded)
    return held + reserves, reserve_kw | {
        reserve.code: one.power_kw for reserve, one in zip(reserves, bounded, strict=True)
    }


def asked_hours(portfolio: Portfolio, day: DeliveryDay) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(H,) where an ask has a live bid or commit, up and down: there the movement must be seen at its place.

    Nothing the other way is sold then: a purchase in the same hour would pay for the ask with somebody else's power.
    """
    up, down = np.zeros(day.n_intervals, dtype=bool), np.zeros(day.n_intervals, dtype=bool)
    live = Bid.objects.filter(portfolio=portfolio, delivery_date=day.date, ask__isnull=False)
    for bid in live.filter(state__in=Bid.LIVE_STATES).select_related("award"):
        promise = bid.award or bid
        up |= np.array(promise.up_kw) > 0
        down |= np.array(promise.down_kw) > 0
    return up, down
