"""Helpers to write rows."""

from __future__ import annotations

from collections.abc import Iterable

import pulp

from bidding.kernels.problem import BidProblem
from bidding.kernels.variables import Variables

Terms = list[tuple[pulp.LpVariable, float]]


def add_row(lp: pulp.LpProblem, terms: Iterable[tuple[pulp.LpVariable, float]], sense: int, rhs: float) -> None:
    """terms (sense) rhs with sense -1 for <=, 0 for =, 1 for >=. A repeated variable is summed."""
    lp.addConstraint(pulp.LpConstraint(pulp.LpAffineExpression(_summed(terms)), sense=sense, rhs=float(rhs)))


def _summed(terms: Iterable[tuple[pulp.LpVariable, float]]) -> Terms:
    total: dict[int, tuple[pulp.LpVariable, float]] = {}
    for variable, factor in terms:
        earlier = total.get(id(variable))
        total[id(variable)] = (variable, factor if earlier is None else earlier[1] + factor)
    return list(total.values())


def carried_terms(problem: BidProblem, made: Variables, direction: str, g: int, t: int) -> Terms:
    return [(made.carried[p.code][g][t], 1.0) for p in problem.reserves if p.covers(direction)]
