"""The IEEE-123 feeder, balanced equivalent, from its two tables (buses.csv, branches.csv); nothing of it is kept here."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vpp.network.kernels.document import (
    BranchRow,
    FeederRow,
    NetworkDocument,
    NodeRow,
    ShuntRow,
    SourceRow,
    SubstationRow,
)

Floats = NDArray[np.float64]
NOMINAL_KV, SOURCE = 4.16, "150"
FEEDER = "IEEE123"


def read_feeder(
    folder: Path, *, v_min_pu: float = 0.95, v_max_pu: float = 1.05
) -> tuple[NetworkDocument, Floats, Floats]:
    """(document, kW per node, kvar per node), nodes in the order of the document."""
    buses, branches = _table(folder / "buses.csv"), _table(folder / "branches.csv")
    document = NetworkDocument(
        substations=[SubstationRow("S")],
        feeders=[FeederRow(FEEDER, "S")],
        nodes=[NodeRow(row["bus"], FEEDER, NOMINAL_KV, v_min_pu, v_max_pu) for row in buses],
        branches=[
            BranchRow(
                f"{row['from_bus']}-{row['to_bus']}", FEEDER, row["from_bus"], row["to_bus"],
                float(row["r_ohm"]), float(row["x_ohm"]),
            )
            for row in branches
        ],
        shunts=[
            ShuntRow(f"C{row['bus']}", FEEDER, row["bus"], -float(row["shunt_cap_kvar"]))
            for row in buses
            if float(row["shunt_cap_kvar"])
        ],
        sources=[SourceRow(FEEDER, SOURCE, 1.0)],
    )  # fmt: skip
    p_kw = np.array([float(row["load_kw"]) for row in buses])
    q_kvar = np.array([float(row["load_kvar"]) for row in buses])
    return document, p_kw, q_kvar


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))
