"""A what-if problem as plain data: kW, kWh, currency per MWh; T intervals, H market time units, S scenarios."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bidding.kernels.problem import FloatArray


@dataclass(frozen=True)
class Energy:
    """block (T,) maps intervals to market time units; price (S, H)."""

    block: NDArray[np.int64]
    price_per_mwh: FloatArray
    mtu_hours: float
    min_quantity_kw: float
    curve: bool
    import_fee_per_mwh: float
    linear: bool = False
    stairs: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Reserve:
    """price (H,) per MW and hour; activation: expected share of the capacity that is called."""

    name: str
    is_up: bool
    block: NDArray[np.int64]
    price_per_mw_h: FloatArray
    mtu_hours: float
    min_quantity_kw: float
    endurance_h: float
    activation: float
    stairs: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Fleet:
    """N storages as columns. charge_kw, discharge_kw (N, T): availability counted in; draw_kwh (N, T).

    feeder (N,): number in the list of feeders, -1 for none. held_pu (2, N): the part of a charging (0) and of a
    discharging (1) that reserve may be held against, None for all of it. max_hours, max_starts (N,): a day, inf
    where not limited.
    """

    name: tuple[str, ...]
    feeder: NDArray[np.int64]
    charge_kw: FloatArray
    discharge_kw: FloatArray
    energy_min_kwh: FloatArray
    energy_max_kwh: FloatArray
    energy_start_kwh: FloatArray
    energy_end_kwh: FloatArray
    ends_exactly: NDArray[np.bool_]
    charge_efficiency: FloatArray
    discharge_efficiency: FloatArray
    retention: FloatArray
    wear_per_mwh: FloatArray
    draw_kwh: FloatArray
    max_hours: FloatArray
    max_starts: FloatArray
    held_pu: FloatArray | None = None

    @property
    def size(self) -> int:
        return len(self.name)


@dataclass(frozen=True)
class Ask:
    id: str
    feeder: int
    is_up: bool
    intervals: NDArray[np.int64]
    quantity_kw: FloatArray
    price_per_mwh: float


@dataclass(frozen=True)
class Block:
    """All or none of position_kw (H,), sales positive; of one group ("" is a block alone) at most one is chosen.

    taken (S,): whether the market takes it at the scenario's prices, once it is offered.
    """

    name: str
    group: str
    position_kw: FloatArray
    taken: NDArray[np.bool_]


@dataclass(frozen=True)
class WhatIf:
    """imbalance_price (S, T) or None; generation_kw (G, S, T); feeder limits (F,), inf where there is none."""

    hours: float
    intervals: int
    currency: str
    probability: FloatArray
    position_limit_kw: float
    energy: Energy
    imbalance_price: FloatArray | None
    spread_per_mwh: float
    reserves: tuple[Reserve, ...]
    fleet: Fleet
    generation_feeder: NDArray[np.int64]
    generation_kw: FloatArray
    feeders: tuple[str, ...]
    export_limit_kw: FloatArray
    import_limit_kw: FloatArray
    beta: float
    alpha: float
    asks: tuple[Ask, ...]
    blocks: tuple[Block, ...] = ()

    @property
    def scenarios(self) -> int:
        return int(self.probability.size)
