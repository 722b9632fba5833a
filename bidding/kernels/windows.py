"""Sums and peaks over windows of intervals."""

from __future__ import annotations

import numpy as np

from bidding.kernels.problem import FloatArray


def window_sum(series: FloatArray, window: int, *, ahead: bool) -> FloatArray:
    """(T,) sum of the `window` values up to and with each interval, or of those after it."""
    total = np.concatenate([[0.0], np.cumsum(series)])
    index = np.arange(series.size)
    if ahead:
        return total[np.minimum(index + 1 + window, series.size)] - total[index + 1]
    return total[index + 1] - total[np.maximum(index + 1 - window, 0)]


def window_max(series: FloatArray, window: int) -> FloatArray:
    """(T,) highest value within `window` intervals either way."""
    padded = np.pad(series, window, constant_values=0.0)
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * window + 1).max(axis=1)
