"""From a power flow to violations: which element, when, how much, and how many kW would cure it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vpp.network.kernels.feeder import FeederModel, Floats
from vpp.network.kernels.power_flow import PowerFlowResult
from vpp.network.kernels.radial import NotRadial
from vpp.network.kernels.sensitivities import radial_sensitivities

Kind = Literal[
    "branch_overload",
    "transformer_overload",
    "power_limit",
    "undervoltage",
    "overvoltage",
    "no_solution",
    "not_supplied",
]


@dataclass(frozen=True)
class PowerLimit:
    """An agreed limit on the active power through one element, in both directions; without an element it is on the
    power that all sources give together: the feeder's head."""

    code: str
    limit_kw: float
    element_code: str | None = None


@dataclass(frozen=True)
class Violation:
    """One broken limit in one interval.

    interval  : index into the day.
    value, limit : loading in pu, voltage in pu, or kW for ``power_limit``.
    excess_kw : active power that has to go, >= 0; NaN where no power cures it or nothing is known.
    up        : True if less consumption cures it (UP), False if less production does (DOWN).
    """

    element_code: str
    kind: Kind
    interval: int
    value: float
    limit: float
    excess_kw: float
    up: bool


def find_violations(
    model: FeederModel,
    result: PowerFlowResult,
    *,
    power_limits: Sequence[PowerLimit] = (),
    max_loading_pu: float = 1.0,
    p_kw: Floats | None = None,
) -> list[Violation]:
    """All violations, ordered by interval, then by element code. With the injections p_kw (H, N) also the nodes that
    have some and no supply."""
    found = [
        *_unsolved(result),
        *_unsupplied(model, result, p_kw),
        *_overloads(model, result, max_loading_pu),
        *_power_limits(model, result, power_limits),
        *_voltages(model, result),
    ]
    return sorted(found, key=lambda violation: (violation.interval, violation.element_code, violation.kind))


def excess_over_apparent_kw(p_kw: Floats, q_kvar: Floats, loading_pu: Floats, limit_pu: float) -> Floats:
    """Active power to shed so that the apparent power falls back to the limit while q stays, kW.

    Current and voltage give the apparent power at loading 1 as S / loading; with |q| alone beyond the limit even p = 0
    does not help, and all of p is the answer.
    """
    allowed_kva = np.hypot(p_kw, q_kvar) / loading_pu * limit_pu
    allowed_kw = np.sqrt(np.maximum(allowed_kva**2 - q_kvar**2, 0))
    return np.maximum(np.abs(p_kw) - allowed_kw, 0)


def _unsolved(result: PowerFlowResult) -> Iterator[Violation]:
    for interval in np.flatnonzero(~result.converged):
        yield Violation("", "no_solution", int(interval), np.nan, np.nan, np.nan, up=True)


def _unsupplied(model: FeederModel, result: PowerFlowResult, p_kw: Floats | None) -> Iterator[Violation]:
    if p_kw is None:
        return
    dark = np.isnan(result.voltage_pu) & result.converged[:, None] & (p_kw != 0)
    for interval, node in np.argwhere(dark):
        power_kw = float(p_kw[interval, node])
        yield Violation(model.nodes.codes[node], "not_supplied", int(interval), power_kw, 0.0, np.nan, up=True)


def _overloads(model: FeederModel, result: PowerFlowResult, limit_pu: float) -> Iterator[Violation]:
    groups: list[tuple[Kind, tuple[str, ...], Floats, Floats, Floats]] = [
        (
            "branch_overload",
            model.branches.codes,
            result.branch_loading_pu,
            result.branch_p_kw,
            result.branch_q_kvar,
        ),
        (
            "transformer_overload",
            model.transformers.codes,
            result.transformer_loading_pu,
            result.transformer_p_kw,
            result.transformer_q_kvar,
        ),
    ]
    for kind, codes, loading_pu, p_kw, q_kvar in groups:
        away = away_from_source(model, kind)
        for interval, element in np.argwhere(loading_pu > limit_pu):
            power_kw, loading = p_kw[interval, element], loading_pu[interval, element]
            excess_kw = excess_over_apparent_kw(power_kw, q_kvar[interval, element], loading, limit_pu)
            up = bool(power_kw * away[element] >= 0)
            yield Violation(codes[element], kind, int(interval), float(loading), limit_pu, float(excess_kw), up)


def away_from_source(model: FeederModel, kind: Kind) -> Floats:
    """+1 where an element's from-to direction leads away from the source, -1 where it leads back."""
    if kind == "transformer_overload":
        return np.ones(len(model.transformers.codes))
    sign = np.ones(len(model.branches.codes))
    try:
        sensitivities = radial_sensitivities(model)
    except NotRadial:
        return sign
    depth = sensitivities.path.sum(axis=0)
    return np.where(depth[model.branches.from_node] <= depth[model.branches.to_node], 1.0, -1.0)


def _power_limits(model: FeederModel, result: PowerFlowResult, limits: Sequence[PowerLimit]) -> Iterator[Violation]:
    branch_away = away_from_source(model, "branch_overload") if limits else np.zeros(0)
    for limit in limits:
        if limit.element_code is None:
            power_kw = result.source_p_kw
        elif limit.element_code in model.transformers.codes:
            power_kw = result.transformer_p_kw[:, model.transformers.codes.index(limit.element_code)]
        else:
            branch = model.branches.codes.index(limit.element_code)
            power_kw = result.branch_p_kw[:, branch] * branch_away[branch]
        for interval in np.flatnonzero(np.abs(power_kw) > limit.limit_kw):
            value = float(power_kw[interval])
            excess_kw = abs(value) - limit.limit_kw
            code = limit.element_code or limit.code
            yield Violation(code, "power_limit", int(interval), value, limit.limit_kw, excess_kw, value >= 0)


def _voltages(model: FeederModel, result: PowerFlowResult) -> Iterator[Violation]:
    nodes, voltage_pu = model.nodes, result.voltage_pu
    bands: list[tuple[Kind, Floats, Floats]] = [
        ("undervoltage", nodes.v_min_pu, nodes.v_min_pu - voltage_pu),
        ("overvoltage", nodes.v_max_pu, voltage_pu - nodes.v_max_pu),
    ]
    if not any((beyond > 0).any() for _, _, beyond in bands):
        return
    own_pu_per_kw = _own_sensitivity(model)
    for kind, limit_pu, beyond_pu in bands:
        for interval, node in np.argwhere(beyond_pu > 0):
            excess_kw = float(beyond_pu[interval, node] / own_pu_per_kw[node])
            value, limit = float(voltage_pu[interval, node]), float(limit_pu[node])
            yield Violation(nodes.codes[node], kind, int(interval), value, limit, excess_kw, kind == "undervoltage")


def _own_sensitivity(model: FeederModel) -> Floats:
    """(N,) drop of a node's voltage per kW consumed at that node; NaN where it is zero or the feeder is meshed."""
    try:
        own = -np.diag(radial_sensitivities(model).voltage_per_kw())
    except NotRadial:
        own = np.zeros(len(model.nodes.codes))
    return np.where(own > 0, own, np.nan)
