"""Clearing all-or-none blocks of exclusive groups beside a competing book, at one uniform price an interval.

A block is taken whole or not at all, at most one of a group, and only where it gains at the final prices; what would
lose is turned down although the price before it would have taken it (paradoxically rejected), as in the public
description of the Euphemia algorithm ("Euphemia Public Description", section on block orders). A heuristic in its
spirit: groups are served by falling gain, prices cleared anew after each, and what came to lose is banned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vpp.simulation.kernels.clearing import AT_ANY_PRICE, clear_energy_day

Floats = NDArray[np.float64]
MOST_ROUNDS = 200


@dataclass(frozen=True)
class Block:
    """sell_kw, buy_kw (H,); sell_price at least, buy_price at most, EUR/MWh, means weighted by volume."""

    sell_kw: Floats
    buy_kw: Floats
    sell_price: float
    buy_price: float

    def gain(self, price: Floats) -> float:
        """Above the limits, kW times EUR/MWh summed over the intervals."""
        return float(((price - self.sell_price) * self.sell_kw).sum() + ((self.buy_price - price) * self.buy_kw).sum())


def clear_blocks(
    groups: Sequence[Sequence[Block]], reference_price: Floats, depth_kw_per_eur: float
) -> tuple[Floats, list[int | None]]:
    """price (H,) and the number of the block taken in each group, None where none is.

    reference_price (H,) and depth: the competing book, as of `clear_energy_day`.
    """
    taken: list[int | None] = [None] * len(groups)
    banned: set[tuple[int, int]] = set()
    price = _price(groups, taken, reference_price, depth_kw_per_eur)
    for _ in range(MOST_ROUNDS):
        wanted = _best_open(groups, taken, banned, price)
        if wanted is None:
            return price, taken
        group, number = wanted
        taken[group] = number
        price = _price(groups, taken, reference_price, depth_kw_per_eur)
        for other, index in enumerate(taken):
            if index is not None and groups[other][index].gain(price) < -1e-6:
                banned.add((other, index))
                taken[other] = None
        price = _price(groups, taken, reference_price, depth_kw_per_eur)
    return _without_losers(groups, taken, reference_price, depth_kw_per_eur)


def _best_open(
    groups: Sequence[Sequence[Block]], taken: list[int | None], banned: set[tuple[int, int]], price: Floats
) -> tuple[int, int] | None:
    """The block of largest gain in a group of which none is taken."""
    gains = {
        (group, number): block.gain(price)
        for group, blocks in enumerate(groups)
        if taken[group] is None
        for number, block in enumerate(blocks)
        if (group, number) not in banned
    }
    best = max(gains, key=lambda key: gains[key], default=None)
    return best if best is not None and gains[best] > 1e-6 else None


def _without_losers(
    groups: Sequence[Sequence[Block]], taken: list[int | None], reference_price: Floats, depth_kw_per_eur: float
) -> tuple[Floats, list[int | None]]:
    """Whatever loses is dropped until nothing does; each round drops one, so it ends."""
    price = _price(groups, taken, reference_price, depth_kw_per_eur)
    while True:
        losing = [g for g, n in enumerate(taken) if n is not None and groups[g][n].gain(price) < -1e-6]
        if not losing:
            return price, taken
        taken[losing[0]] = None
        price = _price(groups, taken, reference_price, depth_kw_per_eur)


def _price(
    groups: Sequence[Sequence[Block]], taken: list[int | None], reference_price: Floats, depth_kw_per_eur: float
) -> Floats:
    """(H,) with the taken blocks sold and bought at any price."""
    chosen = [groups[group][number] for group, number in enumerate(taken) if number is not None]
    zero = np.zeros_like(reference_price)
    sell_kw = np.sum([block.sell_kw for block in chosen], axis=0) if chosen else zero
    buy_kw = np.sum([block.buy_kw for block in chosen], axis=0) if chosen else zero
    limits = np.stack([np.full_like(zero, -AT_ANY_PRICE), np.full_like(zero, AT_ANY_PRICE)])
    price, _, _ = clear_energy_day(
        np.stack([sell_kw, zero]), np.stack([zero, buy_kw]), limits, reference_price, depth_kw_per_eur
    )
    return price
