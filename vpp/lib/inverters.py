"""What an inverter can give in reactive power beside its real power."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

INVERTER_KINDS = ("PV", "BATTERY", "WIND")
#: Inverters must reach this displacement factor at rated real power (VDE-AR-N 4105:2018, 5.7.2.2, above 4.6 kVA).
LEAST_COS_PHI = 0.9


def apparent_kva(max_consumption_kw: FloatArray, max_production_kw: FloatArray) -> FloatArray:
    """(N,) apparent power of inverters: none is registered, so the least that the rule above leaves them."""
    rated: FloatArray = np.maximum(max_consumption_kw, max_production_kw) / LEAST_COS_PHI
    return rated


def capability_kvar(apparent: FloatArray, power_kw: FloatArray) -> FloatArray:
    """(N,) most reactive power, either way, at real power (N,) of either sign: sqrt(S^2 - P^2), 0 beyond S."""
    most: FloatArray = np.sqrt(np.maximum(apparent**2 - power_kw**2, 0.0))
    return most
