"""Combine forecasts of one aggregate, and make the parts add up to it."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def score_weights(errors: Array) -> Array:
    """Weights (M, A) of members from their recent errors (M, A): inverse square, halfway shrunk to equal.

    A member with a NaN error (no score) gets none unless all lack one. Combinations of equal members are hard to beat,
    hence the shrinkage; Timmermann (2006), Handbook of Economic Forecasting 1, chapter 4.
    """
    seen = np.isfinite(errors)
    count = seen.sum(axis=0)
    equal = np.where(count > 0, seen / np.maximum(count, 1), 1.0 / len(errors))
    floor = 1e-6 * np.where(seen, errors, 0).max(axis=0) + 1e-12
    inverse = np.where(seen, 1.0 / (np.where(seen, errors, 1.0) + floor) ** 2, 0.0)
    total = inverse.sum(axis=0)
    scored = np.divide(inverse, total, out=equal.copy(), where=total > 0)
    weights: Array = (scored + equal) / 2
    return weights


def weighted(members: Array, weights: Array) -> Array:
    """(A, S) weighted mean of members (M, A, S) with weights (M, A)."""
    mixed: Array = (members * weights[:, :, None]).sum(axis=0)
    return mixed


def reconcile(parts_kw: Array, total_kw: Array, *, spread_kw: Array, lower_kw: Array, upper_kw: Array) -> Array:
    """Parts (N, H) moved so that they add up to total_kw (H,), the uncertain ones most.

    spread_kw (N, H) >= 0: standard deviations; lower_kw, upper_kw (N,): limits that hold whatever the total says. What
    a part at its limit cannot take goes to the others; if all are at their limits the sum misses the total.
    Diagonal-variance least squares, closed form for one level: Wickramasuriya, Athanasopoulos & Hyndman (2019),
    JASA 114(526), doi:10.1080/01621459.2018.1448825.
    """
    moved = parts_kw.astype(np.float64)
    variance = np.maximum(spread_kw, 0.0) ** 2
    for _ in range(4):
        gap = total_kw - moved.sum(axis=0)
        if np.abs(gap).max(initial=0.0) <= 1e-9 * max(np.abs(total_kw).max(initial=0.0), 1.0):
            break
        room = np.where(gap > 0, moved < upper_kw[:, None], moved > lower_kw[:, None])
        share = np.where(room, variance, 0.0)
        total = share.sum(axis=0)
        step = np.divide(share, total, out=np.zeros_like(share), where=total > 0) * gap
        moved = np.clip(moved + step, np.minimum(lower_kw[:, None], moved), np.maximum(upper_kw[:, None], moved))
    return moved
