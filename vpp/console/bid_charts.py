"""A portfolio's bids as a picture: quantity and price per interval, and the day before beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from bidding.models import Bid, Product
from vpp.console.charts import Series, numbers
from vpp.console.queries.bids import CAPACITY
from vpp.lib.periods import DeliveryDay

PRICE_ROLES = ("price", "plan", "measured", "baseline")


def title_of(bid: Bid) -> str:
    return f"ask {bid.ask.reference}" if bid.ask else bid.product.name


def role_of(bid: Bid) -> str:
    if bid.product.kind in CAPACITY:
        return "held"
    if bid.ask:
        return "ask"
    return "down" if np.sum(bid.down_kw) > np.sum(bid.up_kw) else "up"


def bid_chart(bids: list[Bid], before: list[Bid], day: DeliveryDay) -> dict[str, Any]:
    """Quantities up positive; prices only where something is bid."""
    labels = day.local_labels()
    quantity: list[Series] = []
    price: list[Series] = []
    for number, bid in enumerate(bids):
        up_kw, down_kw = np.asarray(bid.up_kw), np.asarray(bid.down_kw)
        quantity.append({"name": title_of(bid), "role": role_of(bid), "y": numbers(up_kw - down_kw)})
        offered = np.where(up_kw + down_kw > 0.0, np.asarray(bid.price_per_mwh), np.nan)
        role = PRICE_ROLES[number % len(PRICE_ROLES)]
        price.append({"name": title_of(bid), "role": role, "y": numbers(offered)})
    market = [bid for bid in before if bid.product.kind == Product.Kind.ENERGY and len(bid.up_kw) == len(labels)]
    if market:
        net = np.sum([np.asarray(bid.up_kw) - np.asarray(bid.down_kw) for bid in market], axis=0)
        quantity.append({"name": _("energy the day before"), "role": "before", "y": numbers(net)})
        shown = np.asarray(market[0].price_per_mwh, dtype=np.float64)
        moved = np.abs(net) > 0.0
        price.append(
            {"name": _("energy the day before"), "role": "before", "y": numbers(np.where(moved, shown, np.nan))}
        )
    return {
        "labels": labels,
        "zone": day.zone,
        "panels": [
            {"title": _("Up, kW"), "series": quantity},
            {"title": _("Limit price, EUR/MWh"), "unit": "EUR/MWh", "series": price},
        ],
    }


def what_if_chart(answer: dict[str, Any], prices: list[float], mtu_minutes: int, day: DeliveryDay) -> dict[str, Any]:
    """Charge and discharge above, stored energy between, the price below."""
    battery = answer["storages"][0]
    each = mtu_minutes // day.step_minutes
    given = np.asarray(battery["discharge_kw"][0]) - np.asarray(battery["charge_kw"][0])
    return {
        "labels": day.local_labels(),
        "zone": day.zone,
        "panels": [
            {
                "title": _("kW given, kWh stored"),
                "series": [
                    {"name": _("given to the grid"), "role": "up", "y": numbers(given)},
                    {"name": _("stored, kWh"), "role": "before", "y": numbers(battery["energy_kwh"][0])},
                ],
            },
            {
                "title": _("Price, EUR/MWh"),
                "unit": "EUR/MWh",
                "series": [{"name": _("price"), "role": "price", "y": numbers(np.repeat(prices, each))}],
            },
        ],
    }
