"""Small symmetric matrices, one in every cell (a storage in an interval), factored entry by entry over all cells."""

from __future__ import annotations

import numpy as np
from scipy.linalg import LinAlgError

from bidding.kernels.problem import FloatArray

Part = FloatArray | None  # (T, N), None: zero everywhere


class CellFactor:
    """Cholesky factors of (m, m) Hessians whose entries are (T, N): below the diagonal, and its inverses."""

    def __init__(self, low: list[list[Part]]) -> None:
        """low[a][b], b <= a: entries of the matrices; they are changed in place."""
        self.low, self.inverse = low, list[FloatArray]()
        for a in range(len(low)):
            for b in range(a + 1):
                found = low[a][b]
                for k in range(b):
                    found = _less(found, low[a][k], low[b][k])
                low[a][b] = found if found is None or a == b else found * self.inverse[b]
            self.inverse.append(1.0 / np.sqrt(np.asarray(low[a][a], dtype=np.float64)))
        if not all(np.isfinite(one).all() for one in self.inverse):
            raise LinAlgError("a cell has no positive pivot")

    def forward(self, right: list[Part]) -> list[Part]:
        found: list[Part] = []
        for a, own in enumerate(right):
            value = None if own is None else own.copy()
            for k in range(a):
                value = _less(value, self.low[a][k], found[k])
            found.append(None if value is None else value * self.inverse[a])
        return found

    def backward(self, right: list[Part]) -> FloatArray:
        found: list[FloatArray] = []  # from the last
        for a in reversed(range(len(right))):
            value = np.zeros_like(self.inverse[a]) if right[a] is None else right[a]
            for k, later in zip(reversed(range(a + 1, len(right))), found, strict=True):
                value = _less(value, self.low[k][a], later)
            assert value is not None
            found.append(value * self.inverse[a])
        return np.stack(found[::-1])

    def solve(self, right: FloatArray) -> FloatArray:
        return self.backward(self.forward(list(right)))


def _less(value: Part, first: Part, second: Part) -> Part:
    """value - first x second, in place."""
    if first is None or second is None:
        return value
    product = first * second
    if value is None:
        return np.negative(product, out=product)
    value -= product
    return value


def dot(first: list[Part], second: list[Part]) -> FloatArray:
    products = [a * b for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    if not products:
        return np.zeros(next(part.shape for part in first if part is not None))
    for product in products[1:]:
        products[0] += product
    return products[0]
