"""A pandapower net saved with ``to_json``, read without pandapower.

One net becomes one feeder. Buses joined by closed bus-bus switches become one node, out-of-service elements are left
out; loads and generators are no part of the grid and are left out too. What has no counterpart here (three-winding
transformers, impedances, DC lines, phase shifters) is a finding, because leaving it out would change the answer.
"""

from __future__ import annotations

import math
from typing import Any

from vpp.network.kernels.parsing import Finding
from vpp.network.kernels.readers.fusing import Fused, fuse
from vpp.network.kernels.readers.pandapower_frames import (
    Row,
    flag,
    frequency_hz,
    name_of,
    number,
    position_of,
    tables_of,
)

UNSUPPORTED = ("trafo3w", "impedance", "dcline", "ward", "xward", "line_dc", "svc", "tcsc", "ssc", "vsc", "gen")
Tables = dict[str, dict[Any, Row]]


def read_pandapower(data: Any, *, feeder: str = "") -> tuple[dict[str, Any], list[Finding]]:
    """The network file's content. ``feeder`` is the code of the feeder; the net's name, or "feeder", without one."""
    try:
        tables = tables_of(data)
        feeder = feeder or "-".join(name_of(data).split()) or "feeder"
        frequency = frequency_hz(data)
    except (ValueError, KeyError, TypeError) as error:
        return {}, [Finding("unreadable", "", "", (), f"not a pandapower net: {error}")]
    findings = [*_unsupported(tables)]
    if frequency != 50.0:
        message = f"is {frequency} Hz; charging is converted to 50 Hz"
        tables = _at_50_hz(tables, frequency) if frequency > 0 else tables
        if frequency <= 0:
            findings.append(Finding("out_of_range", "net", "f_hz", (), message))
    buses = dict(_in_service(tables, "bus"))
    fused = fuse(buses, _closed_couplers(tables))
    codes = _codes(buses, fused)
    try:
        return _sections(tables, feeder, buses, fused, codes, findings), findings
    except KeyError as error:
        return {}, [
            *findings,
            Finding("unknown_reference", "net", "", (), f"bus {error} is not there or out of service"),
        ]


def _sections(
    tables: Tables, feeder: str, buses: dict[Any, Row], fused: Fused, codes: dict[Any, str], findings: list[Finding]
) -> dict[str, Any]:
    def code(bus: Any) -> str:
        return codes[fused[bus]]

    return {
        "substations": [{"code": f"{feeder}-substation"}],
        "feeders": [{"code": feeder, "substation": f"{feeder}-substation"}],
        "nodes": [_node(code(index), row, feeder) for index, row in buses.items() if fused[index] == index],
        "branches": [
            _branch(index, row, feeder, code, _open_at(tables, "l", index))
            for index, row in _in_service(tables, "line")
            if row["from_bus"] in buses and row["to_bus"] in buses
        ],
        "transformers": [
            _transformer(index, row, feeder, code, findings, closed=not _open_at(tables, "t", index))
            for index, row in _in_service(tables, "trafo")
        ],
        "shunts": [_shunt(index, row, feeder, code) for index, row in _in_service(tables, "shunt")],
        "sources": [
            {"feeder": feeder, "node": code(row["bus"]), "v_pu": number(row, "vm_pu", 1.0)}
            for _, row in _in_service(tables, "ext_grid")
        ],
    }


def _in_service(tables: Tables, name: str) -> list[tuple[Any, Row]]:
    return [(index, row) for index, row in tables.get(name, {}).items() if flag(row, "in_service")]


def _node(code: str, row: Row, feeder: str) -> dict[str, Any]:
    return {
        "code": code,
        "feeder": feeder,
        "nominal_kv": number(row, "vn_kv", math.nan),
        **_band(row),
        **position_of(row.get("geo")),
    }


def _shunt(index: Any, row: Row, feeder: str, code: Any) -> dict[str, Any]:
    return {
        "code": _name(row, f"{feeder}-shunt-{index}"),
        "feeder": feeder,
        "node": code(row["bus"]),
        "q_kvar": number(row, "q_mvar", 0.0) * 1e3 * number(row, "step", 1.0),
    }


def _band(row: Row) -> dict[str, float]:
    """The voltage band; one without width is the set-point of a source and no limit."""
    low, high = number(row, "min_vm_pu", 0.9), number(row, "max_vm_pu", 1.1)
    return {"v_min_pu": 0.9, "v_max_pu": 1.1} if low == high else {"v_min_pu": low, "v_max_pu": high}


def _branch(index: Any, row: Row, feeder: str, code: Any, open_at: set[Any]) -> dict[str, Any]:
    length_km, parallel = number(row, "length_km", math.nan), number(row, "parallel", 1.0)
    rating_a = number(row, "max_i_ka", 0.0) * 1e3 * parallel * number(row, "df", 1.0)
    rating_a *= number(row, "max_loading_percent", 100.0) / 100
    return {
        "code": _name(row, f"{feeder}-line-{index}"),
        "feeder": feeder,
        "from_node": code(row["from_bus"]),
        "to_node": code(row["to_bus"]),
        "r_ohm": number(row, "r_ohm_per_km", math.nan) * length_km / parallel,
        "x_ohm": number(row, "x_ohm_per_km", math.nan) * length_km / parallel,
        "c_nf": number(row, "c_nf_per_km", 0.0) * length_km * parallel,
        "rating_a": rating_a if 0 < rating_a < 9e4 else None,
        "from_closed": row["from_bus"] not in open_at,
        "to_closed": row["to_bus"] not in open_at,
    }


def _transformer(
    index: Any, row: Row, feeder: str, code: Any, findings: list[Finding], *, closed: bool
) -> dict[str, Any]:
    name, parallel = _name(row, f"{feeder}-transformer-{index}"), number(row, "parallel", 1.0)
    # Without a kind of tap changer pandapower leaves the taps out of its calculation.
    kind = row.get("tap_changer_type", "Ratio" if "tap_changer_type" not in row else None)
    if kind not in (None, "None", "Ratio", "Symmetrical") or number(row, "tap_step_degree", 0.0) % 180:
        message = f"tap changer {kind!r}: only the ratio kind is known"
        findings.append(Finding("unsupported_element", "transformers", "tap_changer_type", (name,), message))
    return {
        "code": name,
        "feeder": feeder,
        "hv_node": code(row["hv_bus"]),
        "lv_node": code(row["lv_bus"]),
        "rated_kva": number(row, "sn_mva", math.nan) * 1e3 * parallel * number(row, "df", 1.0),
        "hv_kv": number(row, "vn_hv_kv", math.nan),
        "lv_kv": number(row, "vn_lv_kv", math.nan),
        "vk_percent": number(row, "vk_percent", math.nan) * number(row, "df", 1.0),
        "vkr_percent": number(row, "vkr_percent", math.nan) * number(row, "df", 1.0),
        "pfe_kw": number(row, "pfe_kw", 0.0) * parallel,
        "i0_percent": number(row, "i0_percent", 0.0) / number(row, "df", 1.0),
        "tap_side": "LV" if str(row.get("tap_side")).lower() == "lv" else "HV",
        "tap_position": int(number(row, "tap_pos", 0.0)) if kind == "Ratio" else 0,
        "tap_neutral": int(number(row, "tap_neutral", 0.0)) if kind == "Ratio" else 0,
        "tap_step_percent": number(row, "tap_step_percent", 0.0),
        "closed": closed,
    }


def _unsupported(tables: Tables) -> list[Finding]:
    findings = []
    for name in UNSUPPORTED:
        rows = [str(index) for index, _ in _in_service(tables, name)]
        if rows:
            findings.append(Finding("unsupported_element", name, "", tuple(rows), f"{len(rows)} cannot be taken over"))
    return findings


def _at_50_hz(tables: Tables, frequency: float) -> Tables:
    """The same charging current needs more capacitance at 50 Hz than at 60."""
    lines = {
        index: {**row, "c_nf_per_km": number(row, "c_nf_per_km", 0.0) * frequency / 50.0}
        for index, row in tables.get("line", {}).items()
    }
    return {**tables, "line": lines}


def _closed_couplers(tables: Tables) -> list[tuple[Any, Any]]:
    switches = tables.get("switch", {}).values()
    return [(row["bus"], row["element"]) for row in switches if row.get("et") == "b" and flag(row, "closed")]


def _open_at(tables: Tables, kind: str, element: Any) -> set[Any]:
    """Buses at which a switch in front of the element is open."""
    switches = tables.get("switch", {}).values()
    return {
        row["bus"]
        for row in switches
        if row.get("et") == kind and row.get("element") == element and not flag(row, "closed")
    }


def _codes(buses: dict[Any, Row], fused: Fused) -> dict[Any, str]:
    """Names where they are unique, else the index."""
    names = [_name(buses[index], "") for index in buses if fused[index] == index]
    unique = {name for name in names if name and names.count(name) == 1}
    return {
        index: name if (name := _name(row, "")) in unique else f"bus-{index}"
        for index, row in buses.items()
        if fused[index] == index
    }


def _name(row: Row, missing: str) -> str:
    name = row.get("name")
    return "-".join(str(name).split()) or missing if name not in (None, "") else missing
