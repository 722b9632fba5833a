"""Residual demand in what-if files: a binary for each step that a position may lie in, as in `price_maker`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bidding.kernels.array_model import ArrayModel, Index
from bidding.kernels.price_maker import Staircase, paid_change, step_of
from bidding.kernels.problem import FloatArray
from bidding.kernels.whatif.columns import Columns
from bidding.kernels.whatif.stated import WhatIf
from vpp.lib.units import KW_PER_MW


@dataclass(frozen=True)
class StepColumns:
    """within, amount (sides, H, N): of sales and, where a position may be negative, of purchases; worth per MW."""

    position: Index
    within: Index
    amount: Index
    edges_mw: FloatArray
    worth: FloatArray

    def settled(self, values: FloatArray) -> FloatArray:
        """(sides, H, N) which step the positions of a point lie in."""
        sides = len(self.within)
        found: FloatArray = np.zeros(self.within.shape)
        for h, position in enumerate(values[self.position]):
            side = 0 if position >= 0 else 1
            step = step_of(self.edges_mw, abs(float(position)))
            if step >= 0 and side < sides:
                found[side, h, step] = 1.0
        return found


def step_rows(problem: WhatIf, made: ArrayModel, columns: Columns) -> None:
    """Columns and rows of every position whose quantity moves its price."""
    if problem.energy.stairs:
        _add(made, columns, columns.position, problem.energy.stairs, problem.energy.mtu_hours, sides=2)
    for item, position in zip(problem.reserves, columns.reserve, strict=True):
        if item.stairs:
            _add(made, columns, position, item.stairs, item.mtu_hours, sides=1)


def _add(made: ArrayModel, columns: Columns, position: Index, stairs: Staircase, hours: float, *, sides: int) -> None:
    edges_mw = np.array([0.0, *(kw / KW_PER_MW for kw, _ in stairs)])
    shape = (sides, position.size, len(stairs))
    within = made.columns(shape, 0.0, 1.0, integer=True)
    amount = made.columns(shape, 0.0, edges_mw[1:])
    signs = np.array([1.0, -1.0])[:sides, None, None]
    spread = np.moveaxis(amount, 1, 2).reshape(-1, position.size)
    each = np.broadcast_to(np.moveaxis(np.broadcast_to(signs, shape), 1, 2), (sides, len(stairs), position.size))
    made.rows("step_sum", position.shape, [(position, 1.0), (spread, -each.reshape(spread.shape))], 0.0, 0.0)
    every = np.moveaxis(within, 1, 2).reshape(-1, position.size)
    made.rows("one_step", position.shape, [(every, 1.0)], -np.inf, 1.0)
    made.rows("step_roof", shape, [(amount, 1.0), (within, -edges_mw[1:])], -np.inf, 0.0)
    made.rows("step_floor", shape, [(amount, 1.0), (within, -edges_mw[:-1])], 0.0, np.inf)
    change = np.array([value for _, value in stairs]) * hours
    columns.steps.append(StepColumns(position, within, amount, edges_mw, change))


def moved_price_terms(columns: Columns) -> list[tuple[Index, FloatArray]]:
    """What moved prices add to every scenario's profit; nothing or less."""
    return [(steps.amount.ravel(), np.broadcast_to(steps.worth, steps.amount.shape).ravel()) for steps in columns.steps]


def moved_price_profit(position_kw: FloatArray, stairs: Staircase, hours: float) -> float:
    """The same from the positions alone, in plain arithmetic."""
    return sum(abs(float(kw)) * paid_change(stairs, abs(float(kw))) for kw in position_kw.ravel()) * hours / KW_PER_MW
