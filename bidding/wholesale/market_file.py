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
    "pay_rule": (lambda value: Product.PayRule(value).value, False),
    "reference_price": (float, False),
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
