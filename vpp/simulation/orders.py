"""Bids as the simulated exchange reads them: single orders per market block, or groups of blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from vpp.lib.periods import DeliveryDay
from vpp.simulation.kernels.block_clearing import Block
from vpp.simulation.kernels.clearing import AT_ANY_PRICE, orders_of_curve, steps_of_line

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
RESERVE_SPREAD_PU = 0.2


def block_of_interval(day: DeliveryDay, block_minutes: int) -> Ints:
    """(H,) number of each interval's block: up to an hour by elapsed time, longer ones by the wall clock."""
    if block_minutes <= 60:
        return np.arange(day.n_intervals, dtype=np.int64) // max(block_minutes // day.step_minutes, 1)
    zone = ZoneInfo(day.zone)
    local = [start.astimezone(zone) for start in day.starts()]
    return np.array([(moment.hour * 60 + moment.minute) // block_minutes for moment in local], dtype=np.int64)


def orders_of(bids: Sequence[Mapping[str, Any]], first: Ints) -> tuple[Ints, Floats, Floats, Floats]:
    """Every bid as single orders: the bid each belongs to (R,), and per block (R, B) sales, purchases and limits."""
    rows: list[tuple[int, Floats, Floats, Floats]] = []
    for number, bid in enumerate(bids):
        if bid.get("curve") is None:
            sell, buy, limit = (np.array(bid[name], float)[first] for name in ("up_kw", "down_kw", "price_per_mwh"))
            rows.append((number, sell, buy, limit))
            continue
        down = bid["product_kind"] == "RESERVE_DOWN"
        is_line = bid.get("order_form") == "LINEAR" and bid["product_kind"] == "ENERGY"
        curve = [steps_of_line(points) if is_line else points for points in bid["curve"]]
        steps = [orders_of_curve(points, -AT_ANY_PRICE) for points in curve]
        for rank in range(max(map(len, steps), default=0)):
            padded = np.array([step[rank] if rank < len(step) else (0.0, 0.0, 0.0) for step in steps])
            sell, buy = (padded[:, 2], padded[:, 1]) if down else (padded[:, 1], padded[:, 2])
            rows.append((number, sell, buy, padded[:, 0]))
    owner, sales, purchases, limits = zip(*rows, strict=True)
    return np.array(owner, dtype=np.int64), np.array(sales), np.array(purchases), np.array(limits)


def group_of(bid: Mapping[str, Any], first: Ints) -> list[Block]:
    """A bid's exclusive group, per market block."""
    return [
        Block(
            np.array(block["up_kw"], float)[first],
            np.array(block["down_kw"], float)[first],
            float(block["price_per_mwh"]),
            float(block.get("buy_price_per_mwh", block["price_per_mwh"])),
        )
        for block in bid.get("blocks") or ()
    ]


def per_bid(values: Floats, owner: Ints, count: int) -> Floats:
    summed = np.zeros((count, values.shape[1]))
    np.add.at(summed, owner, values)
    return summed


def block_means(values: Floats, blocks: Ints) -> Floats:
    """(B,) mean of (H,) values per block."""
    means: Floats = np.bincount(blocks, weights=values).astype(np.float64) / np.bincount(blocks)
    return means


def reserve_prices(n_blocks: int, reserve_price: float, seed: int) -> Floats:
    """(B,) EUR/MW/h of the competing offer that closes the tender, drawn around a level."""
    draw = np.random.default_rng(seed).uniform(1.0, 1.0 + RESERVE_SPREAD_PU, n_blocks)
    prices: Floats = np.round(reserve_price * draw, 2)
    return prices
