"""All storages of a what-if problem as arrays: what holds within each cell (a storage in an interval), and its start.

Columns of a cell: energy, charge, discharge, then each reserve carried; MW and MWh; arrays (T, N) with N storages.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bidding.kernels.problem import FloatArray
from bidding.kernels.whatif.fleet_terms import Physics, Rule, Terms, terms_of
from bidding.kernels.whatif.limits import carried_limits
from bidding.kernels.whatif.stated import WhatIf
from vpp.lib.units import KW_PER_MW

ENERGY, CHARGE, DISCHARGE, CARRIED = 0, 1, 2, 3
NARROW = 1e-9  # MW or MWh: what has no more room than that stands still
Mask = NDArray[np.bool_]
Index = NDArray[np.int64]


class FleetCells:
    """lower, upper (m, T, N); rhs (T, N) of the energy rows; cost (m, N) currency per MW of every interval."""

    def __init__(self, problem: WhatIf) -> None:
        fleet, self.problem = problem.fleet, problem
        self.width = CARRIED + len(problem.reserves)
        self.gain, self.loss = problem.hours * fleet.charge_efficiency, problem.hours / fleet.discharge_efficiency
        self.kept = fleet.retention
        self.called = [
            item.activation * (self.loss if item.is_up else -self.gain) for item in problem.reserves
        ]  # fmt: skip
        self.rhs = np.ascontiguousarray(-fleet.draw_kwh.T / KW_PER_MW)
        self.rhs[0] += fleet.retention * fleet.energy_start_kwh / KW_PER_MW
        self.lower, self.upper = self._box()
        self.cost = np.zeros((self.width, fleet.size))
        self.cost[CHARGE] = problem.hours * (fleet.wear_per_mwh + problem.energy.import_fee_per_mwh)
        self.cost[DISCHARGE] = problem.hours * fleet.wear_per_mwh
        self.still = self._still()

    def _box(self) -> tuple[FloatArray, FloatArray]:
        fleet = self.problem.fleet
        lower = np.zeros((self.width, self.problem.intervals, fleet.size))
        upper = np.zeros_like(lower)
        lower[ENERGY], upper[ENERGY] = fleet.energy_min_kwh / KW_PER_MW, fleet.energy_max_kwh / KW_PER_MW
        end = fleet.energy_end_kwh / KW_PER_MW
        lower[ENERGY, -1] = np.maximum(lower[ENERGY, -1], end)
        upper[ENERGY, -1] = np.where(fleet.ends_exactly, np.minimum(end, upper[ENERGY, -1]), upper[ENERGY, -1])
        upper[CHARGE], upper[DISCHARGE] = fleet.charge_kw.T / KW_PER_MW, fleet.discharge_kw.T / KW_PER_MW
        for number, most in enumerate(carried_limits(self.problem)):
            upper[CARRIED + number] = most.T
        return lower, upper

    def per_mw(self, number: int) -> FloatArray:
        """(N,) MWh that a MW of this reserve keeps in store, or free."""
        item, fleet = self.problem.reserves[number], self.problem.fleet
        return item.endurance_h * (1.0 / fleet.discharge_efficiency if item.is_up else fleet.charge_efficiency)

    def room(self, *, is_up: bool) -> FloatArray:
        """(T, N) the most energy there can be above the floor, or below the roof."""
        fleet = self.problem.fleet
        if is_up:
            return self.upper[ENERGY] - fleet.energy_min_kwh / KW_PER_MW
        return fleet.energy_max_kwh / KW_PER_MW - self.lower[ENERGY]

    def _still(self) -> Mask:
        """(m, T, N) columns with one value only."""
        still = self.upper - self.lower <= NARROW
        for number, item in enumerate(self.problem.reserves):
            still[CARRIED + number] |= still[CHARGE] & still[DISCHARGE]
            still[CARRIED + number] |= (self.per_mw(number) > 0) & (self.room(is_up=item.is_up) <= NARROW)
        return still

    @cached_property
    def rules(self) -> list[Rule]:
        lower, upper, count = self.lower, self.upper, len(self.problem.reserves)
        bounds = [(ENERGY, lower[ENERGY]), (CHARGE, lower[CHARGE]), (DISCHARGE, lower[DISCHARGE])]
        bounds += [(CARRIED + k, lower[CARRIED + k]) for k in range(count)]
        found = [Rule(-low, ((column, 1.0),), is_row=False) for column, low in bounds]
        found.append(Rule(upper[ENERGY], ((ENERGY, -1.0),), is_row=False))
        shares = [np.divide(-1.0, kw, out=np.zeros_like(kw), where=kw > NARROW) for kw in upper[[CHARGE, DISCHARGE]]]
        found.append(Rule(np.ones_like(shares[0]), ((CHARGE, shares[0]), (DISCHARGE, shares[1]))))
        for is_up, power, sign in ((True, upper[DISCHARGE], 1.0), (False, upper[CHARGE], -1.0)):
            of_side = [k for k in range(count) if self.problem.reserves[k].is_up is is_up]
            if of_side:
                moved: tuple[tuple[int, FloatArray | float], ...] = ((CHARGE, sign), (DISCHARGE, -sign))
                found.append(Rule(power, (*moved, *((CARRIED + k, -1.0) for k in of_side))))
            lasting = [k for k in of_side if self.problem.reserves[k].endurance_h > 0]
            if lasting:
                edge = self.problem.fleet.energy_min_kwh if is_up else self.problem.fleet.energy_max_kwh
                const = np.broadcast_to(-sign * edge / KW_PER_MW, self.rhs.shape)
                found.append(Rule(const, ((ENERGY, sign), *((CARRIED + k, -self.per_mw(k)) for k in lasting))))
        return found

    @cached_property
    def terms(self) -> Terms:
        """The rules' terms as compiled loops read them."""
        return terms_of(self.rules, *self.rhs.shape)

    @cached_property
    def physics(self) -> Physics:
        called = np.array(self.called).reshape(len(self.called), self.rhs.shape[1])
        kept = np.ascontiguousarray(self.kept, dtype=np.float64)
        return Physics(np.ascontiguousarray(self.gain), np.ascontiguousarray(self.loss), kept, called, self.cost)

    @cached_property
    def vectors(self) -> tuple[FloatArray, Index]:
        """(2 + B, m, N): the energy row of a cell, what the next row has of it, and its basic movements; and the first
        column of each that is not zero.
        """
        found = np.zeros((3 + len(self.called), self.width, self.rhs.shape[1]))
        row, stored, net = found[:3]
        row[ENERGY], row[CHARGE], row[DISCHARGE] = 1.0, -self.gain, self.loss
        stored[ENERGY], net[CHARGE], net[DISCHARGE] = 1.0, -1.0, 1.0
        for number, factor in enumerate(self.called):
            row[CARRIED + number], found[3 + number, CARRIED + number] = factor, 1.0
        carried = CARRIED + np.arange(len(self.called))
        return found, np.concatenate([[ENERGY, ENERGY, CHARGE], carried]).astype(np.int64)

    def bound_of(self, column: int) -> int:
        """Which rule keeps this column above its lower bound."""
        return column

    def wear(self, x: FloatArray) -> float:
        """Currency: what charging and discharging of one scenario (m, T, N) cost."""
        return float(sum((x[way] @ self.cost[way]).sum() for way in (CHARGE, DISCHARGE)))

    def idle(self, still: Mask) -> list[Mask]:
        """Per rule (T, N): where none of its columns can move."""
        return [np.logical_and.reduce([still[column] for column, _ in rule.terms]) for rule in self.rules]

    def start(self, still: Mask) -> FloatArray:
        """(m, T, N): a point strictly inside all rules, wherever there is an inside."""
        x = np.where(still, self.lower, 0.0)
        x[ENERGY] = 0.5 * (self.lower[ENERGY] + self.upper[ENERGY])
        for column in (CHARGE, DISCHARGE):
            x[column] = np.where(still[column], 0.0, 0.25 * self.upper[column])
        net = x[DISCHARGE] - x[CHARGE]
        count = max(len(self.problem.reserves), 1)
        for number, item in enumerate(self.problem.reserves):
            free = self.upper[DISCHARGE] - net if item.is_up else self.upper[CHARGE] + net
            per_mw = np.broadcast_to(self.per_mw(number), free.shape)
            inside = x[ENERGY] - self.room_edge(is_up=True) if item.is_up else self.room_edge(is_up=False) - x[ENERGY]
            lasting = np.divide(inside, per_mw, out=np.full(free.shape, np.inf), where=per_mw > 0)
            held = np.where(still[CARRIED + number], 0.0, 0.3 / count * np.minimum(free, lasting))
            wanted = 0.5 * self.problem.position_limit_kw / KW_PER_MW  # by all of them: no more can be sold
            x[CARRIED + number] = held * np.minimum(1.0, wanted / np.maximum(held.sum(axis=1), NARROW))[:, None]
        return x

    def room_edge(self, *, is_up: bool) -> FloatArray:
        """(N,) MWh: the floor, or the roof."""
        fleet = self.problem.fleet
        return (fleet.energy_min_kwh if is_up else fleet.energy_max_kwh) / KW_PER_MW

    def energy_rows(self, x: FloatArray) -> FloatArray:
        """(T, N): e_t - l e_(t-1) - dt ec c + dt d / ed + what reserves are expected to draw."""
        found = x[ENERGY] + self.loss * x[DISCHARGE] - self.gain * x[CHARGE]
        found[1:] -= self.kept * x[ENERGY, :-1]
        for number, factor in enumerate(self.called):
            found += factor * x[CARRIED + number]
        return np.asarray(found, dtype=np.float64)

    def energy_columns(self, price: FloatArray) -> FloatArray:
        """(m, T, N): the transpose, of prices (T, N)."""
        found = np.empty((self.width, *price.shape))
        found[ENERGY] = price
        found[ENERGY, :-1] -= self.kept * price[1:]
        found[CHARGE], found[DISCHARGE] = -self.gain * price, self.loss * price
        for number, factor in enumerate(self.called):
            found[CARRIED + number] = factor * price
        return found
