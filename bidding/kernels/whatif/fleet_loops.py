"""Loops over all cells of a scenario (a storage in an interval), compiled: what is small in a cell stays in the cache.

Arrays are (.., T, N) with N storages, contiguous; the matrices of the cells are stored by entry, row by row below the
diagonal, with the inverse of the diagonal in its place. Storages are taken TILE at a time, as slices, so that the
compiler makes vector instructions of the innermost loops. Large arrays are made by the caller: numpy asks for large
pages, which the loops' own allocations do not get.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bidding.kernels.problem import FloatArray
from bidding.kernels.whatif.fleet_terms import TINY, Terms

Loop = TypeVar("Loop", bound=Callable[..., Any])
TILE = 256
HELD = 1e25  # curvature of what stands still


def compiled(function: Loop) -> Loop:
    """Machine code, kept beside the module and made anew when the module changes: a loop calls only its own module's.

    Where there is no place to keep it (an installation nobody may write to), every process makes its own.
    """
    made = partial(njit, nogil=True, error_model="numpy", fastmath={"contract"})
    try:
        return cast(Loop, made(cache=True)(function))
    except RuntimeError:
        return cast(Loop, made()(function))


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
def _add(into, value):  # type: ignore[no-untyped-def]
    for i in range(into.size):
        into[i] += value[i]


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
def _backward(tile, value, count):  # type: ignore[no-untyped-def]
    for a in range(value.shape[0] - 1, -1, -1):
        into = value[a, :count]
        for k in range(a + 1, value.shape[0]):
            _less_product(into, tile[k * (k + 1) // 2 + a, :count], value[k, :count])
        _times(into, tile[a * (a + 3) // 2, :count])


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


@compiled
def _side(value, terms, unpriced, closing, wanted, slack, t, low, high):  # type: ignore[no-untyped-def]
    """Right-hand sides of the cells: towards products `wanted` of slack and price."""
    count = high - low
    for a in range(value.shape[0]):
        into, free = value[a, :count], unpriced[a, t, low:high]
        for i in range(count):
            into[i] = -free[i]
        if closing.size:
            closed = closing[a, t, low:high]
            for i in range(count):
                into[i] -= closed[i]
    if not wanted.size:
        return
    price = np.empty(count)
    for j in range(slack.shape[0]):
        goal, own = wanted[j, t, low:high], slack[j, t, low:high]
        for i in range(count):
            price[i] = goal[i] / own[i]
        for k in range(terms.first[j], terms.first[j + 1]):
            _add_product(value[terms.column[k], :count], _factor(terms, k, t, low, high), price)


@compiled
def _solve(factors, tile, value, t, low, high):  # type: ignore[no-untyped-def]
    for entry in range(factors.shape[0]):
        _copy(tile[entry, : high - low], factors[entry, t, low:high])
    _forward(tile, value, 0, high - low)
    _backward(tile, value, high - low)


@compiled
def solve_cells(factors: FloatArray, right: FloatArray, found: FloatArray) -> None:
    """Into `found` (m, T, N) what comes through the factors of `factor_cells`."""
    width, times, size = right.shape
    tile, value = np.empty((factors.shape[0], TILE)), np.empty((width, TILE))
    for t in range(times):
        for low in range(0, size, TILE):
            high = min(low + TILE, size)
            for a in range(width):
                _copy(value[a, : high - low], right[a, t, low:high])
            _solve(factors, tile, value, t, low, high)
            for a in range(width):
                _copy(found[a, t, low:high], value[a])


@compiled
def taken_out(  # type: ignore[no-untyped-def]
    factors, terms, physics, edges, unpriced, closing, wanted, slack, chain
):  # fmt: skip
    """What sides of the cells leave of the energy rows `chain` (T, N); and what their moves are in basic movements
    (F, B, T), summed over the storages edges[f] to edges[f + 1], and in wear.
    """
    width, times, _ = unpriced.shape
    left, sums, wear = chain.copy(), np.zeros((edges.size - 1, width - 2, times)), 0.0
    tile, value = np.empty((factors.shape[0], TILE)), np.empty((width, TILE))
    for t in range(times):
        for f in range(edges.size - 1):
            for low in range(edges[f], edges[f + 1], TILE):
                high = min(low + TILE, edges[f + 1])
                count = high - low
                _side(value, terms, unpriced, closing, wanted, slack, t, low, high)
                _solve(factors, tile, value, t, low, high)
                energy, charge, discharge, row = value[0, :count], value[1, :count], value[2, :count], left[t, low:high]
                for i in range(count):
                    row[i] += physics.gain[low + i] * charge[i] - physics.loss[low + i] * discharge[i] - energy[i]
                    sums[f, 0, t] += discharge[i] - charge[i]
                    wear += physics.cost[1, low + i] * charge[i] + physics.cost[2, low + i] * discharge[i]
                if t + 1 < times:
                    _add_product(left[t + 1, low:high], physics.kept[low:high], energy)
                for k in range(width - 3):
                    carried = value[3 + k, :count]
                    _less_product(row, physics.called[k, low:high], carried)
                    sums[f, 1 + k, t] += carried.sum()
    return left, sums, wear


@compiled
def moved_cells(  # type: ignore[no-untyped-def]
    factors, terms, physics, edges, unpriced, closing, wanted, slack, chain, basic, profit, found
):  # fmt: skip
    """Into `found` (m, T, N) moves of the cells, with prices of the energy rows `chain` (T, N), of basic movements
    (F, B, T) and of wear; without `unpriced` what these prices alone move.
    """
    width, times, _ = found.shape
    tile, value = np.empty((factors.shape[0], TILE)), np.empty((width, TILE))
    for t in range(times):
        for f in range(edges.size - 1):
            for low in range(edges[f], edges[f + 1], TILE):
                high = min(low + TILE, edges[f + 1])
                count = high - low
                value[:] = 0.0
                if unpriced.size:
                    _side(value, terms, unpriced, closing, wanted, slack, t, low, high)
                price, net = chain[t, low:high], basic[f, 0, t]
                _add(value[0, :count], price)
                if t + 1 < times:
                    _less_product(value[0, :count], physics.kept[low:high], chain[t + 1, low:high])
                charge, discharge = value[1, :count], value[2, :count]
                for i in range(count):
                    charge[i] += profit * physics.cost[1, low + i] - physics.gain[low + i] * price[i] - net
                    discharge[i] += profit * physics.cost[2, low + i] + physics.loss[low + i] * price[i] + net
                for k in range(width - 3):
                    carried = value[3 + k, :count]
                    _add_product(carried, physics.called[k, low:high], price)
                    for i in range(count):
                        carried[i] += basic[f, 1 + k, t]
                _solve(factors, tile, value, t, low, high)
                for a in range(width):
                    _copy(found[a, t, low:high], value[a])
