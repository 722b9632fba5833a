"""Exclusive groups of blocks as rows: what each sells and buys, when, at which limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bidding.models import Bid
from vpp.lib.periods import DeliveryDay


@dataclass(frozen=True)
class Leg:
    """One run of a block: local times, largest kW, energy in kWh, the limit price."""

    first: str
    last: str
    kw: float
    kwh: float
    price: float


@dataclass(frozen=True)
class BlockLine:
    name: str
    sells: Leg | None
    buys: Leg | None
    taken: bool


@dataclass(frozen=True)
class GroupCard:
    title: str
    lines: list[BlockLine]


def block_groups(bids: Sequence[Bid], day: DeliveryDay) -> list[GroupCard]:
    """A card for each bid that is an exclusive group."""
    found = []
    for bid in bids:
        award = bid.award
        lines = []
        for block in bid.blocks or []:
            sale = float(block["price_per_mwh"])
            taken = award is not None and (award.up_kw, award.down_kw) == (block["up_kw"], block["down_kw"])
            buys = float(block.get("buy_price_per_mwh", sale))
            lines.append(
                BlockLine(block["name"], _leg(block["up_kw"], sale, day), _leg(block["down_kw"], buys, day), taken)
            )
        if lines:
            found.append(GroupCard(bid.product.name, lines))
    return found


def _leg(series: Sequence[float], price: float, day: DeliveryDay) -> Leg | None:
    moved = [index for index, kw in enumerate(series) if kw > 0]
    if not moved:
        return None
    labels = [*day.local_labels(), "24:00"]
    kwh = sum(series) * day.hours_per_interval
    return Leg(labels[moved[0]], labels[moved[-1] + 1], max(series), kwh, price)
