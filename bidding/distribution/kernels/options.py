"""How a quantity for an ask is offered in exclusive options, and how little of one may be ordered."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from vpp.lib.units import KW_PER_MW

FloatArray = NDArray[np.float64]


def half_kw(quantity_kw: FloatArray, lot_kw: float, min_kw: float) -> FloatArray:
    """About half of (H,) kW in whole lots; what would fall below the minimum is 0."""
    half = np.floor(quantity_kw / 2 / lot_kw + 1e-9) * lot_kw
    return np.where(half >= max(min_kw, lot_kw) - 1e-9, half, 0.0)


def least_activation_pu(quantity_kw: FloatArray, min_kw: float) -> float:
    """The smallest share, in steps of 0.01, that leaves the minimum in every interval with a quantity."""
    offered = quantity_kw[quantity_kw > 0]
    if not offered.size:
        return 1.0
    return min(max(math.ceil(min_kw / float(offered.min()) * 100 - 1e-6) / 100, 0.01), 1.0)


def energy_mwh(quantity_kw: FloatArray, hours_per_interval: float) -> float:
    return float(quantity_kw.sum()) * hours_per_interval / KW_PER_MW
