"""Which devices and portfolios a market admits to a product: kinds, sizes, places, and the notice owners want."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bidding.kernels.problem import FlexGroup
from bidding.models import Market, Product
from vpp.enrollment.queries import DeviceTable
from vpp.network.models import Feeder

RESERVES = (Product.Kind.RESERVE_UP, Product.Kind.RESERVE_DOWN)


@dataclass(frozen=True)
class Admission:
    """Product codes that a device may not serve, by device id; devices that nothing bars are left out."""

    barred_codes: Mapping[int, frozenset[str]]

    def classes(self, device_id: NDArray[np.int64]) -> tuple[str, ...]:
        """A label for each device; alike ones may share a group."""
        labels = (sorted(self.barred_codes.get(one, ())) for one in device_id.tolist())
        return tuple("not " + ",".join(codes) if codes else "" for codes in labels)

    def barred_groups(self, code: str, groups: Sequence[FlexGroup]) -> frozenset[str]:
        """Names of the groups that may not serve a product; the devices of a group are all of one class."""
        return frozenset(one.name for one in groups if code in self.barred_codes.get(one.device_ids[0], ()))


@dataclass(frozen=True)
class Rules:
    """What a market's rules leave of one product: the largest quantity, and the groups that may not serve it."""

    most_kw: float
    barred: frozenset[str]


def admission(table: DeviceTable, products: Sequence[Product]) -> Admission:
    barred: dict[int, set[str]] = {}
    for product in products:
        refused = np.any(list(refusals(table, product).values()), axis=0)
        for device in table.device_id[refused].tolist():
            barred.setdefault(device, set()).add(product.code)
    return Admission({device: frozenset(codes) for device, codes in barred.items()})


def refusals(table: DeviceTable, product: Product) -> dict[str, NDArray[np.bool_]]:
    """(N,) which devices a product's rules exclude, by rule: kind, small, large, notice."""
    size_kw = np.maximum(table.max_consumption_kw, table.max_production_kw)
    nobody = np.zeros(table.device_id.size, dtype=bool)
    of_kind = np.asarray(table.of_kind(*product.eligible_kinds), dtype=bool)
    return {
        "kind": ~of_kind if product.eligible_kinds else nobody,
        "small": nobody if product.min_device_kw is None else np.asarray(size_kw < product.min_device_kw),
        "large": nobody if product.max_device_kw is None else np.asarray(size_kw > product.max_device_kw),
        "notice": np.asarray(table.notice_minutes > product.full_activation_minutes)
        if product.kind in RESERVES
        else nobody,
    }


def most_kw(product: Product, table: DeviceTable, notes: list[str]) -> float:
    """The largest quantity of one bid: 0 where the devices do not stand where the market wants them, which is noted."""
    if why := misplaced(product.market, table.feeder_code):
        notes.append(f"{product.code}: {why}; nothing is offered")
        return 0.0
    return float("inf") if product.max_quantity_kw is None else product.max_quantity_kw


def needing_rest(product: Product, groups: Sequence[FlexGroup]) -> frozenset[str]:
    """Names of groups that do not hold a reserve: it may be called again before their devices have rested."""
    return frozenset(one.name for one in groups if one.rest_hours > 0 and product.kind in RESERVES)


def misplaced(market: Market, feeders: Sequence[str]) -> str:
    """What stands against offering devices behind these feeders in one bid; empty where nothing does.

    A pricing node is the substation that supplies the feeder.
    """
    rule = Market.Location(market.locational_rule)
    if rule == Market.Location.ZONE:
        return ""
    found = set(feeders)
    if rule == Market.Location.NODE:
        substation = dict(Feeder.objects.filter(code__in=found).values_list("code", "substation__code"))
        found = {substation.get(code, "") for code in found}
    if "" in found:
        return f"the market wants all devices {rule.label}, and it is not known where some of them stand"
    return f"the market wants all devices {rule.label}, these stand in {len(found)} places" if len(found) > 1 else ""
