"""Loops along the storages' chains of intervals, compiled; arrays (T, N) with N storages, contiguous."""

from __future__ import annotations

import numpy as np

from bidding.kernels.problem import FloatArray
from bidding.kernels.whatif.compiled import compiled


@compiled
def factor_chains(
    own: FloatArray, next_to: FloatArray, stored: FloatArray, kept: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """pivot, ratio, diagonal of the inverse (T, N): L has 1 and `ratio`, ratio[t] between t - 1 and t."""
    times, size = own.shape
    pivot, ratio, inverse = own.copy(), np.zeros_like(own), np.empty_like(own)
    for t in range(1, times):
        for i in range(size):
            aside = -kept[i] * next_to[t - 1, i]
            ratio[t, i] = aside / pivot[t - 1, i]
            pivot[t, i] += kept[i] * kept[i] * stored[t - 1, i] - ratio[t, i] * aside
    for t in range(times - 1, -1, -1):
        for i in range(size):
            inverse[t, i] = 1.0 / pivot[t, i]
            if t + 1 < times:
                inverse[t, i] += ratio[t + 1, i] * ratio[t + 1, i] * inverse[t + 1, i]
    return pivot, ratio, inverse


@compiled
def solve_chains(pivot: FloatArray, ratio: FloatArray, right: FloatArray) -> FloatArray:
    """(T, N) through the tridiagonal matrices."""
    times, size = right.shape
    found = right.copy()
    for t in range(1, times):
        for i in range(size):
            found[t, i] -= ratio[t, i] * found[t - 1, i]
    for t in range(times - 1, -1, -1):
        for i in range(size):
            found[t, i] /= pivot[t, i]
            if t + 1 < times:
                found[t, i] -= ratio[t + 1, i] * found[t + 1, i]
    return found


@compiled
def sums_from_chains(beside, after, price, edges):  # type: ignore[no-untyped-def]
    """(F, B, T): what prices (T, N) of the energy rows move of the basic movements, summed over storages."""
    many, times, _ = beside.shape
    found = np.zeros((edges.size - 1, many, times))
    for f in range(edges.size - 1):
        for b in range(many):
            for t in range(times):
                total = 0.0
                for i in range(edges[f], edges[f + 1]):
                    total += beside[b, t, i] * price[t, i]
                    if t + 1 < times:
                        total += after[b, t, i] * price[t + 1, i]
                found[f, b, t] = total
    return found


@compiled
def less_to_chains(beside, after, basic, edges, into):  # type: ignore[no-untyped-def]
    """Takes from `into` (T, N) the transpose, of prices (F, B, T) of the basic movements."""
    many, times, _ = beside.shape
    for f in range(edges.size - 1):
        low, high = edges[f], edges[f + 1]
        for b in range(many):
            for t in range(times):
                price, row = basic[f, b, t], into[t, low:high]
                own, later = beside[b, t, low:high], after[b, t, low:high]
                for i in range(high - low):
                    row[i] -= price * own[i]
                if t + 1 < times:
                    row = into[t + 1, low:high]
                    for i in range(high - low):
                        row[i] -= price * later[i]
