"""Rows of each storage of a what-if problem: energy, headroom, endurance, direction. As in docs/bid.md, section 3."""

from __future__ import annotations

import numpy as np

from bidding.kernels.array_model import ArrayModel, Term
from bidding.kernels.whatif.columns import Columns, DirectionAt
from bidding.kernels.whatif.limits import beside_time, carried_of, energy_limits
from bidding.kernels.whatif.stated import WhatIf
from vpp.lib.units import KW_PER_MW


def energy_rows(problem: WhatIf, made: ArrayModel, columns: Columns) -> None:
    """Energy at the end of each interval, with the expected activation of what is carried; the rule at the end."""
    fleet, hours = problem.fleet, problem.hours
    gain, loss = beside_time(hours * fleet.charge_efficiency), beside_time(hours / fleet.discharge_efficiency)
    terms: list[Term] = [(columns.energy, 1.0), (columns.charge, -gain), (columns.discharge, loss)]
    for item, carried in zip(problem.reserves, columns.carried, strict=True):
        terms.append((carried, item.activation * (loss if item.is_up else -gain)))
    if columns.relief is not None and columns.excess is not None:
        terms += [(columns.relief, -1.0), (columns.excess, 1.0)]
    start = np.zeros((fleet.size, problem.intervals))
    start[:, 0] = fleet.retention * fleet.energy_start_kwh
    fixed = (start - fleet.draw_kwh) / KW_PER_MW
    kept = np.broadcast_to(beside_time(fleet.retention), columns.energy.shape[1:]).copy()
    kept[:, 0] = 0.0
    before = np.concatenate([columns.energy[..., :1], columns.energy[..., :-1]], axis=2)
    made.rows("energy", columns.energy.shape, [*terms, (before, -kept)], fixed, fixed)
    end = fleet.energy_end_kwh / KW_PER_MW
    last = columns.energy[:, :, -1]
    made.rows("energy_end", last.shape, [(last, 1.0)], end, np.where(fleet.ends_exactly, end, np.inf))


def headroom_rows(problem: WhatIf, made: ArrayModel, columns: Columns) -> None:
    """A kilowatt appears once: movement and all reserve of a direction within the power that is there."""
    fleet = problem.fleet
    held_pu = np.ones((2, fleet.size)) if fleet.held_pu is None else fleet.held_pu
    for is_up, ahead, back, limit_kw, held in (
        (True, columns.discharge, columns.charge, fleet.discharge_kw, held_pu[0]),
        (False, columns.charge, columns.discharge, fleet.charge_kw, held_pu[1]),
    ):
        carried: list[Term] = [(index, 1.0) for index in carried_of(problem, columns, is_up=is_up)]
        if carried:
            moved: list[Term] = [(ahead, 1.0), (back, -beside_time(held))]
            made.rows("headroom", ahead.shape, [*moved, *carried], -np.inf, limit_kw / KW_PER_MW)


def endurance_rows(problem: WhatIf, made: ArrayModel, columns: Columns) -> None:
    low, high = (beside_time(side) for side in energy_limits(problem))
    fleet = problem.fleet
    for is_up, low_side, high_side in ((True, low, np.inf), (False, -np.inf, high)):
        factor = -1.0 / fleet.discharge_efficiency if is_up else fleet.charge_efficiency
        terms: list[Term] = [
            (carried, beside_time(item.endurance_h * factor))
            for item, carried in zip(problem.reserves, columns.carried, strict=True)
            if item.is_up is is_up and item.endurance_h > 0
        ]
        if terms:
            made.rows("endurance", columns.energy.shape, [(columns.energy, 1.0), *terms], low_side, high_side)


def direction_rows(problem: WhatIf, made: ArrayModel, columns: Columns, exclusive: DirectionAt | None) -> None:
    """Charge and discharge share the interval: a cheap row everywhere, a binary only where it is asked for."""
    charge_mw, discharge_mw = (
        np.broadcast_to(kw / KW_PER_MW, columns.charge.shape)
        for kw in (problem.fleet.charge_kw, problem.fleet.discharge_kw)
    )
    both = (charge_mw > 0) & (discharge_mw > 0)
    binary = both if exclusive is None else both & exclusive
    binary = binary if exclusive is not None else np.zeros_like(both)
    cheap = both & ~binary
    if cheap.any():
        terms: list[Term] = [
            (columns.charge[cheap], 1.0 / charge_mw[cheap]),
            (columns.discharge[cheap], 1.0 / discharge_mw[cheap]),
        ]
        made.rows("direction", (int(cheap.sum()),), terms, -np.inf, 1.0)
    if binary.any():
        shape = (int(binary.sum()),)
        discharging = made.columns(shape, 0.0, 1.0, integer=True)
        made.rows(
            "discharging", shape, [(columns.discharge[binary], 1.0), (discharging, -discharge_mw[binary])], -np.inf, 0.0
        )
        made.rows(
            "charging",
            shape,
            [(columns.charge[binary], 1.0), (discharging, charge_mw[binary])],
            -np.inf,
            charge_mw[binary],
        )
