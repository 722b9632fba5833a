"""A feeder's day as calculated: loading and voltage of each element, loads, needs and room, forecast and metered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bidding.grid.awareness import PowerSplit, awareness_of, measured_screening
from bidding.grid.injections import feeder_day
from bidding.grid.needs import needs_of
from vpp.console.schematic import Schematic, lay_out
from vpp.lib.periods import DeliveryDay
from vpp.network.operations import ScreeningResult

if TYPE_CHECKING:
    from vpp.network.kernels.feeder import FeederModel
    from vpp.network.kernels.needs import Need
    from vpp.network.kernels.screening import Violation

FloatArray = NDArray[np.float64]
MOST_NEEDS = 20


@dataclass(frozen=True)
class Picture:
    """One power flow of the day: per element (H,) whole percent of its rating, per node (H,) thousandths of nominal."""

    loading: dict[str, list[int | None]]
    voltage: dict[str, list[int | None]]
    violations: list[Violation]


@dataclass(frozen=True)
class NeedLine:
    """A limit that breaks and the least that cures it; `quantity` (H,) in kW or kvar at the best node."""

    element: str
    kind: str
    up: bool
    reactive: bool
    quantity: FloatArray
    cured: bool
    best_nodes: list[str]

    @property
    def peak(self) -> float:
        return float(self.quantity.max(initial=0.0))

    @property
    def window(self) -> tuple[int, int]:
        """First and last interval in which it is needed."""
        at = np.flatnonzero(self.quantity > 0)
        return (int(at[0]), int(at[-1])) if at.size else (0, 0)


@dataclass(frozen=True)
class Study:
    """forecast, metered : the day's pictures; metered is None before the first reading."""

    drawing: Schematic
    band: dict[str, tuple[int, int]]  # lowest and highest voltage allowed, thousandths
    forecast: Picture
    metered: Picture | None
    forecast_power: PowerSplit
    metered_power: PowerSplit
    up_kw: FloatArray
    down_kw: FloatArray
    needs: list[NeedLine]
    made_at: datetime

    def picture(self, name: str) -> Picture:
        return self.metered if name == "metered" and self.metered is not None else self.forecast


def calculate(feeder_code: str, day: DeliveryDay, at: datetime) -> Study:
    """Some tenths of a second and some forty questions to the database. Raises DomainError."""
    known = feeder_day(feeder_code, day, at)
    aware = awareness_of(known, at)
    metered = measured_screening(aware, at)
    needed = needs_of(known, at)
    model = known.states[-1][1]  # drawn as the day ends
    return Study(
        drawing=lay_out(model),
        band=_band(model),
        forecast=picture_of(aware.screening),
        metered=None if metered is None else picture_of(metered),
        forecast_power=aware.forecast,
        metered_power=aware.measured,
        up_kw=aware.up_kw,
        down_kw=aware.down_kw,
        needs=[_need_line(need) for need in needed.needs[:MOST_NEEDS]],
        made_at=at,
    )


def _need_line(need: Need) -> NeedLine:
    best = [node.code for node in need.best_nodes[:3]]
    return NeedLine(need.element_code, need.kind, need.up, need.reactive, need.quantity, need.cured, best)


def _band(model: FeederModel) -> dict[str, tuple[int, int]]:
    low, high = (np.round(limit * 1000).astype(int).tolist() for limit in (model.nodes.v_min_pu, model.nodes.v_max_pu))
    return dict(zip(model.nodes.codes, zip(low, high, strict=True), strict=True))


def picture_of(screening: ScreeningResult) -> Picture:
    def whole(values: FloatArray, scale: int) -> list[list[int | None]]:
        return [[None if not np.isfinite(value) else round(float(value) * scale) for value in row] for row in values.T]

    lines = zip(screening.branch_codes, whole(screening.branch_loading_pu, 100), strict=True)
    transformers = zip(screening.transformer_codes, whole(screening.transformer_loading_pu, 100), strict=True)
    voltages = zip(screening.node_codes, whole(screening.voltage_pu, 1000), strict=True)
    return Picture(dict(lines) | dict(transformers), dict(voltages), list(screening.violations))
