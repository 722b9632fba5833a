"""The rules of an exclusive group, in plain loops that share nothing with the optimiser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bidding.kernels.book import Promise, check_promise

TOLERANCE_KW = 1e-6


@dataclass(frozen=True)
class GroupRules:
    """Of a product: blocks in a group, whether one may buy and sell (a loop), sizes in kW, prices."""

    most: int
    loops: bool
    lot_kw: float
    min_kw: float
    most_kw: float | None
    price_floor: float
    price_cap: float
    tick: float


def group_findings(
    blocks: Sequence[Mapping[str, Any]], block_of_interval: Sequence[int], rules: GroupRules
) -> list[str]:
    """Every broken rule; empty when the group may be sent. block_of_interval (T,): market block of each interval."""
    found = []
    if len(blocks) > rules.most:
        found.append(f"{len(blocks)} blocks, the market takes {rules.most}")
    names = [str(block.get("name")) for block in blocks]
    found += [f"{name}: stands there more than once" for name in sorted({n for n in names if names.count(n) > 1})]
    for name, block in zip(names, blocks, strict=True):
        found += [f"{name}: {text}" for text in _block_findings(block, list(block_of_interval), rules)]
    return found


def _block_findings(block: Mapping[str, Any], units: list[int], rules: GroupRules) -> list[str]:
    up_kw, down_kw = ([float(value) for value in block[side]] for side in ("up_kw", "down_kw"))
    if not len(up_kw) == len(down_kw) == len(units):
        return [f"{len(up_kw)} and {len(down_kw)} intervals, the day has {len(units)}"]
    found = []
    for direction, side in (("UP", up_kw), ("DOWN", down_kw)):
        promise = Promise("", direction, side, rules.lot_kw, rules.min_kw)
        found += [f"{one.rule} in interval {one.interval}" for one in check_promise(promise)[:1]]
        if rules.most_kw is not None and max(side, default=0.0) > rules.most_kw + TOLERANCE_KW:
            found.append(f"{max(side)} kW, the market takes {rules.most_kw}")
        if runs_of(side) > 1:
            found.append(f"{runs_of(side)} runs {direction}, a block is one")
        if any(side[t] != side[t - 1] and units[t] == units[t - 1] for t in range(1, len(units))):
            found.append("changes within a market time unit")
    sells, buys = any(up_kw), any(down_kw)
    if not sells and not buys:
        found.append("offers nothing")
    if sells and buys and not rules.loops:
        found.append("buys and sells, the market takes no loops")
    if any(up > 0 and down > 0 for up, down in zip(up_kw, down_kw, strict=True)):
        found.append("buys and sells in one interval")
    return found + _price_findings(block, sells and buys, rules)


def _price_findings(block: Mapping[str, Any], is_loop: bool, rules: GroupRules) -> list[str]:
    found = []
    prices = {"price_per_mwh": block.get("price_per_mwh"), "buy_price_per_mwh": block.get("buy_price_per_mwh")}
    if is_loop is (prices["buy_price_per_mwh"] is None):
        found.append("a loop, and only a loop, has a buy_price_per_mwh")
    for key, price in prices.items():
        if price is None:
            continue
        if not rules.price_floor - 1e-9 <= price <= rules.price_cap + 1e-9:
            found.append(f"{key} {price} outside {rules.price_floor} to {rules.price_cap}")
        if abs(price / rules.tick - round(price / rules.tick)) > 1e-6:
            found.append(f"{key} {price} is no multiple of {rules.tick}")
    return found


def runs_of(side: Sequence[float]) -> int:
    """Unbroken runs of a positive quantity."""
    return sum(1 for t, value in enumerate(side) if value > 0 and (t == 0 or side[t - 1] <= 0))


def extremes_of_group(blocks: Sequence[Mapping[str, Any]]) -> tuple[list[float], list[float]]:
    """(T,) kW that the group may take at most, as at most one of its blocks is taken."""
    up_kw, down_kw = ([list(map(float, block[side])) for block in blocks] for side in ("up_kw", "down_kw"))
    return [max(column) for column in zip(*up_kw, strict=True)], [max(column) for column in zip(*down_kw, strict=True)]


def taken_block(
    blocks: Sequence[Mapping[str, Any]], up_kw: Sequence[float], down_kw: Sequence[float]
) -> Mapping[str, Any] | None:
    """The block that an award is all of; None where it is none of them."""
    for block in blocks:
        same = zip((*block["up_kw"], *block["down_kw"]), (*up_kw, *down_kw), strict=True)
        if all(abs(float(offered) - float(got)) <= 1e-3 for offered, got in same):
            return block
    return None
