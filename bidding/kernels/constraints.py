"""The rows of the bid problem, one small function per family; numbers in brackets refer to docs/bid.md."""

from __future__ import annotations

import pulp

from bidding.kernels.obligations import add_obligation_rows
from bidding.kernels.owner_rows import add_owner_rows
from bidding.kernels.problem import DOWN, UP, BidProblem
from bidding.kernels.promise_rows import (
    add_admission_rows,
    add_ask_location_rows,
    add_balance_rows,
    add_book_rows,
    add_feeder_rows,
    add_lot_rows,
    add_recovery_rows,
    add_reserve_rows,
)
from bidding.kernels.rows import Terms, add_row, carried_terms
from bidding.kernels.step_rows import add_step_rows
from bidding.kernels.variables import Variables
from vpp.lib.units import KW_PER_MW


def add_all_rows(lp: pulp.LpProblem, problem: BidProblem, made: Variables) -> None:
    add_energy_rows(lp, problem, made)
    add_headroom_rows(lp, problem, made)
    add_endurance_rows(lp, problem, made)
    add_direction_rows(lp, problem, made)
    add_owner_rows(lp, problem, made)
    add_reserve_rows(lp, problem, made)
    add_lot_rows(lp, problem, made)
    add_book_rows(lp, problem, made)
    add_balance_rows(lp, problem, made)
    add_recovery_rows(lp, problem, made)
    add_ask_location_rows(lp, problem, made)
    add_feeder_rows(lp, problem, made)
    add_admission_rows(lp, problem, made)
    add_obligation_rows(lp, problem, made)
    add_step_rows(lp, made.every_step)


def add_energy_rows(lp: pulp.LpProblem, problem: BidProblem, made: Variables) -> None:
    """(1) Stored energy from one interval to the next, with the expected activation of reserves; (1b) at the
    day's end.
    """
    hours = problem.step_hours
    for g, group in enumerate(problem.groups):
        if group.energy_min_kwh is None or group.energy_max_kwh is None:
            continue
        gain, loss = hours * group.charge_efficiency, hours / group.discharge_efficiency
        for t in range(problem.n_intervals):
            terms: Terms = [(made.energy[g][t], 1.0), (made.down[g][t], -gain), (made.up[g][t], loss)]
            for product in problem.reserves:
                factor = loss * product.covers(UP) - gain * product.covers(DOWN)
                if product.activation_pu:
                    terms.append((made.carried[product.code][g][t], factor * product.activation_pu))
            rhs = group.retention * group.energy_start_kwh / KW_PER_MW if t == 0 else 0.0
            if t:
                terms.append((made.energy[g][t - 1], -group.retention))
            add_row(lp, terms, 0, rhs)
        last = problem.n_intervals - 1
        add_row(lp, [(made.energy[g][last], 1.0), (made.missing[g][-1], 1.0)], 1, group.energy_end_kwh / KW_PER_MW)


def add_headroom_rows(lp: pulp.LpProblem, problem: BidProblem, made: Variables) -> None:
    """(2) A kilowatt appears once: movement plus all reserve carried stays within the group's power."""
    if not problem.reserves:
        return
    for g, group in enumerate(problem.groups):
        for t in range(problem.n_intervals):
            for direction, ahead, back, limit in (
                (UP, made.up, made.down, group.up_limit_kw),
                (DOWN, made.down, made.up, group.down_limit_kw),
            ):
                carried = carried_terms(problem, made, direction, g, t)
                if carried:
                    terms = [(ahead[g][t], 1.0), (back[g][t], -1.0), *carried]
                    add_row(lp, terms, -1, limit[t] / KW_PER_MW)


def add_endurance_rows(lp: pulp.LpProblem, problem: BidProblem, made: Variables) -> None:
    """(3) Enough energy, and enough room, to hold every reserve for its endurance; missing energy is a named
    shortfall.
    """
    for g, group in enumerate(problem.groups):
        if group.energy_min_kwh is None or group.energy_max_kwh is None:
            continue
        for t in range(problem.n_intervals):
            floor: Terms = [(made.energy[g][t], 1.0), (made.missing[g][t], 1.0)]
            roof: Terms = [(made.energy[g][t], 1.0)]
            for product in problem.reserves:
                carried = made.carried[product.code][g][t]
                if product.covers(UP):
                    floor.append((carried, -product.endurance_h / group.discharge_efficiency))
                if product.covers(DOWN):
                    roof.append((carried, product.endurance_h * group.charge_efficiency))
            wander = group.mean_energy
            floor_kwh = group.energy_min_kwh[t] - (wander.floor_slack_kwh if wander else 0.0)
            roof_kwh = group.energy_max_kwh[t] + (wander.roof_slack_kwh if wander else 0.0)
            add_row(lp, floor, 1, floor_kwh / KW_PER_MW)
            add_row(lp, roof, -1, roof_kwh / KW_PER_MW)
            if wander:
                add_mean_energy_rows(lp, problem, made, g, t, floor, roof)


def add_mean_energy_rows(
    lp: pulp.LpProblem, problem: BidProblem, made: Variables, g: int, t: int, floor: Terms, roof: Terms
) -> None:
    """(3c) Of a coarse problem: endurance with the mean energy, bounded from the interval's end and from its start;
    and the plain bounds at its end. All hold for the means of every fine plan.
    """
    group = problem.groups[g]
    if group.mean_energy is None or group.energy_min_kwh is None or group.energy_max_kwh is None:
        return
    hours, inner = problem.step_hours, 1.0 - 1.0 / group.mean_energy.steps
    charge: Terms = [(made.down[g][t], hours * group.charge_efficiency)]
    discharge: Terms = [(made.up[g][t], hours / group.discharge_efficiency)]
    for product in problem.reserves:
        called = hours * product.activation_pu
        if called and product.covers(UP):
            discharge.append((made.carried[product.code][g][t], called / group.discharge_efficiency))
        if called and product.covers(DOWN):
            charge.append((made.carried[product.code][g][t], called * group.charge_efficiency))
    low, high = group.mean_energy.mean_min_kwh[t] / KW_PER_MW, group.mean_energy.mean_max_kwh[t] / KW_PER_MW
    add_row(lp, [*floor, *_times(discharge, inner)], 1, low)
    add_row(lp, [*roof, *_times(charge, -inner)], -1, high)
    start: Terms = [(made.energy[g][t], -1.0)] + ([(made.energy[g][t - 1], 1.0)] if t else [])
    known = 0.0 if t else group.energy_start_kwh / KW_PER_MW
    add_row(lp, [*floor, *start, *charge], 1, low - known)
    add_row(lp, [*roof, *start, *_times(discharge, -1.0)], -1, high - known)
    add_row(lp, floor[:2], 1, group.energy_min_kwh[t] / KW_PER_MW)
    add_row(lp, roof[:1], -1, group.energy_max_kwh[t] / KW_PER_MW)


def _times(terms: Terms, factor: float) -> Terms:
    return [(variable, factor * value) for variable, value in terms]


def add_direction_rows(lp: pulp.LpProblem, problem: BidProblem, made: Variables) -> None:
    """(4) Up and down share the power: the cheap row everywhere it matters, a binary only where it proved necessary."""
    for g, group in enumerate(problem.groups):
        if not group.loses_energy:
            continue
        for t in range(problem.n_intervals):
            up_mw, down_mw = group.up_limit_kw[t] / KW_PER_MW, group.down_limit_kw[t] / KW_PER_MW
            if up_mw <= 0 or down_mw <= 0:
                continue
            binary = made.direction.get((g, t))
            if binary is None:
                add_row(lp, [(made.up[g][t], 1.0 / up_mw), (made.down[g][t], 1.0 / down_mw)], -1, 1.0)
            else:
                add_row(lp, [(made.up[g][t], 1.0), (binary, -up_mw)], -1, 0.0)
                add_row(lp, [(made.down[g][t], 1.0), (binary, down_mw)], -1, down_mw)
