"""What a member of a group is worth: marginal contributions and Shapley values of any value function.

They differ from a pro-rata split only where the value is not linear in delivery: bands, thresholds, penalties, caps.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vpp.settlement.kernels.answers import FloatArray

Members = NDArray[np.bool_]
Value = Callable[[Members], float]
EXACT_UP_TO = 10
STANDARD_ERROR_PU = 0.005  # sampling stops when the worst standard error is below this share of the whole value
LEAST_PAIRS, MOST_PAIRS = 16, 2000


def marginal_values(count: int, value: Value) -> FloatArray:
    """(N,) V(all) - V(all but i)."""
    everyone = np.ones(count, dtype=np.bool_)
    whole = value(everyone)
    found = np.empty(count)
    for member in range(count):
        others = everyone.copy()
        others[member] = False
        found[member] = whole - value(others)
    return found


def shapley_values(count: int, value: Value, seed: int = 1) -> FloatArray:
    """(N,) Shapley values, sum V(all) - V(none): exact up to ten members, sampled above (Shapley 1953)."""
    return shapley_exact(count, value) if count <= EXACT_UP_TO else shapley_sampled(count, value, seed)


def shapley_exact(count: int, value: Value) -> FloatArray:
    """(N,) over all 2^N coalitions; bit i of a coalition's number is member i."""
    bits = 1 << np.arange(count)
    worth = np.array([value((number & bits) > 0) for number in range(1 << count)])
    factorial = np.cumprod(np.concatenate([[1.0], np.arange(1.0, count + 1)]))
    size = np.array([number.bit_count() for number in range(1 << count)])
    found = np.zeros(count)
    for member in range(count):
        without = np.flatnonzero((np.arange(1 << count) & bits[member]) == 0)
        weight = factorial[size[without]] * factorial[count - 1 - size[without]] / factorial[count]
        found[member] = np.sum(weight * (worth[without | bits[member]] - worth[without]))
    return found


def shapley_sampled(count: int, value: Value, seed: int) -> FloatArray:
    """(N,) mean contributions over random orders, each with its reverse; the seed makes a rerun the same.

    Stops once the worst standard error of a mean is below half a per cent of the whole value.
    """
    draw = np.random.default_rng(seed)
    whole = abs(value(np.ones(count, dtype=np.bool_)) - value(np.zeros(count, dtype=np.bool_)))
    pairs: list[FloatArray] = []
    while len(pairs) < MOST_PAIRS:
        order = draw.permutation(count)
        pairs.append(0.5 * (_contributions(order, value) + _contributions(order[::-1], value)))
        if len(pairs) >= LEAST_PAIRS and len(pairs) % LEAST_PAIRS == 0:
            errors = np.std(pairs, axis=0, ddof=1) / np.sqrt(len(pairs))
            if float(errors.max()) < STANDARD_ERROR_PU * max(whole, 1e-12):
                break
    return np.asarray(np.mean(pairs, axis=0), dtype=np.float64)


def _contributions(order: NDArray[np.int64], value: Value) -> FloatArray:
    members = np.zeros(order.size, dtype=np.bool_)
    worth = [value(members.copy())]
    for member in order:
        members[member] = True
        worth.append(value(members.copy()))
    found = np.empty(order.size)
    found[order] = [after - before for before, after in pairwise(worth)]
    return found
