"""The market file: markets with their products as JSON, checked whole before anything is stored."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from bidding.errors import BadMarketFile
from bidding.models import Market, Product


def _zone(text: str) -> str:
    ZoneInfo(text)
    return text


def _whole(value: Any) -> int:
    if isinstance(value, bool) or int(value) != value:
        raise ValueError("not a whole number")
    return int(value)


def _calendar(text: str) -> str:
    from bidding.kernels.gate import holiday_dates

    holiday_dates(text, 2026)
    return text


def _words(values: Any) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError("not a list of words")
    return values


def _steps(value: Any) -> list[list[float]]:
    """[[up to kW, change of the price], ...]: quantities rise, a larger sale never raises the price."""
    steps = [[float(kw), float(change)] for kw, change in value]
    before_kw, before = 0.0, 0.0
    for kw, change in steps:
        if kw <= before_kw or change > before:
            raise ValueError("want rising kW, and changes of the price that are not positive and do not rise")
        before_kw, before = kw, change
    if not steps:
        raise ValueError("no step")
    return steps


def _facts(value: Any) -> dict[str, Any]:
    """{field: {"status": "read" or "recalled", "source": text}}."""
    for name, fact in value.items():
        if set(fact) != {"status", "source"} or fact["status"] not in ("read", "recalled") or not fact["source"]:
            raise ValueError(f"{name}: want status read or recalled, and a source")
    return dict(value)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("has no time zone")
    return moment


Reader = Callable[[Any], Any]
#: (reader, needed)
MARKET_KEYS: dict[str, tuple[Reader, bool]] = {
    "code": (str, True),
    "name": (str, True),
    "kind": (lambda value: Market.Kind(value).value, True),
    "operator": (dict, False),
    "zone_code": (str, True),
    "time_zone": (_zone, True),
    "mtu_minutes": (_whole, True),
    "gate_days_before": (_whole, True),
    "gate_local_time": (time.fromisoformat, True),
    "imbalance_spread_per_mwh": (float, False),
    "currency": (str, False),
    "gate_calendar": (_calendar, False),
    "gate_on_working_days": (bool, False),
    "locational_rule": (lambda value: Market.Location(value).value, False),
    "facts": (_facts, False),
    "products": (list, True),
}
PRODUCT_KEYS: dict[str, tuple[Reader, bool]] = {
    "code": (str, True),
    "name": (str, True),
    "kind": (lambda value: Product.Kind(value).value, True),
    "min_quantity_kw": (float, True),
    "lot_kw": (float, True),
    "tick": (lambda value: Decimal(str(value)), True),
    "price_floor": (float, True),
    "price_cap": (float, True),
    "block_minutes": (_whole, True),
    "endurance_minutes": (_whole, False),
    "activation_pu": (float, False),
    "full_activation_minutes": (_whole, False),
    "pay_rule": (lambda value: Product.PayRule(value).value, False),
    "reference_price": (float, False),
    "is_symmetric": (bool, False),
    "order_form": (lambda value: Product.OrderForm(value).value, False),
    "max_points": (_whole, False),
    "loop_blocks": (bool, False),
    "residual_demand": (_steps, False),
    "max_quantity_kw": (float, False),
    "eligible_kinds": (_words, False),
    "min_device_kw": (float, False),
    "max_device_kw": (float, False),
    "consumption_only": (bool, False),
    "must_offer_kw": (float, False),
    "must_offer_hours": (lambda value: [_whole(hour) for hour in value], False),
    "facts": (_facts, False),
    "source": (str, False),
    "valid_from": (_moment, True),
    "valid_to": (_moment, False),
}


def read_market_file(document: Any) -> list[dict[str, Any]]:
    """Field values per market, each with its products' field values. Raises BadMarketFile naming every bad place."""
    findings: list[str] = []
    if not isinstance(document, dict) or not isinstance(document.get("markets"), list):
        raise BadMarketFile('the file must be an object with a list "markets"', findings=["markets: missing"])
    markets = []
    for number, raw in enumerate(document["markets"]):
        place = f"markets[{number}]"
        market = _read(raw, MARKET_KEYS, place, findings)
        products = [
            _read(product, PRODUCT_KEYS, f"{place}.products[{index}]", findings)
            for index, product in enumerate(market.get("products", []))
        ]
        for product in products:
            product["period"] = DateTimeTZRange(product.pop("valid_from", None), product.pop("valid_to", None))
        markets.append(market | {"products": products})
    if findings:
        raise BadMarketFile(f"{len(findings)} findings, first: {findings[0]}", findings=findings)
    return markets


def _read(raw: Any, keys: dict[str, tuple[Reader, bool]], place: str, findings: list[str]) -> dict[str, Any]:
    if not isinstance(raw, dict):
        findings.append(f"{place}: not an object")
        return {}
    findings += [f"{place}.{key}: unknown" for key in sorted(raw.keys() - keys.keys())]
    findings += [f"{place}.{key}: missing" for key, (_, needed) in keys.items() if needed and key not in raw]
    values = {}
    for key in raw.keys() & keys.keys():
        try:
            values[key] = keys[key][0](raw[key])
        except (ValueError, TypeError, ArithmeticError, ZoneInfoNotFoundError) as error:
            findings.append(f"{place}.{key}: {raw[key]!r} {error}")
    return values
