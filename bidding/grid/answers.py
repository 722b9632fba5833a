"""What the grid's edges answer, as plain JSON."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bidding.grid.awareness import Awareness, PowerSplit
from bidding.grid.injections import version_names
from bidding.grid.needs import FeederNeeds
from vpp.network.models import OperatingEnvelope

FloatArray = NDArray[np.float64]


def awareness_answer(found: Awareness) -> dict[str, Any]:
    screening = found.screening
    return {
        "feeder": found.known.feeder.code,
        "date": found.known.day.date.isoformat(),
        "time_zone": found.known.day.zone,
        "interval_minutes": 15,
        "forecast": _split(found.forecast),
        "measured": _split(found.measured),
        "flexibility_up_kw": plain(found.up_kw),
        "flexibility_down_kw": plain(found.down_kw),
        "lowest_voltage_pu": plain(found.lowest_voltage_pu, 5),
        "highest_voltage_pu": plain(found.highest_voltage_pu, 5),
        "highest_loading_pu": plain(found.highest_loading_pu, 4),
        "measured_voltage_pu": {code: plain(series, 5) for code, series in found.measured_voltage_pu.items()},
        "topology_versions": list(screening.topology_versions),
        "violations": [
            {"element": v.element_code, "kind": v.kind, "interval": v.interval, "up": v.up}
            | {name: plain_number(getattr(v, name), 5) for name in ("value", "limit", "excess_kw")}
            for v in screening.violations
        ],
    }


def needs_answer(found: FeederNeeds) -> dict[str, Any]:
    codes = found.known.model.nodes.codes
    return {
        "feeder": found.known.feeder.code,
        "date": found.known.day.date.isoformat(),
        "topology_version": version_names(found.known.topologies),
        "needs": [
            {
                "element": need.element_code,
                "kind": need.kind,
                "power": "kvar" if need.reactive else "kw",
                "direction": "UP" if need.up else "DOWN",
                "quantity": plain(need.quantity, 2),
                "excess": plain(need.excess, 6),
                "cured": need.cured,
                "best_nodes": [
                    {
                        "node": node.code,
                        "relief_pu": plain_number(node.relief_pu, 4),
                        "quantity": round(node.quantity, 2),
                    }
                    for node in need.best_nodes
                ],
                "sensitivity_pu": {
                    code: plain_number(float(value), 4)
                    for code, value in zip(codes, need.relief_pu, strict=True)
                    if value
                },
            }
            for need in found.needs
        ],
    }


def envelope_answer(envelope: OperatingEnvelope) -> dict[str, Any]:
    return {
        "feeder": envelope.feeder.code,
        "date": envelope.delivery_date.isoformat(),
        "available_at": envelope.available_at.isoformat(),
        "topology_version": envelope.topology.version if envelope.topology else None,
        "topology_versions": envelope.topology_versions,
        "consume_room_kw": dict(zip(envelope.node_codes, envelope.consume_room_kw, strict=True)),
        "produce_room_kw": dict(zip(envelope.node_codes, envelope.produce_room_kw, strict=True)),
    }


def _split(split: PowerSplit) -> dict[str, list[float | None]]:
    return {
        "load_kw": plain(split.load_kw),
        "generation_kw": plain(split.generation_kw),
        "net_kw": plain(split.net_kw),
        "hidden_load_kw": plain(split.hidden_load_kw),
    }


def plain(series: FloatArray, digits: int = 3) -> list[float | None]:
    return [plain_number(float(value), digits) for value in series]


def plain_number(value: float, digits: int) -> float | None:
    return round(value, digits) if np.isfinite(value) else None
