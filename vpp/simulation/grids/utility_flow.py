"""The simulated utility's own power flow: from its network file and a forecast or measurement per node to violations.

It knows the service's forecast only through the API; here it only needs the file and numbers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vpp.network.kernels.document import NetworkDocument, feeder_model
from vpp.network.kernels.feeder import stack_injections
from vpp.network.kernels.parsing import Finding, parse
from vpp.network.kernels.power_flow import PowerFlowResult, run_power_flow
from vpp.network.kernels.screening import PowerLimit, Violation, find_violations

Series = Mapping[str, NDArray[np.float64]]


class BadNetworkFile(ValueError):
    """The file is not a network; ``findings`` say why."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("; ".join(map(str, findings[:5])))
        self.findings = findings


@dataclass(frozen=True)
class FeederStudy:
    """A feeder's day: what flows and what breaks.

    head_p_kw : (H,) through the feeder's transformers, downwards positive.
    head_loading_pu : (H,) the most loaded of them.
    """

    feeder: str
    congestion_point: str
    limit_kw: float
    head_p_kw: NDArray[np.float64]
    head_loading_pu: NDArray[np.float64]
    result: PowerFlowResult
    violations: list[Violation]


def load_network(path: Path) -> NetworkDocument:
    """Raises BadNetworkFile."""
    document, findings = parse(json.loads(path.read_text(encoding="utf-8")))
    if findings:
        raise BadNetworkFile(findings)
    return document


def study_feeder(
    document: NetworkDocument,
    feeder: str,
    node_injection_kw: Series,
    *,
    limit_kw: float | None = None,
) -> FeederStudy:
    """Power flow of one feeder for injections by node code ((H,) kW, load convention).

    Consumption has the feeder's power factor. ``limit_kw`` replaces the limit of the feeder's congestion
    point (a utility that tightens it). Raises KeyError for an unknown feeder or node.
    """
    by_feeder = {row.feeder: row for row in document.congestion_points}
    point = by_feeder[feeder]
    power_factor = {row.code: row.power_factor for row in document.feeders}[feeder]
    n_intervals = len(next(iter(node_injection_kw.values())))
    model = feeder_model(document, [feeder])
    p_kw = stack_injections(model, dict(node_injection_kw), n_intervals)
    result = run_power_flow(model, p_kw, np.maximum(p_kw, 0) * np.tan(np.arccos(power_factor)))
    limit = point.limit_kw if limit_kw is None else limit_kw
    limits = [PowerLimit(point.code, limit, point.transformer or point.branch)]
    return FeederStudy(
        feeder=feeder,
        congestion_point=point.code,
        limit_kw=limit,
        head_p_kw=result.transformer_p_kw.sum(axis=1),
        head_loading_pu=result.transformer_loading_pu.max(axis=1),
        result=result,
        violations=find_violations(model, result, power_limits=limits),
    )
