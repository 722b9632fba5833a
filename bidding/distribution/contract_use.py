"""What of a standing contract is left on a day: power that is still reserved, energy that was not ordered yet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bidding.models import Award, FlexContract, Reservation
from vpp.lib.periods import DeliveryDay

FloatArray = NDArray[np.float64]


def reserved_kw(contract: FlexContract, day: DeliveryDay) -> list[float]:
    """(H,) what is still reserved: the contract's power until an update lowered it."""
    row = Reservation.objects.filter(contract=contract, delivery_date=day.date).first()
    return list(row.reserved_kw) if row else [contract.power_kw] * day.n_intervals


def ordered_kw(contract: FlexContract, day: DeliveryDay) -> FloatArray:
    """(H,) what was ordered under the contract."""
    ordered = np.zeros(day.n_intervals)
    awards = Award.objects.filter(bid__ask__contract=contract, bid__delivery_date=day.date)
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


def within_contract(contract: FlexContract, day: DeliveryDay, wanted_kw: list[float]) -> list[float]:
    """(H,) of what is wanted what the contract still holds: power in each interval, energy from the first one on."""
    bounded_kw = np.minimum(wanted_kw, orderable_kw(contract, day))
    left_kw = energy_left_kwh(contract, day) / day.hours_per_interval
    before_kw = np.concatenate([[0.0], np.cumsum(bounded_kw)[:-1]])
    return [float(value) for value in np.clip(left_kw - before_kw, 0.0, bounded_kw)]
