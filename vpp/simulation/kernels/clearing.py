"""Market clearing: one uniform price per interval (pay-as-clear) for offers and demand of any number of traders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Clearing:
    """price_eur_per_mwh of one interval; accepted quantities in the order of the orders."""

    price_eur_per_mwh: float
    accepted_supply_kw: Floats
    accepted_demand_kw: Floats


def clear_uniform(supply_price: Floats, supply_kw: Floats, demand_price: Floats, demand_kw: Floats) -> Clearing:
    """The auction of one interval: supply by rising price meets demand by falling price.

    supply_price, supply_kw : (S,); demand_price, demand_kw : (D,); EUR/MWh and kW >= 0.

    Every order better than the price is filled, orders at the margin share pro rata. The price is the middle of
    the interval of prices at which the traded quantity is the largest possible (the rule of the Euphemia algorithm's
    public description, "Price Coupling of Regions", 2016, section on price determination). No trade: NaN.
    """
    up, down = np.argsort(supply_price, kind="stable"), np.argsort(-demand_price, kind="stable")
    offered_kw, wanted_kw = np.cumsum(supply_kw[up]), np.cumsum(demand_kw[down])
    steps_kw = np.unique(np.concatenate([offered_kw, wanted_kw]))
    steps_kw = steps_kw[(steps_kw > 0.0) & (steps_kw <= min(_last(offered_kw), _last(wanted_kw)))]
    ask = supply_price[up][np.searchsorted(offered_kw, steps_kw, side="left")]
    bid = demand_price[down][np.searchsorted(wanted_kw, steps_kw, side="left")]
    tradable = np.flatnonzero(ask <= bid)
    if tradable.size == 0:
        return Clearing(float("nan"), np.zeros_like(supply_kw), np.zeros_like(demand_kw))
    traded_kw = float(steps_kw[tradable[-1]])
    low, high = _price_interval(supply_price[up], offered_kw, demand_price[down], wanted_kw, traded_kw)
    return Clearing(
        (low + high) / 2.0,
        _fill(supply_price, supply_kw, traded_kw),
        _fill(-demand_price, demand_kw, traded_kw),
    )


def clear_energy_day(
    sell_kw: Floats,
    buy_kw: Floats,
    limit_price: Floats,
    reference_price: Floats,
    depth_kw_per_eur: float,
) -> tuple[Floats, Floats, Floats]:
    """Clear our bids interval by interval against a competing book around a reference price.

    sell_kw, buy_kw, limit_price : (B, H) of B bids, kW and EUR/MWh; reference_price : (H,).
    depth_kw_per_eur : competing quantity on each side of the reference price per EUR/MWh away from it.
    returns : price (H,), accepted sell_kw and buy_kw (B, H).
    """
    n_bids, n_intervals = sell_kw.shape
    price, sold, bought = np.empty(n_intervals), np.zeros_like(sell_kw), np.zeros_like(buy_kw)
    away = np.arange(1, 41) * 0.5
    others_kw = np.full(away.size, depth_kw_per_eur * 0.5)
    for t in range(n_intervals):
        centre = reference_price[t]
        at_reference = depth_kw_per_eur * 0.5
        cleared = clear_uniform(
            np.concatenate([limit_price[:, t], [centre], centre + away]),
            np.concatenate([sell_kw[:, t], [at_reference], others_kw]),
            np.concatenate([limit_price[:, t], [centre], centre - away]),
            np.concatenate([buy_kw[:, t], [at_reference], others_kw]),
        )
        price[t] = cleared.price_eur_per_mwh
        sold[:, t] = cleared.accepted_supply_kw[:n_bids]
        bought[:, t] = cleared.accepted_demand_kw[:n_bids]
    return price, sold, bought


def orders_of_curve(points: Sequence[Sequence[float]], floor: float) -> list[tuple[float, float, float]]:
    """A net curve as single orders (limit price, sell_kw, buy_kw): each step up is a sale, or a purchase given up.

    points : rising [[price, kW], ...], sales positive; from a step's price on, so much. floor: lowest price there is.
    """
    orders: list[tuple[float, float, float]] = []
    before = 0.0
    for price, quantity in points:
        if quantity < 0.0 and before == 0.0:  # what is bought at the lowest prices, split below where it shrinks
            before = quantity
            orders.append((AT_ANY_PRICE, 0.0, -quantity))
            continue
        if before < 0.0:
            given_up = min(quantity, 0.0) - before
            limit, _, most = orders.pop()
            orders.append((price - TICK, 0.0, given_up))
            if most > given_up:
                orders.append((limit, 0.0, most - given_up))
        if quantity > 0.0:
            orders.append((max(price, floor), quantity - max(before, 0.0), 0.0))
        before = quantity
    return orders


def steps_of_line(points: Sequence[Sequence[float]], parts: int = 20) -> list[list[float]]:
    """Straight lines between points as small steps, each offered from the price where the line reaches its middle."""
    steps: list[list[float]] = [list(points[0])] if points else []
    for (low, first), (high, second) in zip(points[:-1], points[1:], strict=True):
        if second > first:
            count = parts if high - low > parts * TICK else 1
            for part in range(count):
                price = high if count == 1 else low + (part + 0.5) / count * (high - low)
                steps.append([price, first + (part + 1) / count * (second - first)])
    return steps if steps and (steps[0][1] != 0.0 or len(steps) == 1) else steps[1:]


TICK = 0.01
AT_ANY_PRICE = 1e6


def clear_reserve_day(
    offered_kw: Floats, limit_price: Floats, competitor_price: Floats, block_intervals: int
) -> tuple[Floats, Floats]:
    """Clear reserve offers per block of intervals: a block is taken whole when it is no dearer than the competitors.

    offered_kw, limit_price : (B, H); competitor_price : (H,) EUR/MW/h of the offer that closes the tender's demand.
    returns : price (H,) paid to all who are taken, accepted_kw (B, H). A block is offered at its dearest interval.
    """
    accepted_kw = np.zeros_like(offered_kw)
    n_intervals = offered_kw.shape[1]
    price = np.empty(n_intervals)
    for start in range(0, n_intervals, block_intervals):
        block = slice(start, min(start + block_intervals, n_intervals))
        price[block] = competitor_price[block].mean()
        asked = np.where(offered_kw[:, block] > 0.0, limit_price[:, block], -np.inf).max(axis=1)
        taken = asked <= price[start]
        accepted_kw[taken, block] = offered_kw[taken, block]
    return price, accepted_kw


def _last(cumulated_kw: Floats) -> float:
    return float(cumulated_kw[-1]) if cumulated_kw.size else 0.0


def _fill(price: Floats, quantity_kw: Floats, traded_kw: float) -> Floats:
    """Quantities (N,) filled in order of price up to traded_kw; orders of equal price share pro rata."""
    filled_kw, left_kw = np.zeros_like(quantity_kw), traded_kw
    for level in np.unique(price):
        same = price == level
        level_kw = float(quantity_kw[same].sum())
        if level_kw <= 0.0:
            continue
        share = min(1.0, left_kw / level_kw)
        filled_kw[same] = quantity_kw[same] * share
        left_kw = max(left_kw - level_kw, 0.0)
        if left_kw == 0.0:
            break
    return filled_kw


def _price_interval(
    ask: Floats, offered_kw: Floats, bid: Floats, wanted_kw: Floats, traded_kw: float
) -> tuple[float, float]:
    """Lowest and highest price at which exactly traded_kw trades: filled orders must agree, unfilled ones must not."""
    last_in_ask = ask[np.searchsorted(offered_kw, traded_kw, side="left")]
    last_in_bid = bid[np.searchsorted(wanted_kw, traded_kw, side="left")]
    first_out = np.searchsorted(offered_kw, traded_kw, side="right")
    next_ask = ask[first_out] if first_out < ask.size else np.inf
    first_rest = np.searchsorted(wanted_kw, traded_kw, side="right")
    next_bid = bid[first_rest] if first_rest < bid.size else -np.inf
    low, high = max(last_in_ask, min(next_bid, last_in_bid)), min(last_in_bid, max(next_ask, last_in_ask))
    return float(low), float(high)
