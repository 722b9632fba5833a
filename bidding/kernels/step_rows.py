"""Rows of the price maker's steps; the number refers to docs/bid.md."""

from __future__ import annotations

import pulp

from bidding.kernels.price_maker import StepChoice
from bidding.kernels.rows import add_row


def add_step_rows(lp: pulp.LpProblem, choices: list[StepChoice]) -> None:
    """(14) The position is what lies in its one step; no more is sold than the staircase reaches."""
    for choice in choices:
        add_row(lp, [(choice.lots, choice.lot_mw), *((amount, -1.0) for amount in choice.amount)], 0, 0.0)
        add_row(lp, [(within, 1.0) for within in choice.within], -1, 1.0)
        for n, (within, amount) in enumerate(zip(choice.within, choice.amount, strict=True)):
            add_row(lp, [(amount, 1.0), (within, -float(choice.edges_mw[n + 1]))], -1, 0.0)
            if choice.edges_mw[n] > 0:
                add_row(lp, [(amount, 1.0), (within, -float(choice.edges_mw[n]))], 1, 0.0)
