"""pandapower's JSON as plain rows: a data frame in it is JSON text of its own, split into columns, index and data."""

from __future__ import annotations

import json
import math
from typing import Any

Row = dict[str, Any]


def tables_of(data: Any) -> dict[str, dict[Any, Row]]:
    """Table name -> index -> row. Raises ValueError where the text is not such a net."""
    if not isinstance(data, dict) or data.get("_class") != "pandapowerNet":
        raise ValueError("not a pandapowerNet")
    net = data.get("_object")
    if isinstance(net, str):
        net = json.loads(net)
    if not isinstance(net, dict):
        raise ValueError("the net holds no tables")
    return {name: _frame(value) for name, value in net.items() if _is_frame(value)}


def name_of(data: Any) -> str:
    net = data["_object"]
    name = (json.loads(net) if isinstance(net, str) else net).get("name")
    return name if isinstance(name, str) else ""


def frequency_hz(data: Any) -> float:
    net = data["_object"]
    return float((json.loads(net) if isinstance(net, str) else net).get("f_hz") or 50.0)


def _is_frame(value: Any) -> bool:
    return isinstance(value, dict) and value.get("_class") == "DataFrame"


def _frame(value: dict[str, Any]) -> dict[Any, Row]:
    content = value["_object"]
    content = json.loads(content) if isinstance(content, str) else content
    if not isinstance(content, dict) or value.get("orient", "split") != "split":
        raise ValueError("a table is not written in columns, index and data")
    columns = content["columns"]
    return {
        index: dict(zip(columns, row, strict=True))
        for index, row in zip(content["index"], content["data"], strict=True)
    }


def number(row: Row, name: str, missing: float) -> float:
    """The value as a float; `missing` for null, NaN or no such column."""
    value = row.get(name)
    if value is None or isinstance(value, str):
        return missing
    return missing if math.isnan(float(value)) else float(value)


def position_of(geo: Any) -> dict[str, float]:
    """Latitude and longitude of a GeoJSON point; nothing where it is none, or a drawing's own plane."""
    try:
        east, north = (float(one) for one in json.loads(geo)["coordinates"][:2])
    except (TypeError, ValueError, KeyError):
        return {}
    on_earth = -90 <= north <= 90 and -180 <= east <= 180 and (north, east) != (0, 0)
    return {"latitude_deg": north, "longitude_deg": east} if on_earth else {}


def flag(row: Row, name: str, missing: bool = True) -> bool:
    value = row.get(name)
    return missing if value is None else bool(value)
