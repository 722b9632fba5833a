"""Block orders of a what-if file: which of them are offered, one of a group at most; what is taken is delivered."""

from __future__ import annotations

import numpy as np

from bidding.kernels.array_model import ArrayModel, Index, Term
from bidding.kernels.problem import FloatArray
from bidding.kernels.whatif.columns import Columns
from bidding.kernels.whatif.stated import WhatIf
from vpp.lib.units import KW_PER_MW


def group_rows(problem: WhatIf, made: ArrayModel, columns: Columns) -> None:
    """At most one block of a group."""
    for members in groups_of(problem):
        if members.size > 1:
            made.rows("one_block", (1,), [(columns.block[members][:, None], 1.0)], -np.inf, 1.0)


def groups_of(problem: WhatIf) -> list[Index]:
    """Numbers of the blocks that exclude each other; a block without a group is alone."""
    found: dict[str, list[int]] = {}
    for number, block in enumerate(problem.blocks):
        found.setdefault(f"group {block.group}" if block.group else f"alone {number}", []).append(number)
    return [np.array(members, dtype=np.int64) for members in found.values()]


def block_terms(problem: WhatIf, columns: Columns, sign: float) -> list[Term]:
    """What chosen blocks bring to the position, where they are taken, beside rows (S, T)."""
    return [
        (columns.block[number], sign * block.taken[:, None] * block.position_kw[problem.energy.block] / KW_PER_MW)
        for number, block in enumerate(problem.blocks)
    ]


def block_worth(problem: WhatIf, s: int) -> FloatArray:
    """(B,) what each block earns in scenario s at its prices."""
    energy = problem.energy
    per_kw = energy.price_per_mwh[s] * energy.mtu_hours / KW_PER_MW
    return np.array([float(block.taken[s]) * float(block.position_kw @ per_kw) for block in problem.blocks])


def chosen(problem: WhatIf, columns: Columns, values: FloatArray, share: float) -> FloatArray:
    """(B,) of each group the block that a relaxed point has most of, where that is at least `share`."""
    found, relaxed = np.zeros(len(problem.blocks)), values[columns.block]
    for members in groups_of(problem):
        first = members[int(np.argmax(relaxed[members]))]
        found[first] = float(relaxed[first] >= share - 1e-9)
    return found
