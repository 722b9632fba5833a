"""Ordered reactive power of an interval, over the inverters that can give it beside the power they are sent to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from vpp.dispatch import setpoint_rows
from vpp.dispatch.fleet import Fleet
from vpp.dispatch.kernels.limits import Limit
from vpp.dispatch.kernels.reactive import split_kvar
from vpp.dispatch.kernels.watch import worth_an_alarm
from vpp.dispatch.models import ControlCycle, Setpoint, Shortfall
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
        ordered_kvar = float(kvar[scene.index])
        split = split_kvar(ordered_kvar, apparent, power_kw, here)
        used = np.flatnonzero(split.kvar)
        found.target_kvar[used] = split.kvar[used]
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


def ordered_before(scene: Scene) -> bool:
    """Whether reactive power was ordered in the interval before, be it the last of the day before."""
    positions, index = scene.before()
    orders = (kvar for position in positions.values() for kvar in position.ordered_kvar.values())
    return any(kvar[index] != 0.0 for kvar in orders)


@dataclass(frozen=True)
class KvarGiven:
    """A portfolio's inverters on a feeder in one interval: what setpoints asked for, and what they said they gave."""

    feeder_code: str
    asked_kvar: float
    given_kvar: float

    def as_json(self) -> dict[str, object]:
        return {"feeder": self.feeder_code, "asked_kvar": self.asked_kvar, "given_kvar": self.given_kvar}


def given_in(fleet: Fleet, interval_start: datetime) -> dict[int, list[KvarGiven]]:
    """By portfolio, from the setpoints in force at the interval's start; nothing where no reactive power was asked."""
    found = setpoint_rows.in_force(list(fleet.parts), interval_start)
    rows = fleet.rows_of(found.device_id)
    refused = np.array([state == "REFUSED" for state in found.state], dtype=bool)
    kept = np.flatnonzero((rows >= 0) & ~np.isnan(found.target_kvar) & ~refused)
    asked, rows, ids = found.target_kvar[kept], rows[kept], found.id[kept].tolist()
    told = Setpoint.objects.with_ids(ids).filter(applied_kvar__isnull=False)
    applied = dict(told.values_list("pk", "applied_kvar"))
    given = np.clip([applied.get(pk, 0.0) for pk in ids], -np.abs(asked), np.abs(asked))
    of_portfolio, of_feeder = fleet.portfolio_id[rows], fleet.feeder[rows]
    sums: dict[int, list[KvarGiven]] = {}
    for portfolio_id, feeder in sorted(set(zip(of_portfolio.tolist(), of_feeder.tolist(), strict=True))):
        here = (of_portfolio == portfolio_id) & (of_feeder == feeder)
        one = KvarGiven(feeder, round(float(asked[here].sum()), 3), round(float(given[here].sum()), 3))
        sums.setdefault(portfolio_id, []).append(one)
    return sums


def missing_kvar(orders: list[KvarOrder], cycle: ControlCycle) -> list[Shortfall]:
    """What the inverters of a feeder cannot give of an order beside their real power."""
    return [
        _shortfall(
            cycle, cycle.interval_start, Limit.RATING, order.missing_kvar,
            f"of {order.ordered_kvar:g} kvar: more than the inverters on {order.feeder_code} can give now",
        )
        for order in orders
        if order.missing_kvar
    ]  # fmt: skip


def not_given(before: list[KvarGiven], cycle: ControlCycle) -> list[Shortfall]:
    """Where the inverters gave clearly less in the interval before than they were asked for."""
    return [
        _shortfall(
            cycle, cycle.interval_start - STEP, Limit.DISOBEYED, one.asked_kvar - one.given_kvar,
            f"the inverters on {one.feeder_code} say they gave {one.given_kvar:g} of {one.asked_kvar:g} kvar",
        )
        for one in before
        if worth_an_alarm(one.asked_kvar, one.asked_kvar - one.given_kvar)
    ]  # fmt: skip


def _shortfall(cycle: ControlCycle, start: datetime, limit: Limit, missing: float, reason: str) -> Shortfall:
    return Shortfall(
        portfolio_id=cycle.portfolio_id,
        cycle=cycle,
        interval_start=start,
        limit=limit.name,
        shortfall_kw=0.0,
        shortfall_kvar=missing,
        reason=reason[:200],
    )
