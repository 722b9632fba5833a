"""What a bid problem may sell: energy, reserves, answers to asks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
UP, DOWN = "UP", "DOWN"
BOTH = "BOTH"  # a symmetric reserve: one quantity, held each way


@dataclass(frozen=True)
class EnergyProduct:
    """Day-ahead energy; block_of_interval (T,) maps dispatch intervals to M market time units, price (M,) EUR/MWh.

    most_kw: largest quantity of one bid. barred: names of the groups that the market does not admit.
    stairs: residual demand, (up to kW, change of the price) in rising kW; empty for a price taker.
    sell_only: reduction of load is all that the market pays; nothing is bought there.
    must_offer_kw (T,): a capacity obligation, so much is to be sold at least; None for none.
    """

    code: str
    block_of_interval: IntArray
    price_eur_per_mwh: FloatArray
    min_quantity_kw: float
    lot_kw: float
    most_kw: float = float("inf")
    barred: frozenset[str] = frozenset()
    stairs: tuple[tuple[float, float], ...] = ()
    sell_only: bool = False
    must_offer_kw: FloatArray | None = None


@dataclass(frozen=True)
class ReserveProduct:
    """Reserve capacity in `direction`; price (B,) EUR per MW and hour; `activation_pu` is the expected share called.

    most_kw, barred, stairs, must_offer_kw: as of energy.
    """

    code: str
    direction: str
    block_of_interval: IntArray
    price_eur_per_mw_h: FloatArray
    min_quantity_kw: float
    lot_kw: float
    endurance_h: float
    activation_pu: float = 0.0
    most_kw: float = float("inf")
    barred: frozenset[str] = frozenset()
    stairs: tuple[tuple[float, float], ...] = ()
    must_offer_kw: FloatArray | None = None

    def covers(self, direction: str) -> bool:
        return self.direction in (direction, BOTH)


@dataclass(frozen=True)
class AskRequest:
    """A utility's ask: quantity (T,) kW wanted from devices of `feeder`, 0 outside its window; at most the ceiling."""

    reference: str
    direction: str
    feeder: str
    quantity_kw: FloatArray
    ceiling_eur_per_mwh: float
    min_quantity_kw: float = 1.0
    lot_kw: float = 1.0
    bound_to_place: bool = True
