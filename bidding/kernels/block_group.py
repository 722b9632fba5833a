"""An exclusive group of all-or-none blocks: what each is worth, and which few of many candidates to send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bidding.kernels.problem import FloatArray
from vpp.lib.units import KW_PER_MW

WORTH = 0.05  # currency a day: a block whose expected gain beside the others is below is left out


@dataclass(frozen=True)
class BlockRules:
    """most: blocks in the group; loops: whether one block may buy in one run and sell in another.

    floor, cap, tick of prices; most_kw: largest quantity of a block in any interval.
    """

    most: int
    loops: bool
    floor: float
    cap: float
    tick: float
    most_kw: float = float("inf")


@dataclass(frozen=True)
class BlockOrder:
    """up_kw, down_kw (B,) per market block; price of what it sells (at least) or, where it only buys, at most.

    buy_price: of a loop's purchases, at most. cost: what delivering it costs beyond delivering nothing.
    """

    name: str
    up_kw: FloatArray
    down_kw: FloatArray
    price: float
    buy_price: float | None
    cost: float

    def surplus(self, prices: FloatArray, hours: FloatArray) -> FloatArray:
        """(S,) what is earned above the limit prices at prices (S, B); hours (B,) of each market block."""
        buys = self.price if self.buy_price is None else self.buy_price
        sold = (prices - self.price) @ (self.up_kw * hours)
        bought = (buys - prices) @ (self.down_kw * hours)
        return np.asarray((sold + bought) / KW_PER_MW, dtype=np.float64)


def expected_gain(orders: Sequence[BlockOrder], scenarios: FloatArray, hours: FloatArray) -> float:
    """Currency a day when the market takes the best of the group, or none, in each scenario."""
    if not orders:
        return 0.0
    return float(np.maximum(np.max([one.surplus(scenarios, hours) for one in orders], axis=0), 0.0).mean())


def best_of(orders: list[BlockOrder], scenarios: FloatArray, hours: FloatArray, most: int) -> list[BlockOrder]:
    """Greedily the orders that together gain most when at most one is taken (a submodular function: at least 63 % of
    the best choice; Nemhauser, Wolsey and Fisher 1978, doi:10.1007/BF01588971).
    """
    chosen: list[BlockOrder] = []
    reached = np.zeros(scenarios.shape[0])
    left = list(orders)
    while left and len(chosen) < most:
        gains = [float((np.maximum(one.surplus(scenarios, hours), reached) - reached).mean()) for one in left]
        best = int(np.argmax(gains))
        if gains[best] < WORTH:
            break
        order = left.pop(best)
        reached = np.maximum(order.surplus(scenarios, hours), reached)
        chosen.append(replace(order, name=f"B{len(chosen) + 1}"))
    return chosen


def best_run(quantity: FloatArray, worth: FloatArray) -> FloatArray:
    """`quantity` (B,) within its unbroken run of largest total worth, 0 elsewhere."""
    best, best_worth, begin = np.zeros_like(quantity), 0.0, None
    for block in range(quantity.size + 1):
        going = block < quantity.size and quantity[block] > 1e-9
        if going and begin is None:
            begin = block
        elif not going and begin is not None:
            total = float(worth[begin:block].sum())
            if total > best_worth or not best.any():
                best, best_worth = np.zeros_like(quantity), total
                best[begin:block] = quantity[begin:block]
            begin = None
    return best


def on_tick(price: float, tick: float, rounded: np.ufunc) -> float:
    slack = -1e-6 if rounded is np.ceil else 1e-6
    return round(float(rounded(price / tick + slack)) * tick, 6) + 0.0
