"""What of a standing contract is left on a day: power that is still reserved, energy that was not ordered yet.

Offers that nobody has ordered yet share that energy: if all of them are ordered, the contract still holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bidding.errors import BadReservation, SoldTwice
from bidding.models import Ask, Award, Bid, FlexContract, Reservation
from vpp.lib.periods import DeliveryDay

if TYPE_CHECKING:
    from bidding.operations.drafts import BidDraft

FloatArray = NDArray[np.float64]


def reserved_kw(contract: FlexContract, day: DeliveryDay) -> list[float]:
    """(H,) what is still reserved: the contract's power until an update lowered it."""
    row = Reservation.objects.filter(contract=contract, delivery_date=day.date).first()
    return list(row.reserved_kw) if row else [contract.power_kw] * day.n_intervals


def ordered_kw(contract: FlexContract, day: DeliveryDay) -> FloatArray:
    """(H,) what was ordered under the contract."""
    ordered = np.zeros(day.n_intervals)
    awards = Award.objects.standing().filter(bid__ask__contract=contract, bid__delivery_date=day.date)
    for up_kw, down_kw in awards.values_list("up_kw", "down_kw"):
        ordered += np.array(up_kw) + np.array(down_kw)
    return ordered


def orderable_kw(contract: FlexContract, day: DeliveryDay) -> FloatArray:
    """(H,) reserved and not ordered yet."""
    return np.maximum(np.array(reserved_kw(contract, day)) - ordered_kw(contract, day), 0.0)


def energy_left_kwh(contract: FlexContract, day: DeliveryDay) -> float:
    """Energy that may still be ordered; infinite without a limit."""
    if contract.energy_limit_kwh is None:
        return np.inf
    ordered_kwh = float(ordered_kw(contract, day).sum()) * day.hours_per_interval
    return max(contract.energy_limit_kwh - ordered_kwh, 0.0)


def offerable_kwh(contract: FlexContract, day: DeliveryDay, *, but: str = "") -> float:
    """Energy that neither was ordered nor stands in an open offer (`but`: of another key); infinite without a limit."""
    open_bids = Bid.objects.filter(
        ask__contract=contract, delivery_date=day.date, state__in=Bid.LIVE_STATES, award__isnull=True
    )
    series = open_bids.exclude(natural_key=but).values_list("up_kw", "down_kw")
    offered_kw = sum(sum(up_kw) + sum(down_kw) for up_kw, down_kw in series)
    return max(energy_left_kwh(contract, day) - offered_kw * day.hours_per_interval, 0.0)


def within_contract(contract: FlexContract, day: DeliveryDay, wanted_kw: list[float]) -> list[float]:
    """(H,) of what is wanted what the contract still holds: power in each interval, energy from the first one on."""
    bounded_kw = np.minimum(wanted_kw, orderable_kw(contract, day))
    return _first_of(bounded_kw, energy_left_kwh(contract, day), day).tolist()


def within_energy(wanted: Mapping[int, tuple[Ask, FloatArray]], day: DeliveryDay) -> dict[int, tuple[Ask, FloatArray]]:
    """Asks by id with what is wanted, cut so that the asks of one contract together stay within its offerable energy:
    the earlier ask first, and of it the earlier intervals.
    """
    left_kwh: dict[int, float] = {}
    found = {}
    for key in sorted(wanted):
        ask, wanted_kw = wanted[key]
        if ask.contract is not None:
            left = left_kwh.setdefault(ask.contract.pk, offerable_kwh(ask.contract, day))
            wanted_kw = _first_of(wanted_kw, left, day)
            left_kwh[ask.contract.pk] = left - float(wanted_kw.sum()) * day.hours_per_interval
        found[key] = (ask, wanted_kw)
    return found


def lock_contracts(asks: Iterable[Ask]) -> None:
    """One offer after the other; before the portfolio's lock, as a direct order takes them."""
    keys = {ask.contract_id for ask in asks if ask.contract_id}
    list(FlexContract.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk"))


def check_offer(draft: BidDraft) -> None:
    """Raises SoldTwice where a new offer and the open ones would be more than the contract's energy."""
    if draft.ask is not None and draft.ask.contract is not None:
        lock_contracts([draft.ask])
        energy_kwh = (sum(draft.up_kw) + sum(draft.down_kw)) * draft.day.hours_per_interval
        left_kwh = offerable_kwh(draft.ask.contract, draft.day, but=draft.natural_key)
        if energy_kwh > left_kwh + 1e-6:
            raise SoldTwice(f"{energy_kwh:g} kWh offered, {left_kwh:g} kWh of {draft.ask.contract} are not offered yet")


def check_order(ask: Ask, energy_kwh: float, day: DeliveryDay) -> None:
    """Raises BadReservation for more energy than the contract still holds, as after a direct order."""
    if ask.contract is not None:
        lock_contracts([ask])
        left_kwh = energy_left_kwh(ask.contract, day)
        if energy_kwh > left_kwh + 1e-3:
            raise BadReservation(f"{energy_kwh:g} kWh ordered, {left_kwh:g} kWh are left of the day's energy")


def _first_of(wanted_kw: FloatArray, energy_kwh: float, day: DeliveryDay) -> FloatArray:
    """(H,) the first of what is wanted, up to an energy."""
    before_kw = np.concatenate([[0.0], np.cumsum(wanted_kw)[:-1]])
    left_kw = energy_kwh / day.hours_per_interval - before_kw
    return np.asarray(np.clip(left_kw, 0.0, wanted_kw), dtype=np.float64)
