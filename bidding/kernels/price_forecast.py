"""The price expected at bidding time: the mean of the last known days at the same wall-clock time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bidding.kernels.problem import FloatArray

IntArray = NDArray[np.int64]


def price_scenarios(
    known_day: IntArray, known_wall_minute: IntArray, known_price: FloatArray, wanted_wall_minute: IntArray, *,
    days: int = 10,
) -> FloatArray:  # fmt: skip
    """(S, B) prices of the last known days at the wanted times, each day as likely as the others; (0, B) without any.

    Arguments as in `expected_prices`. A day that misses a wanted time is left out.
    """
    usable = np.isfinite(known_price)
    found = []
    for day in np.unique(known_day[usable])[-days:]:
        chosen = usable & (known_day == day)
        order = np.argsort(known_wall_minute[chosen])
        minutes, price = known_wall_minute[chosen][order], known_price[chosen][order]
        position = np.searchsorted(minutes, wanted_wall_minute, side="right") - 1
        if np.all(position >= 0):
            found.append(price[position])
    return np.array(found, dtype=np.float64).reshape(len(found), wanted_wall_minute.size)


@dataclass(frozen=True)
class PriceExpectation:
    """price (B,) per block; `days` used; `filled` blocks had no value of their own and took the overall mean."""

    price: FloatArray
    days: int
    filled: int


def expected_prices(
    known_day: IntArray,
    known_wall_minute: IntArray,
    known_price: FloatArray,
    wanted_wall_minute: IntArray,
    *,
    days: int = 7,
) -> PriceExpectation | None:
    """Mean by wall-clock minute over the last `days` known local days; None when nothing is known.

    known_day (K,) day numbers; known_wall_minute (K,) local minutes after midnight of each price's start; NaN prices
    are
    left out. wanted_wall_minute (B,): the block starts of the delivery day. A wanted time between two known starts
    takes
    the earlier one, so hourly prices serve a quarter-hour product.
    """
    usable = np.isfinite(known_price)
    if not usable.any():
        return None
    last_days = np.unique(known_day[usable])[-days:]
    chosen = usable & np.isin(known_day, last_days)
    minutes, place = np.unique(known_wall_minute[chosen], return_inverse=True)
    mean = np.bincount(place, weights=known_price[chosen]) / np.bincount(place)
    spacing = int(np.diff(minutes).min()) if minutes.size > 1 else 24 * 60
    position = np.searchsorted(minutes, wanted_wall_minute, side="right") - 1
    fits = (position >= 0) & (wanted_wall_minute - minutes[np.maximum(position, 0)] < spacing)
    price = np.where(fits, mean[np.maximum(position, 0)], float(known_price[chosen].mean()))
    return PriceExpectation(price, int(last_days.size), int((~fits).sum()))
