"""Our own quantity moves the price: a decreasing staircase of residual demand, and the binaries that say which step.

Of a position x in step n (X_{n-1} <= x <= X_n) all of x is paid the expected price plus that step's change (negative;
for a purchase the price rises by as much). Revenue is not concave in x, so each step that the fleet can reach has a
binary; products whose first step the fleet does not leave have none. Formulation (12) of docs/bid.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pulp
from numpy.typing import NDArray

from bidding.kernels.problem import FloatArray
from bidding.kernels.solver import LinearModel
from vpp.lib.units import KW_PER_MW

Staircase = tuple[tuple[float, float], ...]  # (up to kW, change of the price per MWh)


@dataclass(frozen=True)
class StepChoice:
    """One block of one position: within[n] is 1 in the step that amount[n] MW of it lie in.

    edges_mw (N + 1,): X_0 .. X_N; change (N,) of the price.
    """

    lots: pulp.LpVariable
    lot_mw: float
    block: int
    within: list[pulp.LpVariable]
    amount: list[pulp.LpVariable]
    edges_mw: FloatArray
    change: FloatArray


def reachable(stairs: Staircase, most_mw: float) -> Staircase:
    """The steps that a position of at most `most_mw` can come to; empty where it cannot leave an unchanged price."""
    kept = [(kw, change) for n, (kw, change) in enumerate(stairs) if n == 0 or stairs[n - 1][0] < most_mw * KW_PER_MW]
    return tuple(kept) if any(change for _, change in kept) else ()


def step_choices(
    prefix: str, lots: list[pulp.LpVariable], lot_mw: float, max_mw: FloatArray, stairs: Staircase
) -> list[StepChoice]:
    """The columns of a position's blocks; nothing for blocks that cannot move the price."""
    found = []
    for block, variable in enumerate(lots):
        steps = reachable(stairs, float(max_mw[block]))
        if not steps:
            continue
        names = [f"{prefix}_h{block}_n{n}" for n in range(len(steps))]
        found.append(
            StepChoice(
                lots=variable,
                lot_mw=lot_mw,
                block=block,
                within=[pulp.LpVariable(f"{name}_within", 0, 1, pulp.LpInteger) for name in names],
                amount=[
                    pulp.LpVariable(f"{name}_mw", 0, kw / KW_PER_MW)
                    for name, (kw, _) in zip(names, steps, strict=True)
                ],
                edges_mw=np.array([0.0, *(kw / KW_PER_MW for kw, _ in steps)]),
                change=np.array([change for _, change in steps]),
            )
        )  # fmt: skip
    return found


def step_costs(choices: list[StepChoice], block_hours: FloatArray) -> list[tuple[pulp.LpVariable, float]]:
    """What the moved price costs: less is paid for a sale, more for a purchase."""
    return [
        (amount, -float(change * block_hours[choice.block]))
        for choice in choices
        for amount, change in zip(choice.amount, choice.change, strict=True)
    ]


def settle_steps(
    choices: list[StepChoice], model: LinearModel, point: FloatArray, free: NDArray[np.bool_] | None = None
) -> None:
    """In place: of each block whose lots are settled in `point`, the step that they lie in."""
    for choice in choices:
        column = model.column(choice.lots)
        if free is not None and free[column]:
            continue
        step = step_of(choice.edges_mw, float(point[column]) * choice.lot_mw)
        for n, within in enumerate(choice.within):
            point[model.column(within)] = float(n == step)
            if free is not None:
                free[model.column(within)] = False


def step_of(edges_mw: FloatArray, quantity_mw: float) -> int:
    """Number of the step; -1 for nothing. A quantity on an edge is in the step below it, where the price is better."""
    if quantity_mw <= 1e-9:
        return -1
    return min(int(np.searchsorted(edges_mw[1:], quantity_mw - 1e-9, side="left")), edges_mw.size - 2)


def paid_change(stairs: Staircase, quantity_kw: float) -> float:
    """Change of the price at a quantity, in plain arithmetic; beyond the last step that of the last."""
    for upto_kw, change in stairs:
        if quantity_kw <= upto_kw + 1e-3:
            return change
    return stairs[-1][1] if stairs else 0.0
