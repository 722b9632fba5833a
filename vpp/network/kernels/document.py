"""The network file as typed records, and the way from them to arrays. The format is described in docs/files.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from vpp.network.kernels.document_rows import (
    ROW_TYPES,
    BranchRow,
    CongestionPointRow,
    FeederRow,
    NetworkDocument,
    NodeRow,
    RegulatorRow,
    ShuntRow,
    SourceRow,
    SubstationRow,
    TransformerRow,
)
from vpp.network.kernels.feeder import (
    Branches,
    FeederModel,
    Nodes,
    Regulators,
    Shunts,
    Sources,
    Transformers,
)

__all__ = [
    "BranchRow",
    "CongestionPointRow",
    "FeederRow",
    "NetworkDocument",
    "NodeRow",
    "ROW_TYPES",
    "RegulatorRow",
    "ShuntRow",
    "SourceRow",
    "SubstationRow",
    "TransformerRow",
    "arrays",
    "as_json",
    "feeder_model",
]


def as_json(document: NetworkDocument) -> dict[str, list[dict[str, Any]]]:
    """Plain lists of objects, ready for ``json.dump``."""
    return {
        section: [{part.name: getattr(row, part.name) for part in fields(row)} for row in getattr(document, section)]
        for section in ROW_TYPES
    }


def feeder_model(document: NetworkDocument, feeders: Iterable[str] | None = None) -> FeederModel:
    """The arrays of the given feeders, or of the whole document.

    Nodes are those of the feeders plus the ones their elements touch. A source is taken if its feeder is among them and
    its node is not supplied by another of them. Raises KeyError for a node that is not in the document.
    """
    wanted = {row.code for row in document.feeders} if feeders is None else set(feeders)
    branches = [row for row in document.branches if row.feeder in wanted]
    transformers = [row for row in document.transformers if row.feeder in wanted]
    by_code = {row.code: row for row in document.nodes}
    sources = [
        row
        for row in document.sources
        if row.feeder in wanted and (by_code[row.node].feeder == row.feeder or by_code[row.node].feeder not in wanted)
    ]
    codes = {row.code: None for row in document.nodes if row.feeder in wanted}
    for branch in branches:
        codes |= {branch.from_node: None, branch.to_node: None}
    for transformer in transformers:
        codes |= {transformer.hv_node: None, transformer.lv_node: None}
    codes |= {source.node: None for source in sources}
    return arrays(
        [by_code[code] for code in codes],
        branches,
        transformers,
        sources,
        regulators=[row for row in document.regulators if row.feeder in wanted],
        shunts=[row for row in document.shunts if row.feeder in wanted],
    )


def arrays(
    nodes: list[NodeRow],
    branches: list[BranchRow],
    transformers: list[TransformerRow],
    sources: list[SourceRow],
    *,
    regulators: Sequence[RegulatorRow] = (),
    shunts: Sequence[ShuntRow] = (),
) -> FeederModel:
    """The rows as one ``FeederModel``; every node that an element names must be among ``nodes``."""
    index = {row.code: position for position, row in enumerate(nodes)}
    return FeederModel(
        nodes=Nodes(
            codes=tuple(row.code for row in nodes),
            nominal_kv=_floats(row.nominal_kv for row in nodes),
            v_min_pu=_floats(row.v_min_pu for row in nodes),
            v_max_pu=_floats(row.v_max_pu for row in nodes),
        ),
        branches=_branch_arrays(branches, index),
        transformers=_transformer_arrays(transformers, index),
        sources=Sources(node=_ints(index[row.node] for row in sources), v_pu=_floats(row.v_pu for row in sources)),
        regulators=_regulator_arrays(regulators, transformers),
        shunts=Shunts(
            codes=tuple(row.code for row in shunts),
            node=_ints(index[row.node] for row in shunts),
            q_kvar=_floats(row.q_kvar for row in shunts),
        ),
    )


def _regulator_arrays(rows: Sequence[RegulatorRow], transformers: list[TransformerRow]) -> Regulators:
    place = {row.code: position for position, row in enumerate(transformers)}
    return Regulators(
        codes=tuple(row.code for row in rows),
        transformer=_ints(place[row.transformer] for row in rows),
        v_set_pu=_floats(row.v_set_pu for row in rows),
        v_band_pu=_floats(row.v_band_pu for row in rows),
        tap_min=_ints(row.tap_min for row in rows),
        tap_max=_ints(row.tap_max for row in rows),
    )


def _branch_arrays(rows: list[BranchRow], index: Mapping[str, int]) -> Branches:
    return Branches(
        codes=tuple(row.code for row in rows),
        from_node=_ints(index[row.from_node] for row in rows),
        to_node=_ints(index[row.to_node] for row in rows),
        r_ohm=_floats(row.r_ohm for row in rows),
        x_ohm=_floats(row.x_ohm for row in rows),
        c_nf=_floats(row.c_nf for row in rows),
        rating_a=_floats(np.inf if row.rating_a is None else row.rating_a for row in rows),
        from_closed=np.array([row.from_closed for row in rows], dtype=np.bool_),
        to_closed=np.array([row.to_closed for row in rows], dtype=np.bool_),
    )


def _transformer_arrays(rows: list[TransformerRow], index: Mapping[str, int]) -> Transformers:
    return Transformers(
        codes=tuple(row.code for row in rows),
        hv_node=_ints(index[row.hv_node] for row in rows),
        lv_node=_ints(index[row.lv_node] for row in rows),
        rated_kva=_floats(row.rated_kva for row in rows),
        hv_kv=_floats(row.hv_kv for row in rows),
        lv_kv=_floats(row.lv_kv for row in rows),
        vk_percent=_floats(row.vk_percent for row in rows),
        vkr_percent=_floats(row.vkr_percent for row in rows),
        pfe_kw=_floats(row.pfe_kw for row in rows),
        i0_percent=_floats(row.i0_percent for row in rows),
        tap_side_hv=np.array([row.tap_side == "HV" for row in rows], dtype=np.bool_),
        tap_position=_ints(row.tap_position for row in rows),
        tap_neutral=_ints(row.tap_neutral for row in rows),
        tap_step_percent=_floats(row.tap_step_percent for row in rows),
        closed=np.array([row.closed for row in rows], dtype=np.bool_),
    )


def _floats(values: Iterable[float]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.fromiter(values, dtype=np.float64)


def _ints(values: Iterable[int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.fromiter(values, dtype=np.int64)
