"""A grid in SimBench's own CSV format: a folder with Node.csv, Line.csv, LineType.csv, Transformer.csv, Switch.csv ...

Meinecke et al. (2020), Energies 13(12), doi:10.3390/en13123290. Every subnet is a feeder. Loads and generators are not
read. Three-winding transformers have no counterpart here and are a finding.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

from vpp.network.kernels.parsing import Finding
from vpp.network.kernels.readers.fusing import Fused, fuse

Row = dict[str, str]
OMEGA = 2 * math.pi * 50
WANTED = {
    "Node": ("id", "type", "vmSetp", "vmR", "vmMin", "vmMax", "subnet"),
    "Line": ("id", "nodeA", "nodeB", "type", "length", "loadingMax", "subnet"),
    "LineType": ("id", "r", "x", "b", "iMax"),
    "Transformer": ("id", "nodeHV", "nodeLV", "type", "tappos", "subnet"),
    "TransformerType": ("id", "sR", "vmHV", "vmLV", "vmImp", "pCu", "pFe", "iNoLoad", "tapside", "tapNeutr", "dVm"),
    "Switch": ("id", "nodeA", "nodeB", "cond"),
    "ExternalNet": ("id", "node"),
}


def read_simbench_folder(folder: Path) -> tuple[dict[str, Any], list[Finding]]:
    """The network file's content, or why not."""
    tables: dict[str, list[Row]] = {}
    findings: list[Finding] = []
    for name, columns in WANTED.items():
        try:
            tables[name] = _table(folder / f"{name}.csv")
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            findings.append(Finding("unreadable", name, "", (), str(error)))
            continue
        if tables[name] and (missing := [column for column in columns if column not in tables[name][0]]):
            findings.append(Finding("missing_field", name, ", ".join(missing), (), "the table lacks columns"))
    three = folder / "Transformer3W.csv"
    if three.exists() and (rows := _table(three)):
        codes = tuple(row["id"] for row in rows)
        findings.append(Finding("unsupported_element", "Transformer3W", "", codes, "cannot be taken over"))
    if findings:
        return {}, findings
    try:
        return _sections(tables, _places(folder / "Coordinates.csv")), []
    except (KeyError, ValueError) as error:
        return {}, [Finding("unknown_reference", str(folder), "", (), f"{type(error).__name__}: {error}")]


def _sections(tables: dict[str, list[Row]], places: dict[str, dict[str, float]]) -> dict[str, Any]:
    nodes = {row["id"]: row for row in tables["Node"]}
    fused, open_ends = _switched(nodes, tables["Switch"])
    line_types = {row["id"]: row for row in tables["LineType"]}
    transformer_types = {row["id"]: row for row in tables["TransformerType"]}
    kept = [name for name in nodes if fused[name] == name]
    lines = [_branch(row, line_types[row["type"]], fused, open_ends) for row in tables["Line"]]
    transformers = [_transformer(row, transformer_types[row["type"]], fused) for row in tables["Transformer"]]
    used = {row["feeder"] for row in [*lines, *transformers]} | {_feeder(nodes[name]) for name in kept}
    return {
        "substations": [{"code": f"{name}-substation"} for name in sorted(used)],
        "feeders": [{"code": name, "substation": f"{name}-substation"} for name in sorted(used)],
        "nodes": [
            {
                "code": _code(name),
                "feeder": _feeder(nodes[name]),
                "nominal_kv": float(nodes[name]["vmR"]),
                "v_min_pu": float(nodes[name]["vmMin"]),
                "v_max_pu": float(nodes[name]["vmMax"]),
                **places.get(nodes[name].get("coordID", ""), {}),
            }
            for name in kept
        ],
        "branches": lines,
        "transformers": transformers,
        "sources": [
            {
                "feeder": _source_feeder(fused[row["node"]], transformers, nodes),
                "node": _code(fused[row["node"]]),
                "v_pu": float(nodes[row["node"]]["vmSetp"]),
            }
            for row in tables["ExternalNet"]
        ],
    }


def _places(path: Path) -> dict[str, dict[str, float]]:
    """Latitude and longitude by coordinate id; a grid may come without."""
    rows = _table(path) if path.exists() else []
    return {row["id"]: {"latitude_deg": float(row["y"]), "longitude_deg": float(row["x"])} for row in rows}


def _source_feeder(node: str, transformers: list[dict[str, Any]], nodes: dict[str, Row]) -> str:
    """The feeder whose transformer hangs on the node, else the node's own."""
    hanging = [row["feeder"] for row in transformers if row["hv_node"] == _code(node)]
    return str(hanging[0]) if hanging else _feeder(nodes[node])


def _switched(nodes: dict[str, Row], switches: list[Row]) -> tuple[Fused, set[str]]:
    """(node -> the one that stands for it, auxiliary nodes behind an open switch)."""
    auxiliary = {name for name, row in nodes.items() if row["type"] == "auxiliary"}
    joined, open_ends = [], set()
    for row in switches:
        pair, closed = (row["nodeA"], row["nodeB"]), float(row["cond"]) == 1
        if not closed:
            behind = [name for name in pair if name in auxiliary]
            if not behind:
                continue  # an open coupler between two busbars
            open_ends.add(behind[0])
        joined.append(pair)
    order = sorted(nodes, key=lambda name: (name in auxiliary, name))
    return fuse(order, joined), open_ends


def _branch(row: Row, kind: Row, fused: Fused, open_ends: set[str]) -> dict[str, Any]:
    length_km = float(row["length"])
    rating_a = float(kind["iMax"]) * float(row["loadingMax"]) / 100
    return {
        "code": _code(row["id"]),
        "feeder": _feeder(row),
        "from_node": _code(fused[row["nodeA"]]),
        "to_node": _code(fused[row["nodeB"]]),
        "r_ohm": float(kind["r"]) * length_km,
        "x_ohm": float(kind["x"]) * length_km,
        "c_nf": float(kind["b"]) * length_km * 1e3 / OMEGA,  # b in uS/km
        "rating_a": rating_a or None,
        "from_closed": row["nodeA"] not in open_ends,
        "to_closed": row["nodeB"] not in open_ends,
    }


def _transformer(row: Row, kind: Row, fused: Fused) -> dict[str, Any]:
    rated_kva = float(kind["sR"]) * 1e3
    return {
        "code": _code(row["id"]),
        "feeder": _feeder(row),
        "hv_node": _code(fused[row["nodeHV"]]),
        "lv_node": _code(fused[row["nodeLV"]]),
        "rated_kva": rated_kva,
        "hv_kv": float(kind["vmHV"]),
        "lv_kv": float(kind["vmLV"]),
        "vk_percent": float(kind["vmImp"]),
        "vkr_percent": float(kind["pCu"]) / rated_kva * 100,
        "pfe_kw": float(kind["pFe"]),
        "i0_percent": float(kind["iNoLoad"]),
        "tap_side": kind["tapside"].upper(),
        "tap_position": int(float(row["tappos"])),
        "tap_neutral": int(float(kind["tapNeutr"])),
        "tap_step_percent": float(kind["dVm"]),
    }


def _table(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream, delimiter=";"))


def _feeder(row: Row) -> str:
    """``MV2.101_Feeder1`` -> ``MV2.101``."""
    return row["subnet"].split("_")[0]


def _code(name: str) -> str:
    """SimBench names hold spaces; codes do not."""
    return "-".join(name.split())
