"""Where the columns of a what-if problem stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bidding.kernels.array_model import Index

if TYPE_CHECKING:
    from bidding.kernels.whatif.steps import StepColumns

DirectionAt = NDArray[np.bool_]


@dataclass
class Columns:
    """Indices of the columns. position (H,) or (S, H) for curves; reserve[k] (H_k,); c, d, e (S, I, T);
    carried[k] (S, I, T); used (S, G, T); surplus, deficit (S, T); ask (A,); block (B,); relief, excess (S, I, T);
    begun (n, S, L, T + 1) of the L storages whose starts are limited.
    """

    position: Index
    reserve: list[Index]
    charge: Index
    discharge: Index
    energy: Index
    carried: list[Index]
    used: Index
    surplus: Index | None
    deficit: Index | None
    ask: Index
    block: Index
    profit: Index | None = None
    relief: Index | None = None
    excess: Index | None = None
    begun: Index | None = None
    steps: list[StepColumns] = field(default_factory=list)
    lots: list[tuple[Index, Index, Index | None]] = field(default_factory=list)
