"""What inverters can give in reactive power beside any real power."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from vpp.lib.inverters import LEAST_COS_PHI

FloatArray = NDArray[np.float64]

KVAR_PER_KW = math.tan(math.acos(LEAST_COS_PHI))


def reactive_room_kvar(rated_kw: FloatArray, count: int) -> FloatArray:
    """(count,) kvar, either way, that inverters of (N,) rated kW can give whatever real power they are at.

    Their apparent power is taken as rated_kw / 0.9, so at any real power up to the rating sqrt(S^2 - P^2) is at least
    tan(acos 0.9) of it: reactive power so limited never costs a kilowatt that was sold.
    """
    return np.full(count, float(rated_kw.sum()) * KVAR_PER_KW)
