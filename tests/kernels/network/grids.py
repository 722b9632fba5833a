"""Small grids whose answers can be worked out on paper, and the IEEE-like ladder for agreement tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from vpp.network.kernels.document import (
    BranchRow,
    FeederRow,
    NetworkDocument,
    NodeRow,
    SourceRow,
    SubstationRow,
    TransformerRow,
)


def two_node_line(**branch: Any) -> NetworkDocument:
    """A 10 kV source and one line of 1 + j2 ohm, no charging, to one node."""
    line = BranchRow(code="L1", feeder="F", from_node="A", to_node="B", r_ohm=1.0, x_ohm=2.0, rating_a=100.0)
    return NetworkDocument(
        substations=[SubstationRow("S")],
        feeders=[FeederRow("F", "S")],
        nodes=[NodeRow("A", "F", 10.0, 0.95, 1.05), NodeRow("B", "F", 10.0, 0.95, 1.05)],
        branches=[replace(line, **branch)],
        sources=[SourceRow("F", "A", 1.0)],
    )


def low_voltage_feeder(**transformer: Any) -> NetworkDocument:
    """20/0.4 kV, 250 kVA, two streets of two nodes each, one of them with an open tie between the ends."""
    unit = TransformerRow(
        code="T1",
        feeder="LV",
        hv_node="MV",
        lv_node="BB",
        rated_kva=250.0,
        hv_kv=20.0,
        lv_kv=0.4,
        vk_percent=4.0,
        vkr_percent=1.2,
        pfe_kw=0.6,
        i0_percent=0.4,
        tap_step_percent=2.5,
    )
    lines = [("L1", "BB", "N1"), ("L2", "N1", "N2"), ("L3", "BB", "N3"), ("L4", "N4", "N3")]  # L4 points upstream
    return NetworkDocument(
        substations=[SubstationRow("S")],
        feeders=[FeederRow("LV", "S")],
        nodes=[NodeRow("MV", "LV", 20.0), *(NodeRow(code, "LV", 0.4) for code in ("BB", "N1", "N2", "N3", "N4"))],
        branches=[
            *(BranchRow(code, "LV", start, end, 0.02, 0.008, 80.0, 270.0) for code, start, end in lines),
            BranchRow("TIE", "LV", "N2", "N4", 0.03, 0.01, 120.0, 270.0, from_closed=True, to_closed=False),
        ],
        transformers=[replace(unit, **transformer)],
        sources=[SourceRow("LV", "MV", 1.02)],
    )
