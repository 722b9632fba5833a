"""What the network room does: takes in grids, screens injections, checks connections."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db import transaction

from vpp.accounts import operations as accounts
from vpp.lib.errors import DomainError
from vpp.network import queries, storing
from vpp.network.models import Node

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from vpp.accounts.models import Participant
    from vpp.network.kernels.feeder import FeederModel
    from vpp.network.kernels.parsing import Finding
    from vpp.network.kernels.screening import Violation

Series = Mapping[str, "NDArray[np.float64]"]


class NetworkRefused(DomainError):
    """Nothing of the file was stored; ``findings`` lists all that has to be mended."""

    code = "network_refused"

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__(f"{len(findings)} findings; nothing was imported", findings=[str(item) for item in findings])
        self.findings = findings


class UnknownNode(DomainError):
    code = "unknown_node"
    http_status = 404


class WrongSeries(DomainError):
    code = "wrong_time_grid"


@dataclass(frozen=True)
class ImportReport:
    """Rows per section of the file, and how many of them were new."""

    rows: dict[str, int]
    made: dict[str, int]


@dataclass(frozen=True)
class ScreeningResult:
    """A feeder's day after an AC power flow.

    starts64    : (H,) naive UTC starts of the intervals.
    voltage_pu  : (H, N) of node_codes; NaN where an interval has no solution.
    *_loading_pu: (H, B) and (H, T); transformer_p_kw: (H, T) downwards.
    violations  : ordered by interval; empty means every limit holds.
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
    violations: list[Violation]
    screened_at: datetime

    @property
    def safe(self) -> bool:
        return not self.violations


@dataclass(frozen=True)
class ConnectionAnswer:
    """May a new site draw and feed that much at a node? The violations are those that it would add."""

    node_code: str
    fits: bool
    added: list[Violation]


def import_network(source: Path | str | dict[str, Any], *, utility: Participant, at: datetime) -> ImportReport:
    """Store a network file (format: docs/files.md) for a utility: all of it or, with any finding, nothing.

    The same file again changes nothing; a changed element is updated by its code. Raises NetworkRefused with all
    findings.
    """
    from vpp.network.kernels.parsing import parse
    from vpp.network.kernels.validation import validate

    document, findings = parse(_read(source))
    findings = findings or [
        *validate(document, known=storing.known_codes(utility)),
        *storing.foreign(document, utility),
    ]
    if findings:
        raise NetworkRefused(findings)
    with transaction.atomic():
        rows, made = storing.store(document, utility)
        accounts.audit(at=at, actor="import", action="network.imported", subject=utility, after=rows)
    return ImportReport(rows, made)


def _read(source: Path | str | dict[str, Any]) -> Any:
    from vpp.network.kernels.parsing import Finding

    if isinstance(source, dict):
        return source
    try:
        return json.loads(Path(source).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NetworkRefused([Finding("unreadable", str(source), "", (), str(error))]) from None


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
    from vpp.network.kernels.power_flow import run_power_flow
    from vpp.network.kernels.screening import find_violations

    model = queries.feeder_model(feeder_code)
    p_kw = _matrix(model, node_injection_kw, len(starts64))
    if node_injection_kvar is None:
        power_factor = queries.get_feeder(feeder_code).power_factor
        q_kvar = np.maximum(p_kw, 0) * np.tan(np.arccos(power_factor))
    else:
        q_kvar = _matrix(model, node_injection_kvar, len(starts64))
    result = run_power_flow(model, p_kw, q_kvar)
    limits = queries.power_limits(feeder_code)
    return ScreeningResult(
        feeder_code=feeder_code,
        starts64=np.asarray(starts64),
        node_codes=model.nodes.codes,
        voltage_pu=result.voltage_pu,
        branch_codes=model.branches.codes,
        branch_loading_pu=result.branch_loading_pu,
        transformer_codes=model.transformers.codes,
        transformer_loading_pu=result.transformer_loading_pu,
        transformer_p_kw=result.transformer_p_kw,
        violations=find_violations(model, result, power_limits=limits, max_loading_pu=max_loading_pu),
        screened_at=at,
    )


def _matrix(model: FeederModel, by_node: Series, n_intervals: int) -> NDArray[np.float64]:
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
