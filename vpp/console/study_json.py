"""A study as JSON and back; what is not a number is null."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

import numpy as np

from bidding.grid.awareness import PowerSplit
from vpp.console.schematic import Dot, Link, Schematic
from vpp.console.study import FloatArray, NeedLine, Picture, Study


def stored(study: Study) -> dict[str, Any]:
    """Plain values that PostgreSQL takes as JSON."""
    plain: dict[str, Any] = _plain(asdict(study))
    return plain


def loaded(row: dict[str, Any]) -> Study:
    """The inverse of `stored`."""
    return Study(
        drawing=_drawing(row["drawing"]),
        band={code: (low, high) for code, (low, high) in row["band"].items()},
        forecast=_picture(row["forecast"]),
        metered=None if row["metered"] is None else _picture(row["metered"]),
        forecast_power=_split(row["forecast_power"]),
        metered_power=_split(row["metered_power"]),
        up_kw=_array(row["up_kw"]),
        down_kw=_array(row["down_kw"]),
        needs=[NeedLine(**{**need, "quantity": _array(need["quantity"])}) for need in row["needs"]],
        made_at=datetime.fromisoformat(row["made_at"]),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, datetime):
        return value.isoformat()
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _array(values: list[float | None]) -> FloatArray:
    return np.array(values, dtype=np.float64)  # None becomes NaN


def _drawing(row: dict[str, Any]) -> Schematic:
    return Schematic(
        row["width"], row["height"], [Dot(**dot) for dot in row["dots"]], [Link(**link) for link in row["links"]]
    )


def _picture(row: dict[str, Any]) -> Picture:
    from vpp.network.kernels.screening import Violation

    found = [
        Violation(**{**one, "excess_kw": np.nan if one["excess_kw"] is None else one["excess_kw"]})
        for one in row["violations"]
    ]
    return Picture(row["loading"], row["voltage"], found)


def _split(row: dict[str, Any]) -> PowerSplit:
    return PowerSplit(_array(row["load_kw"]), _array(row["generation_kw"]), _array(row["net_kw"]))
