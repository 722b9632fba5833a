"""Seeded faults of devices: a few per cent ignore, drop out or answer late for a part of the day."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class Fault(IntEnum):
    """IGNORE: acknowledges, then does as it likes. DROP_OUT: neither hears nor answers nor reports; keeps its last
    setpoint until that expires. SLOW: acts one interval late. DRIFT: follows, but ever less of what is asked."""

    NONE = 0
    IGNORE = 1
    DROP_OUT = 2
    SLOW = 3
    DRIFT = 4


@dataclass(frozen=True)
class FaultRates:
    """Share of the devices that has one fault of this kind in the day."""

    ignore_pu: float = 0.01
    drop_out_pu: float = 0.015
    slow_pu: float = 0.01
    drift_pu: float = 0.0
    shortest_intervals: int = 2
    longest_intervals: int = 12


NO_FAULTS = FaultRates(0.0, 0.0, 0.0)


def draw_faults(n_devices: int, n_intervals: int, seed: int, rates: FaultRates | None = None) -> NDArray[np.uint8]:
    """Fault code per device and interval, (N, H); the same seed gives the same faults."""
    rates = rates or FaultRates()
    rng = np.random.default_rng(seed)
    draw = rng.random(n_devices)
    edges = np.cumsum([rates.ignore_pu, rates.drop_out_pu, rates.slow_pu, rates.drift_pu])
    kinds = np.array([Fault.IGNORE, Fault.DROP_OUT, Fault.SLOW, Fault.DRIFT, Fault.NONE], dtype=np.uint8)
    kind = kinds[np.searchsorted(edges, draw, side="right")]
    start = rng.integers(0, n_intervals, n_devices)
    length = rng.integers(rates.shortest_intervals, rates.longest_intervals + 1, n_devices)
    index = np.arange(n_intervals)
    active = (index >= start[:, None]) & (index < (start + length)[:, None])
    return np.where(active, kind[:, None], np.uint8(Fault.NONE)).astype(np.uint8)
