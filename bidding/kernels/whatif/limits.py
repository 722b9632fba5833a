"""Bounds and reserves that several rows of a what-if problem stand on."""

from __future__ import annotations

import numpy as np

from bidding.kernels.array_model import Index
from bidding.kernels.problem import FloatArray
from bidding.kernels.whatif.columns import Columns
from bidding.kernels.whatif.stated import WhatIf
from vpp.lib.units import KW_PER_MW


def largest_deviation(problem: WhatIf) -> float:
    """MW that no deviation exceeds which is not sold and bought at once; finite, so that prices prove a bound."""
    asked = sum(float(ask.quantity_kw.max(initial=0.0)) for ask in problem.asks)
    made = float(problem.generation_kw.sum(axis=0).max(initial=0.0)) if problem.generation_kw.size else 0.0
    moved = float((problem.fleet.charge_kw + problem.fleet.discharge_kw).sum(axis=0).max(initial=0.0))
    in_blocks = sum(float(np.abs(block.position_kw).max()) for block in problem.blocks)
    return (moved + made + asked + in_blocks + problem.position_limit_kw) / KW_PER_MW


def energy_limits(problem: WhatIf) -> tuple[FloatArray, FloatArray]:
    """(I,) MWh."""
    return problem.fleet.energy_min_kwh / KW_PER_MW, problem.fleet.energy_max_kwh / KW_PER_MW


def carried_limits(problem: WhatIf) -> list[FloatArray]:
    """Per reserve (I, T) MW: what a storage can hold by its power both ways and its energy for the endurance."""
    fleet = problem.fleet
    both = (fleet.charge_kw + fleet.discharge_kw) / KW_PER_MW
    span = ((fleet.energy_max_kwh - fleet.energy_min_kwh) / KW_PER_MW)[:, None]
    found = []
    for item in problem.reserves:
        per_mw = (
            item.endurance_h / fleet.discharge_efficiency if item.is_up else item.endurance_h * fleet.charge_efficiency
        )[:, None]
        room = np.divide(span, per_mw, out=np.full_like(span, np.inf), where=per_mw > 0)
        found.append(np.minimum(both, room))
    return found


def beside_time(values: FloatArray) -> FloatArray:
    """(I,) beside (S, I, T)."""
    return values[:, None]


def carried_of(problem: WhatIf, columns: Columns, *, is_up: bool) -> list[Index]:
    return [carried for item, carried in zip(problem.reserves, columns.carried, strict=True) if item.is_up is is_up]
