"""A portfolio's bids as a picture: quantity and price per interval, and the day before beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from bidding.models import Bid, Product
from vpp.console.charts import Series, numbers
from vpp.console.queries.bids import CAPACITY, title_of
from vpp.console.queries.replays import Report
from vpp.lib.periods import DeliveryDay

MOST_CURVES = 30
PRICE_ROLES = ("price", "plan", "measured", "baseline")


def role_of(bid: Bid) -> str:
    if bid.product.kind in CAPACITY:
        return "held"
    if bid.ask:
        return "ask"
    return "down" if np.sum(bid.down_kw) > np.sum(bid.up_kw) else "up"


def bid_chart(bids: list[Bid], before: list[Bid], day: DeliveryDay) -> dict[str, Any]:
    """Quantities up positive; prices only where something is bid. The prices of a curve are drawn with it."""
    labels = day.local_labels()
    quantity: list[Series] = []
    price: list[Series] = []
    for number, bid in enumerate(bids):
        up_kw, down_kw = np.asarray(bid.up_kw), np.asarray(bid.down_kw)
        quantity.append({"name": title_of(bid), "role": role_of(bid), "y": numbers(up_kw - down_kw)})
        if bid.curve is not None:
            continue
        offered = np.where(up_kw + down_kw > 0.0, np.asarray(bid.price_per_mwh), np.nan)
        role = PRICE_ROLES[number % len(PRICE_ROLES)]
        price.append({"name": title_of(bid), "role": role, "y": numbers(offered)})
    market = [bid for bid in before if bid.product.kind == Product.Kind.ENERGY and len(bid.up_kw) == len(labels)]
    if market:
        net = np.sum([np.asarray(bid.up_kw) - np.asarray(bid.down_kw) for bid in market], axis=0)
        quantity.append({"name": _("energy the day before"), "role": "before", "y": numbers(net)})
        shown = np.asarray(market[0].price_per_mwh, dtype=np.float64)
        moved = np.abs(net) > 0.0
        if market[0].curve is None:
            price.append(
                {"name": _("energy the day before"), "role": "before", "y": numbers(np.where(moved, shown, np.nan))}
            )
    panels = [{"title": _("Up, kW"), "series": quantity}]
    if price:
        panels.append({"title": _("Limit price, EUR/MWh"), "unit": "EUR/MWh", "series": price})
    return {"labels": labels, "zone": day.zone, "panels": panels}


def curve_charts(bids: list[Bid], day: DeliveryDay) -> list[dict[str, Any]]:
    """Each bid that is a curve: from which price on it buys or sells how much, a line per block with an offer."""
    found = []
    for bid in bids:
        points = [(block, each) for block, each in enumerate(bid.curve or []) if each]
        if points:
            chart = _curve_chart(bid, points, day)
            found.append({"title": title_of(bid), "key": f"curve-{bid.pk}", "chart": chart})
    return found


def _curve_chart(bid: Bid, points: list[tuple[int, list[list[float]]]], day: DeliveryDay) -> dict[str, Any]:
    """Steps between the product's lowest and highest price; quantity up positive, of a downward reserve down."""
    is_down = bid.product.kind == Product.Kind.RESERVE_DOWN
    labels = day.local_labels()
    each = bid.product.block_minutes // day.step_minutes
    floor, cap = bid.product.price_floor, bid.product.price_cap
    series = []
    for block, steps in points[:MOST_CURVES]:
        quantities = [float(kw) for _price, kw in steps]
        x = [floor, *(float(price) for price, _kw in steps), cap]
        y = [quantities[0] if steps[0][0] <= floor else 0.0, *quantities, quantities[-1]]
        series.append({"name": labels[min(block * each, len(labels) - 1)], "x": x, "y": y})
    return {
        "curve": True,
        "stepped": bid.product.order_form != Product.OrderForm.LINEAR,
        "x_title": _("Price, EUR/MW/h") if bid.product.kind in CAPACITY else _("Price, EUR/MWh"),
        "labels": [],
        "panels": [{"title": _("Down, kW") if is_down else _("Up, kW"), "series": series}],
    }


def replay_chart(report: Report) -> dict[str, Any]:
    """The value earned day by day, added up."""
    lines = (("perfect", _("knowing the prices"), "baseline"), ("bid", _("the bids"), "plan"),
             ("persistence", _("copying the day before"), "before"))  # fmt: skip
    return {
        "labels": [day["day"] for day in report.days],
        "zone": "",
        "panels": [
            {
                "title": _("EUR, added up"),
                "unit": "EUR",
                "series": [
                    {"name": name, "role": role, "y": numbers(np.cumsum([day[key] for day in report.days]))}
                    for key, name, role in lines
                ],
            }
        ],
    }


def what_if_chart(answer: dict[str, Any], prices: list[float], block_minutes: int, day: DeliveryDay) -> dict[str, Any]:
    """Charge and discharge above, stored energy between, the price below."""
    battery = answer["storages"][0]
    each = block_minutes // day.step_minutes
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
