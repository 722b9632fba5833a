"""From a feeder's forecast loading to what its utility asks for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

UP, DOWN = "UP", "DOWN"


@dataclass(frozen=True)
class Need:
    """Relief of one direction: quantity_kw (H,) whole kW, 0 outside the window. UP: less consumption is needed."""

    direction: str
    quantity_kw: Floats

    @property
    def energy_kwh(self) -> float:
        return float(self.quantity_kw.sum()) / 4.0


def need_above_limit(head_kw: Floats, limit_kw: float) -> Need | None:
    """What a limit on the power through an element (H,), downwards positive, asks for; None where it holds."""
    return need_of(np.maximum(head_kw - limit_kw, 0.0), np.maximum(-head_kw - limit_kw, 0.0))


def need_of(consumed_over_kw: Floats, produced_over_kw: Floats) -> Need | None:
    """The ask that cures an excess (H,) of consumption (UP) or of production (DOWN), whichever has more energy."""
    up = consumed_over_kw.sum() >= produced_over_kw.sum()
    excess_kw = consumed_over_kw if up else produced_over_kw
    return Need(UP if up else DOWN, np.ceil(excess_kw)) if excess_kw.any() else None


def tightened_limit_kw(head_kw: Floats, wanted_kw: float, least_intervals: int) -> float:
    """A limit (kW) below the day's peak, so that the peak is over it by `wanted_kw` and at least `least_intervals`
    intervals are over it; the way to an ask on a day without congestion."""
    size_kw = np.sort(np.abs(head_kw))[::-1]
    edge_kw = float(size_kw[min(least_intervals, size_kw.size - 1)])
    return max(min(float(size_kw[0]) - wanted_kw, edge_kw), 0.0)


def cut_to(need: Need, most_kw: float, most_intervals: int) -> Need:
    """The need around its peak: at most `most_kw`, in at most `most_intervals` neighbouring intervals."""
    quantity = np.minimum(need.quantity_kw, most_kw)
    if np.count_nonzero(quantity) > most_intervals:
        sums = np.convolve(quantity, np.ones(most_intervals), mode="valid")
        start = int(sums.argmax())
        inside = np.zeros(quantity.size, dtype=bool)
        inside[start : start + most_intervals] = True
        quantity = np.where(inside, quantity, 0.0)
    return Need(need.direction, np.floor(quantity))
