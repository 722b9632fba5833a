"""Loops over all cells of a scenario, compiled: right-hand sides, and what comes of them through the cells' factors.

Arrays as in `fleet_factor_loops`, whose factors these are.
"""

from __future__ import annotations

import numpy as np

from bidding.kernels.problem import FloatArray
from bidding.kernels.whatif.compiled import TILE, compiled


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
    """Through the factors of these cells, forwards and backwards; in place."""
    count, width = high - low, value.shape[0]
    for entry in range(factors.shape[0]):
        _copy(tile[entry, :count], factors[entry, t, low:high])
    for a in range(width):
        own, into = a * (a + 1) // 2, value[a, :count]
        for k in range(a):
            _less_product(into, tile[own + k, :count], value[k, :count])
        _times(into, tile[own + a, :count])
    for a in range(width - 1, -1, -1):
        into = value[a, :count]
        for k in range(a + 1, width):
            _less_product(into, tile[k * (k + 1) // 2 + a, :count], value[k, :count])
        _times(into, tile[a * (a + 3) // 2, :count])


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
def _take_out(value, physics, left, sums, t, low, high):  # type: ignore[no-untyped-def]
    """Moves of cells out of the energy rows of t and t + 1 in `left`, and into the `sums` (B, T) of their class.
    Returns their wear.
    """
    count, wear = high - low, 0.0
    energy, charge, discharge, row = value[0, :count], value[1, :count], value[2, :count], left[t, low:high]
    for i in range(count):
        row[i] += physics.gain[low + i] * charge[i] - physics.loss[low + i] * discharge[i] - energy[i]
        sums[0, t] += discharge[i] - charge[i]
        wear += physics.cost[1, low + i] * charge[i] + physics.cost[2, low + i] * discharge[i]
    if t + 1 < left.shape[0]:
        _add_product(left[t + 1, low:high], physics.kept[low:high], energy)
    for k in range(value.shape[0] - 3):
        carried = value[3 + k, :count]
        _less_product(row, physics.called[k, low:high], carried)
        sums[1 + k, t] += carried.sum()
    return wear


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
                _side(value, terms, unpriced, closing, wanted, slack, t, low, high)
                _solve(factors, tile, value, t, low, high)
                wear += _take_out(value, physics, left, sums[f], t, low, high)
    return left, sums, wear


@compiled
def _add_prices(value, physics, chain, basic, profit, t, low, high):  # type: ignore[no-untyped-def]
    """To right-hand sides what prices of the energy rows, of the class's basic movements (B, T) and of wear make."""
    count = high - low
    price, net = chain[t, low:high], basic[0, t]
    _add(value[0, :count], price)
    if t + 1 < chain.shape[0]:
        _less_product(value[0, :count], physics.kept[low:high], chain[t + 1, low:high])
    charge, discharge = value[1, :count], value[2, :count]
    for i in range(count):
        charge[i] += profit * physics.cost[1, low + i] - physics.gain[low + i] * price[i] - net
        discharge[i] += profit * physics.cost[2, low + i] + physics.loss[low + i] * price[i] + net
    for k in range(value.shape[0] - 3):
        carried = value[3 + k, :count]
        _add_product(carried, physics.called[k, low:high], price)
        for i in range(count):
            carried[i] += basic[1 + k, t]


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
                value[:] = 0.0
                if unpriced.size:
                    _side(value, terms, unpriced, closing, wanted, slack, t, low, high)
                _add_prices(value, physics, chain, basic[f], profit, t, low, high)
                _solve(factors, tile, value, t, low, high)
                for a in range(width):
                    _copy(found[a, t, low:high], value[a])
