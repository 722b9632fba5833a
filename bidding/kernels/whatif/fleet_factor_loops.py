"""Loops over all cells of a scenario (a storage in an interval), compiled: the matrices of the cells and their factors.

Arrays are (.., T, N) with N storages, contiguous; the matrices are stored by entry, row by row below the diagonal, with
the inverse of the diagonal in its place. What is small in a cell stays in the cache. Large arrays are made by the
caller: numpy asks for large pages, which the loops' own allocations do not get.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bidding.kernels.problem import FloatArray
from bidding.kernels.whatif.compiled import TILE, compiled
from bidding.kernels.whatif.fleet_terms import TINY, Terms

HELD = 1e25  # curvature of what stands still


@compiled
def _factor(terms, k, t, low, high):  # type: ignore[no-untyped-def]
    at = terms.timed_at[k]
    if at < 0:
        return terms.fixed[k, low:high]
    return terms.timed[at, t, low:high]


@compiled
def _copy(into, value):  # type: ignore[no-untyped-def]
    for i in range(into.size):  # assigning a slice would compile numpy's error messages too, for seconds
        into[i] = value[i]


@compiled
def _add_product(into, first, second):  # type: ignore[no-untyped-def]
    for i in range(into.size):
        into[i] += first[i] * second[i]


@compiled
def _less_product(into, first, second):  # type: ignore[no-untyped-def]
    for i in range(into.size):
        into[i] -= first[i] * second[i]


@compiled
def _times(into, factor):  # type: ignore[no-untyped-def]
    for i in range(into.size):
        into[i] *= factor[i]


@compiled
def _weighted(tile, terms, weight, j, t, low, high):  # type: ignore[no-untyped-def]
    """Adds to the matrices what rule j weighs."""
    count = high - low
    scaled = np.empty(count)
    for k in range(terms.first[j], terms.first[j + 1]):
        factor, a = _factor(terms, k, t, low, high), terms.column[k]
        for i in range(count):
            scaled[i] = weight[i] * factor[i]
        for other in range(terms.first[j], k + 1):
            into = tile[a * (a + 1) // 2 + terms.column[other], :count]
            _add_product(into, scaled, _factor(terms, other, t, low, high))


@compiled
def _cholesky(tile, width, count):  # type: ignore[no-untyped-def]
    for a in range(width):
        own = a * (a + 1) // 2
        for b in range(a + 1):
            other, into = b * (b + 1) // 2, tile[own + b, :count]
            for k in range(b):
                _less_product(into, tile[own + k, :count], tile[other + k, :count])
            if b < a:
                _times(into, tile[other + b, :count])
            else:
                for i in range(count):
                    into[i] = 1.0 / np.sqrt(into[i])


@compiled
def _forward(tile, value, begin, count):  # type: ignore[no-untyped-def]
    for a in range(begin, value.shape[0]):
        own, into = a * (a + 1) // 2, value[a, :count]
        for k in range(begin, a):
            _less_product(into, tile[own + k, :count], value[k, :count])
        _times(into, tile[own + a, :count])


@compiled
def factor_cells(
    terms: Terms, vectors: FloatArray, begins: NDArray[np.int64], still: NDArray[np.bool_], price: FloatArray,
    slack: FloatArray, factors: FloatArray, shared: FloatArray,
) -> None:  # fmt: skip
    """Into `factors` (m (m + 1) / 2, T, N) the Cholesky factors of what rules weigh, price / slack each; and into
    `shared` (V (V + 1) / 2, T, N) what vectors (V, m, N), zero before column `begins`, share once cells are taken out.
    """
    width, times, size = still.shape
    many = begins.size
    tile, moved, weight = np.empty((factors.shape[0], TILE)), np.empty((many, width, TILE)), np.empty(TILE)
    for t in range(times):
        for low in range(0, size, TILE):
            high = min(low + TILE, size)
            count = high - low
            tile[:] = 0.0
            for a in range(width):
                stands, diagonal = still[a, t, low:high], tile[a * (a + 3) // 2]
                for i in range(count):
                    diagonal[i] = HELD if stands[i] else TINY
            for j in range(slack.shape[0]):
                paid, own = price[j, t, low:high], slack[j, t, low:high]
                for i in range(count):
                    weight[i] = paid[i] / own[i]
                _weighted(tile, terms, weight, j, t, low, high)
            _cholesky(tile, width, count)
            for entry in range(factors.shape[0]):
                _copy(factors[entry, t, low:high], tile[entry])
            for v in range(many):
                for a in range(width):
                    _copy(moved[v, a, :count], vectors[v, a, low:high])
                _forward(tile, moved[v], begins[v], count)
                for u in range(v + 1):
                    into = shared[v * (v + 1) // 2 + u, t, low:high]
                    into[:] = 0.0
                    for a in range(max(begins[u], begins[v]), width):
                        _add_product(into, moved[v, a, :count], moved[u, a, :count])
