"""What compiled loops over cells are given: the rules' terms, the storages' physics, and what sides are made of."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bidding.kernels.problem import FloatArray

TINY = 1e-11  # curvature that every column has


class Terms(NamedTuple):
    """Of rule j the terms first[j] to first[j + 1], by column: factor `fixed` (K, N), or `timed` (K', T, N) at
    timed_at[k] where that is not -1.
    """

    first: NDArray[np.int64]
    column: NDArray[np.int64]
    fixed: FloatArray
    timed: FloatArray
    timed_at: NDArray[np.int64]


class Physics(NamedTuple):
    """Of each storage gain, loss (MWh in store per MW of charging, discharging) and kept (N,) of the energy of the
    interval before; called (R, N) MWh that a MW of each reserve is expected to draw; cost (m, N).
    """

    gain: FloatArray
    loss: FloatArray
    kept: FloatArray
    called: FloatArray
    cost: FloatArray


class CellSide(NamedTuple):
    """What right-hand sides of cells are made of: (m, T, N) cost less what rows pay, and what closed flows cost more;
    (J, T, N) the products that are wanted, and slacks. NOTHING stands for zeros.
    """

    unpriced: FloatArray
    closing: FloatArray
    wanted: FloatArray
    slack: FloatArray


NOTHING = np.empty((0, 0, 0))
NO_SIDE = CellSide(NOTHING, NOTHING, NOTHING, NOTHING)


def entry(a: int, b: int) -> int:
    """Where the entry (a, b), b <= a, of a symmetric matrix is kept."""
    return a * (a + 1) // 2 + b
