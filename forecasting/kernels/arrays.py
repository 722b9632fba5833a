"""Mean and spread that ignore NaN and stay quiet on empty slices."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]  # float32 in practice: a fleet must fit in memory


def nan_mean(values: Floats, axis: int) -> Floats:
    """Mean of the finite values along axis; NaN where there are none."""
    seen = np.isfinite(values)
    count = seen.sum(axis=axis, dtype=np.float32)
    total = np.where(seen, values, np.float32(0)).sum(axis=axis, dtype=np.float32)
    return np.divide(total, count, out=np.full(total.shape, np.nan, dtype=np.float32), where=count > 0)


def nan_std(values: Floats, axis: int) -> Floats:
    """Standard deviation of the finite values along axis; NaN where there are none."""
    centre = np.expand_dims(nan_mean(values, axis), axis)
    variance = nan_mean((values - centre) ** 2, axis)
    root: Floats = np.sqrt(np.maximum(variance, 0))
    return root


def fill_from(values: Floats, *fallbacks: Floats) -> Floats:
    """values with each NaN replaced by the first fallback (broadcast) that has a number there."""
    filled = values
    for fallback in fallbacks:
        filled = np.where(np.isfinite(filled), filled, fallback)
    return filled
