"""Recovery rules of asks: how far the movement that pays an answer back may go against it, and when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bidding.models import Ask

if TYPE_CHECKING:
    from bidding.kernels.problem import BidProblem


def within_recovery_rules(problem: BidProblem, asks: Iterable[Ask]) -> BidProblem:
    """The problem with its room for recovery cut to the limits of the asks; the tightest holds.

    Limits count for movement that nobody was promised; what is traded elsewhere is a trade of its own.
    """
    ruled = [ask for ask in asks if ask.recovery_limit_kw is not None]
    if not ruled:
        return problem
    room = problem.recovery_room()
    surplus_kw, deficit_kw = room.surplus_kw.copy(), room.deficit_kw.copy()
    for ask in ruled:
        limit_kw = np.array([np.inf if value is None else value for value in ask.recovery_limit_kw or ()])
        against = deficit_kw if ask.direction == "UP" else surplus_kw
        np.minimum(against, limit_kw, out=against)
    recovery = replace(
        room,
        surplus_kw=surplus_kw,
        deficit_kw=deficit_kw,
        either_kw=np.minimum(room.either_kw, np.maximum(surplus_kw, deficit_kw)),
    )
    return replace(problem, recovery=recovery)
