"""A feeder's day after an AC power flow, and what a new connection would add."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from vpp.lib.errors import DomainError
from vpp.network import queries
from vpp.network.feeder_grid import FeederGrid, feeder_grid
from vpp.network.models import Node

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from vpp.network.kernels.feeder import FeederModel
    from vpp.network.kernels.power_flow import PowerFlowResult
    from vpp.network.kernels.screening import Violation

Series = Mapping[str, "NDArray[np.float64]"]


class UnknownNode(DomainError):
    code = "unknown_node"
    http_status = 404


class WrongSeries(DomainError):
    code = "wrong_time_grid"


@dataclass(frozen=True)
class ScreeningResult:
    """A feeder's day after an AC power flow.

    starts64    : (H,) naive UTC starts of the intervals.
    voltage_pu  : (H, N) of node_codes; NaN where an interval has no solution.
    *_loading_pu: (H, B) and (H, T); transformer_p_kw: (H, T) downwards.
    source_p_kw : (H,) drawn from the grid above.
    violations  : ordered by interval; empty means every limit holds.
    topology_versions: of the switching states the day passes through; 0 where none is recorded.
    """

    feeder_code: str
    starts64: NDArray[np.datetime64]
    node_codes: tuple[str, ...]
    voltage_pu: NDArray[np.float64]
    branch_codes: tuple[str, ...]
    branch_loading_pu: NDArray[np.float64]
    transformer_codes: tuple[str, ...]
    transformer_loading_pu: NDArray[np.float64]
    transformer_p_kw: NDArray[np.float64]
    source_p_kw: NDArray[np.float64]
    violations: list[Violation]
    screened_at: datetime
    topology_versions: tuple[int, ...] = ()

    @property
    def safe(self) -> bool:
        return not self.violations


@dataclass(frozen=True)
class ConnectionAnswer:
    """May a new site draw and feed that much at a node? The violations are those that it would add."""

    node_code: str
    fits: bool
    added: list[Violation]


def screen(
    feeder_code: str,
    node_injection_kw: Series,
    starts64: NDArray[np.datetime64],
    at: datetime,
    *,
    node_injection_kvar: Series | None = None,
    max_loading_pu: float = 1.0,
) -> ScreeningResult:
    """AC power flow of a feeder for the injections (node code -> (H,) kW, load convention) and all violations.

    Nodes of a lower feeder count where that feeder hangs on this one. Without reactive power, consumption has the
    feeder's power factor and production none. Raises UnknownFeeder, UnknownNode, WrongSeries.
    """
    grid = feeder_grid(feeder_code)
    p_kw = injection_matrix(grid.model, node_injection_kw, len(starts64))
    q_kvar = None
    if node_injection_kvar is not None:
        q_kvar = injection_matrix(grid.model, node_injection_kvar, len(starts64))
    return screen_grid(grid, p_kw, starts64, at, q_kvar=q_kvar, max_loading_pu=max_loading_pu)


def screen_grid(
    grid: FeederGrid,
    p_kw: NDArray[np.float64],
    starts64: NDArray[np.datetime64],
    at: datetime,
    *,
    q_kvar: NDArray[np.float64] | None = None,
    max_loading_pu: float = 1.0,
) -> ScreeningResult:
    """`screen` of a grid that is read already. p_kw, q_kvar: (H, N) in the order of its model's nodes."""
    if q_kvar is None:
        q_kvar = np.maximum(p_kw, 0) * np.tan(np.arccos(grid.feeder.power_factor))
    parts, violations, versions = _by_topology(grid, p_kw, q_kvar, starts64, max_loading_pu)
    return ScreeningResult(
        feeder_code=grid.feeder.code,
        starts64=np.asarray(starts64),
        node_codes=grid.model.nodes.codes,
        voltage_pu=np.vstack([part.voltage_pu for part in parts]),
        branch_codes=grid.model.branches.codes,
        branch_loading_pu=np.vstack([part.branch_loading_pu for part in parts]),
        transformer_codes=grid.model.transformers.codes,
        transformer_loading_pu=np.vstack([part.transformer_loading_pu for part in parts]),
        transformer_p_kw=np.vstack([part.transformer_p_kw for part in parts]),
        source_p_kw=np.concatenate([part.source_p_kw for part in parts]),
        violations=violations,
        screened_at=at,
        topology_versions=versions,
    )


def _by_topology(
    grid: FeederGrid,
    p_kw: NDArray[np.float64],
    q_kvar: NDArray[np.float64],
    starts64: NDArray[np.datetime64],
    max_loading_pu: float,
) -> tuple[list[PowerFlowResult], list[Violation], tuple[int, ...]]:
    """The power flow of each stretch of intervals with its own switching state."""
    from vpp.network.kernels.power_flow import run_power_flow
    from vpp.network.kernels.screening import find_violations

    limits = list(grid.power_limits)
    parts, violations, versions = [], [], []
    for span, state in grid.spans(starts64):
        switched = grid.switched(state)
        part = run_power_flow(switched, p_kw[span], q_kvar[span])
        found = find_violations(switched, part, power_limits=limits, max_loading_pu=max_loading_pu, p_kw=p_kw[span])
        violations += [replace(item, interval=item.interval + span.start) for item in found]
        parts.append(part)
        versions.append(state.version if state else 0)
    return parts, violations, tuple(versions)


def injection_matrix(model: FeederModel, by_node: Series, n_intervals: int) -> NDArray[np.float64]:
    """(H, N) in the model's node order."""
    index = model.node_index
    upper = queries.supplying_nodes(set(by_node) - index.keys())
    matrix = np.zeros((n_intervals, len(index)))
    for code, values in by_node.items():
        target = code if code in index else upper.get(code)
        if target not in index:
            raise UnknownNode(f"node {code!r} does not hang on this feeder", node=code)
        series = np.asarray(values, dtype=np.float64)
        if series.shape != (n_intervals,):
            message = f"node {code}: {series.shape[0] if series.ndim else 0} intervals, want {n_intervals}"
            raise WrongSeries(message, node=code)
        matrix[:, index[target]] += series
    return matrix


def check_connection(
    node_code: str,
    *,
    import_kw: float,
    export_kw: float,
    node_injection_kw: Series,
    starts64: NDArray[np.datetime64],
    at: datetime,
) -> ConnectionAnswer:
    """Screen the node's feeder with the present injections, then with ``import_kw`` more drawn, then with ``export_kw``
    fed in, in every interval. Raises UnknownNode."""
    feeder_code = Node.objects.filter(code=node_code).values_list("feeder__code", flat=True).first()
    if feeder_code is None:
        raise UnknownNode(f"there is no node {node_code!r}", node=node_code)
    present = screen(feeder_code, node_injection_kw, starts64, at)
    known = {(item.element_code, item.kind, item.interval) for item in present.violations}
    base = node_injection_kw.get(node_code, np.zeros(len(starts64)))
    added: list[Violation] = []
    for change_kw in (import_kw, -export_kw):
        changed = screen(feeder_code, {**node_injection_kw, node_code: base + change_kw}, starts64, at)
        added += [item for item in changed.violations if (item.element_code, item.kind, item.interval) not in known]
    return ConnectionAnswer(node_code, not added, added)
