"""Ordered reactive power of an interval, over the inverters that can give it beside the power they are sent to."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vpp.dispatch.kernels.limits import Limit
from vpp.dispatch.kernels.reactive import split_kvar
from vpp.dispatch.models import Setpoint
from vpp.dispatch.operations.judging import STEP
from vpp.dispatch.operations.scene import Scene
from vpp.lib.inverters import apparent_kva

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MAY_BE_ASKED = (Limit.NONE, Limit.OWNER_NOTICE)  # notice is about the power that the owner uses


@dataclass(frozen=True)
class KvarOrder:
    """What one portfolio owes the inverters' feeder in one interval, injection positive."""

    feeder_code: str
    ordered_kvar: float
    missing_kvar: float

    def as_json(self) -> dict[str, object]:
        placed_kvar = round(self.ordered_kvar - self.missing_kvar, 3)
        return {"feeder": self.feeder_code, "ordered_kvar": self.ordered_kvar, "placed_kvar": placed_kvar}


@dataclass(frozen=True)
class Reactive:
    """target_kvar (N,): NaN where none is asked; until_s (N,): epoch seconds until which a target may hold, infinite
    without one; orders by portfolio."""

    target_kvar: Floats
    until_s: Floats
    orders: dict[int, list[KvarOrder]] = field(default_factory=dict)


def place_kvar(scene: Scene, power_kw: Floats, longest: int) -> Reactive:
    """power_kw : (N,) what each device is sent to, or expected at. longest : intervals that a setpoint may hold."""
    n = len(scene.fleet.table)
    found = Reactive(np.full(n, np.nan), np.full(n, np.inf))
    wanted = {
        (portfolio_id, feeder): kvar
        for portfolio_id, position in scene.positions.items()
        for feeder, kvar in position.ordered_kvar.items()
        if kvar[scene.index] != 0.0
    }
    if not wanted:
        return found
    able, table = _able(scene), scene.fleet.table
    apparent = apparent_kva(table.max_consumption_kw, table.max_production_kw)
    for (portfolio_id, feeder), kvar in wanted.items():
        here = able & (scene.fleet.feeder == feeder) & (scene.fleet.portfolio_id == portfolio_id)
        rows, ordered_kvar = np.flatnonzero(here), float(kvar[scene.index])
        split = split_kvar(ordered_kvar, apparent[rows], power_kw[rows], np.ones(rows.size, dtype=bool))
        used = rows[split.kvar != 0.0]
        found.target_kvar[used] = split.kvar[split.kvar != 0.0]
        same = np.flatnonzero(np.sign(kvar[scene.index :]) != np.sign(ordered_kvar))
        ahead = int(same[0]) if same.size else kvar.size - scene.index
        found.until_s[used] = (scene.start + STEP * min(ahead, longest)).timestamp()
        found.orders.setdefault(portfolio_id, []).append(KvarOrder(feeder, ordered_kvar, split.missing_kvar))
    return found


def _able(scene: Scene) -> Bools:
    """(N,) inverters that may be asked: not left out of dispatch, and none that refused reactive power on this day (a
    link or an inverter that cannot take it says so each time)."""
    able: Bools = scene.fleet.inverters & np.isin(scene.state.barred, MAY_BE_ASKED)
    refused = Setpoint.objects.filter(
        interval_start__gte=scene.day.start,
        interval_start__lt=scene.day.end,
        portfolio__in=list(scene.fleet.parts),
        state=Setpoint.State.REFUSED,
        target_kvar__isnull=False,
    )
    rows = scene.fleet.rows_of(np.array(list(refused.values_list("device_id", flat=True)), dtype=np.int64))
    able[rows[rows >= 0]] = False
    return able
