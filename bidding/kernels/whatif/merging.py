"""The arithmetic of groups: shares of flows, limits that hold for every member, limits that hold for their sum.

Member i has the share w of its group's size. It takes w of all energy that goes into and out of the group's store, so
on the grid's side a = w EC / ec of the charging and b = w ed / ED of the discharging, where 1/EC = sum w/ec and
ED = sum w ed: then a and b add up to one, and members' energies are w times the group's plus what they began with more
or less, and drew more or less (`offset_kwh`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bidding.kernels.problem import FloatArray
from bidding.kernels.whatif.stated import Fleet, WhatIf
from vpp.lib.units import KW_PER_MW

Index = NDArray[np.int64]


@dataclass(frozen=True)
class Shares:
    """size, charge, discharge (N,) shares of their group, each adding up to one; offset_kwh (N, T)."""

    size: FloatArray
    charge: FloatArray
    discharge: FloatArray
    offset_kwh: FloatArray
    charge_efficiency: FloatArray
    discharge_efficiency: FloatArray
    efficiencies_differ: bool


def _summed(values: FloatArray, group_of: Index, count: int) -> FloatArray:
    total = np.zeros((count, *values.shape[1:]))
    np.add.at(total, group_of, values)
    return total


def _extreme(values: FloatArray, group_of: Index, count: int, *, least: bool) -> FloatArray:
    found = np.full((count, *values.shape[1:]), np.inf if least else -np.inf)
    (np.minimum if least else np.maximum).at(found, group_of, values)
    return found


def shares_of(fleet: Fleet, group_of: Index, count: int) -> Shares:
    """charge_efficiency, discharge_efficiency (I,) are the groups' own."""
    size_kwh = np.maximum(fleet.energy_max_kwh, 1e-9)
    size = size_kwh / _summed(size_kwh, group_of, count)[group_of]
    inward = size / fleet.charge_efficiency
    outward = size * fleet.discharge_efficiency
    into, out = _summed(inward, group_of, count), _summed(outward, group_of, count)
    start = fleet.energy_start_kwh - size * _summed(fleet.energy_start_kwh, group_of, count)[group_of]
    drawn = fleet.draw_kwh - size[:, None] * _summed(fleet.draw_kwh, group_of, count)[group_of]
    offset = np.empty_like(fleet.draw_kwh)
    for t in range(offset.shape[1]):
        start = fleet.retention * start - drawn[:, t]
        offset[:, t] = start
    return Shares(
        size=size,
        charge=inward / into[group_of],
        discharge=outward / out[group_of],
        offset_kwh=offset,
        charge_efficiency=1.0 / into,
        discharge_efficiency=out,
        efficiencies_differ=_differ(fleet, group_of, count),
    )


def _differ(fleet: Fleet, group_of: Index, count: int) -> bool:
    return any(
        bool(np.any(_extreme(values, group_of, count, least=False) > _extreme(values, group_of, count, least=True)))
        for values in (fleet.charge_efficiency, fleet.discharge_efficiency)
    )


def within_everyone(problem: WhatIf, group_of: Index, shares: Shares, count: int) -> Fleet:
    """Groups whose every plan its members can follow with their shares.

    Up reserve goes out by the shares of the discharging, so a member holds b R of it against its charging a C: with at
    most min a/b of C counted, every member has it. Down reserve likewise.
    """
    fleet = problem.fleet

    def least(values: FloatArray) -> FloatArray:
        return _extreme(values, group_of, count, least=True)

    def most(values: FloatArray) -> FloatArray:
        return _extreme(values, group_of, count, least=False)

    size, offset = shares.size, shares.offset_kwh
    inward, outward = shares.charge, shares.discharge
    return replace(
        _first_members(fleet, group_of, count),
        charge_kw=least(fleet.charge_kw / inward[:, None]),
        discharge_kw=least(fleet.discharge_kw / outward[:, None]),
        held_pu=np.stack([least(inward / outward), least(outward / inward)]) if problem.reserves else None,
        energy_min_kwh=most((fleet.energy_min_kwh - offset.min(axis=1)) / size),
        energy_max_kwh=least((fleet.energy_max_kwh - offset.max(axis=1)) / size),
        energy_start_kwh=_summed(fleet.energy_start_kwh, group_of, count),
        energy_end_kwh=most((fleet.energy_end_kwh - offset[:, -1]) / size),
        charge_efficiency=shares.charge_efficiency,
        discharge_efficiency=shares.discharge_efficiency,
        wear_per_mwh=_summed(0.5 * (shares.charge + shares.discharge) * fleet.wear_per_mwh, group_of, count),
        draw_kwh=_summed(fleet.draw_kwh, group_of, count),
    )


def outer_fleet(problem: WhatIf, group_of: Index, count: int) -> Fleet:
    """Sums of limits with the best member's efficiencies and wear: no plan of the members leaves them, as long as
    energy may be spilled. The discharging limit is stretched where members' powers differ in proportion, so that
    c/C + d/D <= 1 holds for their sum; the energy roof where the best efficiency overstates what down reserve stores.
    """
    fleet = problem.fleet
    charge_kw, discharge_kw = (_summed(kw, group_of, count) for kw in (fleet.charge_kw, fleet.discharge_kw))
    both = (fleet.charge_kw > 0) & (fleet.discharge_kw > 0)
    ratio = np.divide(fleet.charge_kw, fleet.discharge_kw, out=np.full_like(fleet.charge_kw, np.inf), where=both)
    lowest = _extreme(ratio, group_of, count, least=True)
    stretched = np.where(np.isfinite(lowest), charge_kw / np.where(lowest > 0, lowest, 1.0), 0.0)
    best = _extreme(fleet.charge_efficiency, group_of, count, least=False)
    spread = best - _extreme(fleet.charge_efficiency, group_of, count, least=True)
    endurance_h = max((item.endurance_h for item in problem.reserves if not item.is_up), default=0.0)
    room = endurance_h * spread * (charge_kw + discharge_kw).max(axis=1, initial=0.0)
    return replace(
        _first_members(fleet, group_of, count),
        charge_kw=charge_kw,
        discharge_kw=np.maximum(discharge_kw, stretched),
        energy_min_kwh=_summed(fleet.energy_min_kwh, group_of, count),
        energy_max_kwh=_summed(fleet.energy_max_kwh, group_of, count) + room,
        energy_start_kwh=_summed(fleet.energy_start_kwh, group_of, count),
        energy_end_kwh=_summed(fleet.energy_end_kwh, group_of, count),
        charge_efficiency=best,
        discharge_efficiency=_extreme(fleet.discharge_efficiency, group_of, count, least=False),
        wear_per_mwh=_extreme(fleet.wear_per_mwh, group_of, count, least=True),
        draw_kwh=_summed(fleet.draw_kwh, group_of, count),
    )


def spill_mwh(problem: WhatIf, group_of: Index, count: int) -> FloatArray:
    """(I, T) what members may lose in an interval beyond the losses of the best of them; reserves called included."""
    fleet = problem.fleet
    charge_kw, discharge_kw = (_summed(kw, group_of, count) for kw in (fleet.charge_kw, fleet.discharge_kw))
    inward, outward = fleet.charge_efficiency, 1.0 / fleet.discharge_efficiency
    wide_in, wide_out = (
        (_extreme(value, group_of, count, least=False) - _extreme(value, group_of, count, least=True))[:, None]
        for value in (inward, outward)
    )
    lost_kw = wide_in * (2.0 * charge_kw + discharge_kw) + wide_out * (2.0 * discharge_kw + charge_kw)
    return np.asarray(problem.hours * lost_kw / KW_PER_MW, dtype=np.float64)


def _first_members(fleet: Fleet, group_of: Index, count: int) -> Fleet:
    """What all members have alike; names of groups."""
    first, sizes = np.unique(group_of, return_index=True)[1], np.bincount(group_of, minlength=count)
    return replace(
        fleet,
        name=tuple(fleet.name[int(row)] if sizes[g] == 1 else f"group {g}" for g, row in enumerate(first)),
        feeder=fleet.feeder[first],
        ends_exactly=fleet.ends_exactly[first],
        retention=fleet.retention[first],
        max_hours=fleet.max_hours[first],
        max_starts=fleet.max_starts[first],
    )
