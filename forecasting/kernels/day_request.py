"""What a forecast of one day is asked for: times and quantiles, or why they cannot be served."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.kernels.series import UnusableSeries

Array = NDArray[np.float64]


def checked(
    issue: pd.Timestamp, target: pd.DatetimeIndex, quantiles: Sequence[float]
) -> tuple[NDArray[np.datetime64], Array]:
    """Target times (H,) naive UTC and quantile levels (Q,). Raises UnusableSeries."""
    levels = np.array(list(quantiles), dtype=float)
    if not len(levels) or not np.isfinite(levels).all() or (levels <= 0).any() or (levels >= 1).any():
        raise UnusableSeries("request: quantiles must lie between 0 and 1")
    if not len(target) or pd.isna(target).any() or pd.isna(issue):
        raise UnusableSeries("request: target and issue must be times")
    times = np.array([to_naive(one) for one in target])
    if len(np.unique(times)) != len(times) or (np.diff(times) < np.timedelta64(0, "s")).any():
        raise UnusableSeries("request: target times must ascend")
    if times[0] < to_naive(issue):
        raise UnusableSeries("request: the target begins before the issue")
    return times, levels


def to_naive(moment: pd.Timestamp) -> np.datetime64:
    stamp = pd.Timestamp(moment)
    stamp = stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp.tz_convert("UTC")
    return stamp.tz_localize(None).to_datetime64().astype("datetime64[s]")


def from_midnight(first: np.datetime64) -> np.timedelta64:
    """From the nearest UTC midnight to the local one; 22:00 begins the next local day, or weekdays would be wrong."""
    half = np.timedelta64(12, "h")
    return np.timedelta64(first - (first + half).astype("datetime64[D]"), "s")
