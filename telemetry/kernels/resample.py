"""Quarter hours to wider steps."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from telemetry.kernels.batch import FloatColumn
from telemetry.kernels.rollup import BUCKET_MINUTES
from vpp.lib.units import energy_kwh

Aggregation = Literal["mean", "min", "max", "energy"]
AGGREGATIONS: tuple[str, ...] = get_args(Aggregation)


def resample(power_kw: FloatColumn, step_minutes: int, how: Aggregation) -> FloatColumn:
    """(N, T) mean power per quarter hour, kW, to (N, T / k) of steps of k quarter hours; NaN if one of them is missing.

    mean, min, max : of the quarter hours, kW. energy : kWh of the step.
    """
    quarters = power_kw.reshape(power_kw.shape[0], -1, step_minutes // BUCKET_MINUTES)
    if how == "energy":
        return np.asarray(energy_kwh(quarters.mean(axis=2), step_minutes))
    if how == "mean":
        return np.asarray(quarters.mean(axis=2))
    return np.asarray(quarters.min(axis=2) if how == "min" else quarters.max(axis=2))
