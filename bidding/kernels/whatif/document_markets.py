"""The market part of a what-if file: energy, block orders, reserves, and how quantities move their prices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bidding.kernels.block_check import runs_of
from bidding.kernels.block_group import BlockOrder
from bidding.kernels.whatif.reading import Reader
from bidding.kernels.whatif.stated import Block, Energy, Reserve

RESERVE_KEYS = {
    "name", "direction", "mtu_minutes", "price_per_mw_h", "min_quantity_kw", "endurance_h", "activation",
    "residual_demand",
}  # fmt: skip
ENERGY_KEYS = {
    "mtu_minutes", "price_per_mwh", "min_quantity_kw", "curve", "curve_form", "import_fee_per_mwh", "residual_demand",
}  # fmt: skip
BLOCK_KEYS = {"name", "group", "position_kw", "price_per_mwh", "buy_price_per_mwh"}


def _units(item: Reader, count: int, minutes: float) -> tuple[NDArray[np.int64], float]:
    mtu = item.number("mtu_minutes", above=0.0)
    steps = mtu / minutes if minutes > 0 else 1.0
    if steps < 1 or abs(steps - round(steps)) > 1e-9 or count % max(round(steps), 1):
        item.finding("mtu_minutes", f"{mtu:g} does not cut {count} intervals of {minutes:g} min into whole units")
        steps = 1.0
    return np.arange(count, dtype=np.int64) // max(round(steps), 1), mtu / 60.0


def read_energy(top: Reader, shape: tuple[int, int], minutes: float) -> Energy:
    item = top.part("energy", ENERGY_KEYS)
    block, hours = _units(item, shape[1], minutes)
    curve = item.flag("curve", default=False)
    form = item.choice("curve_form", ("steps", "linear"), "steps")
    if "curve_form" in item.raw and not curve:
        item.finding("curve_form", "only where curve is true")
    return Energy(
        block=block,
        price_per_mwh=item.table("price_per_mwh", (shape[0], int(block[-1]) + 1)),
        mtu_hours=hours,
        min_quantity_kw=item.number("min_quantity_kw", default=0.0, least=0.0),
        curve=curve,
        linear=form == "linear",
        stairs=_stairs(item, allowed=not curve),
        import_fee_per_mwh=item.number("import_fee_per_mwh", default=0.0),
    )


def _stairs(item: Reader, *, allowed: bool = True) -> tuple[tuple[float, float], ...]:
    """How the quantity moves the price: [[up to kW, change], ...], a sale never raises it."""
    if item.is_null("residual_demand"):
        return ()
    steps = item.pairs("residual_demand")
    before = (0.0, 0.0)
    for step in steps:
        if step[0] <= before[0] or step[1] > before[1]:
            item.finding("residual_demand", "want rising kW, and changes of the price that are not above 0 nor rise")
            return ()
        before = step
    if not allowed:
        item.finding("residual_demand", "only where curve is false")
    return steps


def read_blocks(top: Reader, energy: Energy, limit_kw: float) -> tuple[Block, ...]:
    """All-or-none orders; without a group a block is one of its own."""
    items = top.items("blocks", BLOCK_KEYS)
    if items and energy.stairs:
        top.finding("blocks", "only where energy has no residual_demand")
    found = tuple(_block(item, energy, limit_kw) for item in items)
    top.unique("blocks", [block.name for block in found])
    return found


def _block(item: Reader, energy: Energy, limit_kw: float) -> Block:
    position_kw = item.series("position_kw", energy.price_per_mwh.shape[1])
    up_kw, down_kw = np.maximum(position_kw, 0.0), np.maximum(-position_kw, 0.0)
    moved_kw = np.abs(position_kw[position_kw != 0])
    is_loop = bool(up_kw.any() and down_kw.any())
    if not moved_kw.size:
        item.finding("position_kw", "offers nothing")
    elif moved_kw.max() > limit_kw or moved_kw.min() < energy.min_quantity_kw:
        item.finding("position_kw", f"want {energy.min_quantity_kw:g} to {limit_kw:g} kW either way, or 0")
    if max(runs_of(up_kw.tolist()), runs_of(down_kw.tolist())) > 1:
        item.finding("position_kw", "a block has one run of sales, one of purchases, or one of each")
    price, buy_price = (
        None if item.is_null(key) else item.number(key) for key in ("price_per_mwh", "buy_price_per_mwh")
    )
    if (buy_price is not None) != (is_loop and price is not None):
        item.finding("buy_price_per_mwh", "a block that buys and sells at a limit has one, no other has")
    name = item.text("name")
    taken: NDArray[np.bool_] = np.ones(energy.price_per_mwh.shape[0], dtype=bool)
    if price is not None:
        order = BlockOrder(name, up_kw, down_kw, price, buy_price, 0.0)
        taken = order.surplus(energy.price_per_mwh, np.full(up_kw.size, energy.mtu_hours)) >= -1e-9
    return Block(name, item.text("group", default=""), position_kw, taken)


def read_reserve(item: Reader, count: int, minutes: float) -> Reserve:
    block, hours = _units(item, count, minutes)
    return Reserve(
        name=item.text("name"),
        is_up=item.choice("direction", ("up", "down")) == "up",
        block=block,
        price_per_mw_h=item.series("price_per_mw_h", int(block[-1]) + 1),
        mtu_hours=hours,
        min_quantity_kw=item.number("min_quantity_kw", default=0.0, least=0.0),
        endurance_h=item.number("endurance_h", default=0.0, least=0.0),
        activation=item.number("activation", default=0.0, least=0.0, most=1.0),
        stairs=_stairs(item),
    )
