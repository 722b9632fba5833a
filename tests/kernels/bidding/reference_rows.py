"""A mixed-integer problem row by row, for scipy's solver."""

from __future__ import annotations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_matrix

Terms = list[tuple[int, float]]


class Rows:
    def __init__(self) -> None:
        self.lower: list[float] = []
        self.upper: list[float] = []
        self.whole: list[int] = []
        self.cost: list[float] = []
        self.low: list[float] = []
        self.high: list[float] = []
        self.entries: list[tuple[int, int, float]] = []

    def var(self, low: float = 0.0, high: float = np.inf, whole: int = 0) -> int:
        self.lower.append(low)
        self.upper.append(high)
        self.whole.append(whole)
        self.cost.append(0.0)
        return len(self.lower) - 1

    def row(self, terms: list[tuple[int, float]], low: float, high: float) -> None:
        for column, value in terms:
            self.entries.append((len(self.low), column, value))
        self.low.append(low)
        self.high.append(high)

    def solved(self, gap: float, relax: bool) -> float:
        row, column, value = zip(*self.entries, strict=False)
        matrix = coo_matrix((value, (row, column)), shape=(len(self.low), len(self.lower))).tocsr()
        answer = milp(
            np.array(self.cost),
            integrality=np.zeros(len(self.whole)) if relax else np.array(self.whole),
            bounds=Bounds(np.array(self.lower), np.array(self.upper)),
            constraints=LinearConstraint(matrix, np.array(self.low), np.array(self.high)),
            options={"mip_rel_gap": gap, "presolve": True},
        )
        assert answer.x is not None, answer.message
        return -float(answer.fun)
