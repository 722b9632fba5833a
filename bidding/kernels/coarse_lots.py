"""What the problem by market time units says of the one in quarter hours: a bound, and lots to try."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from bidding.kernels.certify import Dive
from bidding.kernels.price_maker import settle_steps
from bidding.kernels.problem import FloatArray
from bidding.kernels.solver import LinearModel
from bidding.kernels.variables import Variables


@dataclass(frozen=True)
class CoarseAnswer:
    """Whole lots per position and block, positions in their order; the bound holds for the fine problem too."""

    lots: tuple[FloatArray, ...]
    bound: float
    seconds: float
    closed: bool


def as_in(coarse: CoarseAnswer, made: Variables, model: LinearModel) -> Dive:
    """Two steps: the energy lots of the coarse answer as far as they fit, with the reserves free; then what reserve is
    left, down to whole lots. Directions as in the point at hand.
    """
    reserves = list(made.reserve.values())

    def step(point: FloatArray, *, with_reserves: bool) -> list[FloatArray]:
        point, free = point.copy(), np.zeros(model.cost.size, dtype=bool)
        for position, lots in zip(made.positions, coarse.lots, strict=True):
            places, on = ([model.column(variable) for variable in column] for column in (position.lots, position.on))
            held = any(position is reserve for reserve in reserves)
            wanted = np.floor(point[places] + 1e-6) if held else np.minimum(lots, model.upper[places])
            wanted[wanted * position.lot_mw < position.min_mw - 1e-9] = 0.0
            point[places], point[on] = wanted, wanted > 0
            free[places] = free[on] = held and not with_reserves
        settle_steps(made.every_step, model, point)
        for (g, t), binary in made.direction.items():
            point[model.column(binary)] = float(
                point[model.column(made.up[g][t])] >= point[model.column(made.down[g][t])]
            )
        return [np.where(free, np.nan, point)[model.integer]]

    last = partial(step, with_reserves=True)
    return [partial(step, with_reserves=False), last] if reserves else [last]
