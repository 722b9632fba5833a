"""Small problems whose answers can be worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from bidding.kernels.problem import AskRequest, BidProblem, EnergyProduct, FlexGroup, ReserveProduct
from bidding.kernels.solver import SolverOptions

FAST = SolverOptions(time_limit_s=20)


def battery(count: int, *, power_kw: float = 1000.0, energy_kwh: float = 1000.0, **fields: Any) -> FlexGroup:
    defaults: dict[str, Any] = {
        "name": "battery",
        "feeder": "F",
        "up_limit_kw": np.full(count, power_kw),
        "down_limit_kw": np.full(count, power_kw),
        "energy_min_kwh": np.zeros(count),
        "energy_max_kwh": np.full(count, energy_kwh),
        "energy_start_kwh": 0.0,
        "energy_end_kwh": 0.0,
    }
    return FlexGroup(**(defaults | fields))


def energy(prices: list[float], *, per_block: int = 1, lot_kw: float = 100.0, min_kw: float = 100.0) -> EnergyProduct:
    blocks = np.repeat(np.arange(len(prices)), per_block)
    return EnergyProduct("DA", blocks, np.array(prices, dtype=np.float64), min_kw, lot_kw)


def reserve(
    price: float, count: int, *, direction: str = "UP", lot_kw: float = 100.0, endurance_h: float = 1.0, **fields: Any
) -> ReserveProduct:
    return ReserveProduct(
        fields.pop("code", f"RES-{direction}"),
        direction,
        np.zeros(count, dtype=np.int64),
        np.array([price]),
        fields.pop("min_kw", lot_kw),
        lot_kw,
        endurance_h,
        **fields,
    )


def ask(quantity_kw: list[float], *, ceiling: float = 500.0, direction: str = "UP", **fields: Any) -> AskRequest:
    return AskRequest(
        fields.pop("reference", "ask"), direction, fields.pop("feeder", "F"), np.array(quantity_kw), ceiling, **fields
    )


def problem(groups: list[FlexGroup], count: int, **fields: Any) -> BidProblem:
    zero = np.zeros(count)
    defaults: dict[str, Any] = {
        "step_hours": 1.0,
        "groups": tuple(groups),
        "energy": None,
        "reserves": (),
        "asks": (),
        "feeders": (),
        "book_up_kw": sum((group.up_limit_kw for group in groups), start=zero.copy()),
        "book_down_kw": sum((group.down_limit_kw for group in groups), start=zero.copy()),
        "committed_net_up_kw": zero,
        "imbalance_price_eur_per_mwh": np.full(count, 50.0),
        "imbalance_spread_eur_per_mwh": 1000.0,
    }
    return BidProblem(**(defaults | fields))
