"""A day that passes through several switching states: stretches of intervals, each with its own model.

The models of one feeder's states differ in their switches alone, so nodes and elements have the same positions in all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from vpp.network.kernels.feeder import FeederModel, Floats
from vpp.network.kernels.power_flow import PowerFlowResult, run_power_flow
from vpp.network.kernels.screening import PowerLimit, Violation, find_violations

Stretch = tuple[slice, FeederModel]


def run_stretches(stretches: Sequence[Stretch], p_kw: Floats, q_kvar: Floats) -> PowerFlowResult:
    """The power flow of a day (T, N), each stretch on its own model; as one result."""
    parts = [run_power_flow(model, p_kw[span], q_kvar[span]) for span, model in stretches]
    if len(parts) == 1:
        return parts[0]
    joined: dict[str, Any] = {
        item.name: np.concatenate([getattr(part, item.name) for part in parts])
        for item in fields(PowerFlowResult)
        if item.name != "method"
    }
    return PowerFlowResult(method=parts[-1].method, **joined)


def find_violations_of_stretches(
    stretches: Sequence[Stretch],
    result: PowerFlowResult,
    p_kw: Floats,
    *,
    power_limits: Sequence[PowerLimit] = (),
    max_loading_pu: float = 1.0,
) -> list[Violation]:
    """As screening lists them, with the interval of the day."""
    found: list[Violation] = []
    for span, model in stretches:
        part = part_of(result, span)
        here = find_violations(
            model, part, power_limits=power_limits, max_loading_pu=max_loading_pu, p_kw=p_kw[span]
        )  # fmt: skip
        found += [replace(item, interval=item.interval + (span.start or 0)) for item in here]
    return found


def part_of(result: PowerFlowResult, span: slice) -> PowerFlowResult:
    """The intervals of a stretch."""
    series = {item.name: getattr(result, item.name)[span] for item in fields(PowerFlowResult) if item.name != "method"}
    return replace(result, **series)
