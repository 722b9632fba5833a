"""A mean that ignores NaN and stays quiet on empty slices."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]  # float32 in practice: a fleet must fit in memory


def nan_mean(values: Floats, axis: int) -> Floats:
    """Mean of the finite values along axis; NaN where there are none."""
    seen = np.isfinite(values)
    count = seen.sum(axis=axis, dtype=np.float32)
    total = np.where(seen, values, np.float32(0)).sum(axis=axis, dtype=np.float32)
    return np.divide(total, count, out=np.full(total.shape, np.nan, dtype=np.float32), where=count > 0)
