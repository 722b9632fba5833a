"""SimBench tables to the network file's records."""

from __future__ import annotations

import math
from typing import Any

from vpp.network.kernels.document import (
    BranchRow,
    CongestionPointRow,
    FeederRow,
    NetworkDocument,
    NodeRow,
    SourceRow,
    SubstationRow,
    TransformerRow,
)
from vpp.simulation.grids.simbench_tables import GridTables

ENTITY_PREFIX = "ea1.2016-01.vpp.example"
_OMEGA = 2 * math.pi * 50


def code_of(name: str) -> str:
    """SimBench names hold spaces; codes do not."""
    return "-".join(name.split())


def network_document(tables: GridTables) -> NetworkDocument:
    """Every subnet in detail is a feeder with a congestion point at its transformer; the top one at its head."""
    feeders = [tables.hv_subnet, *tables.lv_subnets]
    transformers = _transformers(tables)
    return NetworkDocument(
        substations=[SubstationRow(code=f"{name}-Substation", name=f"substation of {name}") for name in feeders],
        feeders=[
            FeederRow(code=name, substation=f"{name}-Substation", name=f"SimBench subnet {name}", power_factor=0.93)
            for name in feeders
        ],
        nodes=_nodes(tables),
        branches=_branches(tables),
        transformers=transformers,
        sources=_sources(tables, transformers),
        congestion_points=_congestion_points(feeders, transformers),
    )


def _nodes(tables: GridTables) -> list[NodeRow]:
    kept = tables.node[[tables.node_of[name] == name for name in tables.node.id]]
    return [
        NodeRow(
            code=code_of(row.id),
            feeder=tables.feeder_of(row.subnet),
            nominal_kv=float(row.vmR),
            v_min_pu=float(row.vmMin),
            v_max_pu=float(row.vmMax),
            latitude_deg=float(row.y),
            longitude_deg=float(row.x),
        )
        for row in kept.itertuples()
    ]


def _branches(tables: GridTables) -> list[BranchRow]:
    types = tables.line_type.to_dict("index")
    rows = []
    for line in tables.line.itertuples():
        kind, length_km = types[line.type], float(line.length)
        rows.append(
            BranchRow(
                code=code_of(line.id),
                feeder=tables.feeder_of(line.subnet),
                from_node=code_of(tables.node_of[line.nodeA]),
                to_node=code_of(tables.node_of[line.nodeB]),
                r_ohm=float(kind["r"]) * length_km,
                x_ohm=float(kind["x"]) * length_km,
                c_nf=float(kind["b"]) * length_km * 1e3 / _OMEGA,  # b in uS/km
                rating_a=float(kind["iMax"]) * float(line.loadingMax) / 100,
                from_closed=line.nodeA not in tables.open_ends,
                to_closed=line.nodeB not in tables.open_ends,
            )
        )
    return rows


def _transformers(tables: GridTables) -> list[TransformerRow]:
    types = tables.transformer_type.to_dict("index")
    return [_transformer(tables, row, types[row.type]) for row in tables.transformer.itertuples()]


def _transformer(tables: GridTables, row: Any, kind: dict[str, Any]) -> TransformerRow:
    rated_kva = float(kind["sR"]) * 1e3
    return TransformerRow(
        code=code_of(row.id),
        feeder=tables.feeder_of(row.subnet),
        hv_node=code_of(tables.node_of[row.nodeHV]),
        lv_node=code_of(tables.node_of[row.nodeLV]),
        rated_kva=rated_kva,
        hv_kv=float(kind["vmHV"]),
        lv_kv=float(kind["vmLV"]),
        vk_percent=float(kind["vmImp"]),
        vkr_percent=float(kind["pCu"]) / rated_kva * 100,
        pfe_kw=float(kind["pFe"]),
        i0_percent=float(kind["iNoLoad"]),
        tap_side=str(kind["tapside"]).upper(),
        tap_position=int(row.tappos),
        tap_neutral=int(kind["tapNeutr"]),
        tap_step_percent=float(kind["dVm"]),
    )


def _sources(tables: GridTables, transformers: list[TransformerRow]) -> list[SourceRow]:
    """The grid above, and for each lower feeder its high-voltage node at the same set-point (its transformer above is
    regulated to it)."""
    setpoints = dict(zip(tables.node.id, tables.node.vmSetp, strict=True))
    outer = tables.external_net.iloc[0]
    v_pu = float(setpoints[outer.node])
    sources = [SourceRow(feeder=tables.hv_subnet, node=code_of(tables.node_of[outer.node]), v_pu=v_pu)]
    lower = {row.feeder: row.hv_node for row in transformers if row.feeder != tables.hv_subnet}
    return sources + [SourceRow(feeder=feeder, node=node, v_pu=v_pu) for feeder, node in lower.items()]


def _congestion_points(feeders: list[str], transformers: list[TransformerRow]) -> list[CongestionPointRow]:
    points = []
    for feeder in feeders:
        own = [row for row in transformers if row.feeder == feeder]
        points.append(
            CongestionPointRow(
                code=f"{ENTITY_PREFIX}:{feeder}",
                feeder=feeder,
                limit_kw=round(0.95 * sum(row.rated_kva for row in own), 1),
                transformer=own[0].code if len(own) == 1 else None,
            )
        )
    return points
