"""The rows and columns of a what-if problem, in MW and MWh, as arrays; a minimisation of minus the objective.

Axes: s scenario, i storage, t interval, h market time unit, k reserve. Signs and rows as in docs/bid.md, section 8.
"""

from __future__ import annotations

import numpy as np

from bidding.kernels.array_model import ArrayModel
from bidding.kernels.problem import FloatArray
from bidding.kernels.whatif.block_choice import group_rows
from bidding.kernels.whatif.columns import Columns, DirectionAt
from bidding.kernels.whatif.limits import carried_limits, energy_limits, largest_deviation
from bidding.kernels.whatif.market_rows import balance_rows, carry_rows, curve_rows, feeder_rows, minimum_rows
from bidding.kernels.whatif.money import add_objective
from bidding.kernels.whatif.owner_rows import owner_rows
from bidding.kernels.whatif.stated import WhatIf
from bidding.kernels.whatif.steps import step_rows
from bidding.kernels.whatif.storage_rows import direction_rows, endurance_rows, energy_rows, headroom_rows
from vpp.lib.units import KW_PER_MW


def build(
    problem: WhatIf, *, exclusive: DirectionAt | None = None, elastic: FloatArray | bool = False, inside: bool = True
) -> tuple[ArrayModel, Columns]:
    """exclusive (S, I, T): where a direction binary stands; elsewhere the cheap row c/C + d/D <= 1.

    elastic : True adds energy from and to nowhere at a cost of one a MWh and drops every other cost (how much is
        missing?); an array (2, S, I, T) in MWh allows just that much, free of charge.
    inside : False leaves out the rows within each storage: somebody else keeps them (`fleet_market`).
    """
    made = ArrayModel()
    columns = _columns(problem, made, elastic)
    if inside:
        energy_rows(problem, made, columns)
        headroom_rows(problem, made, columns)
        endurance_rows(problem, made, columns)
        direction_rows(problem, made, columns, exclusive)
    carry_rows(problem, made, columns)
    minimum_rows(problem, made, columns)
    balance_rows(problem, made, columns)
    feeder_rows(problem, made, columns)
    curve_rows(problem, made, columns)
    owner_rows(problem, made, columns)
    step_rows(problem, made, columns)
    group_rows(problem, made, columns)
    if elastic is not True:
        add_objective(problem, made, columns)
    return made, columns


def _columns(problem: WhatIf, made: ArrayModel, elastic: FloatArray | bool) -> Columns:
    fleet = problem.fleet
    shape = (problem.scenarios, fleet.size, problem.intervals)
    limit = problem.position_limit_kw / KW_PER_MW
    units = problem.energy.price_per_mwh.shape[1]
    charge_mw, discharge_mw = fleet.charge_kw / KW_PER_MW, fleet.discharge_kw / KW_PER_MW
    limits = energy_limits(problem)
    free = problem.imbalance_price is not None
    columns = Columns(
        position=made.columns((problem.scenarios, units) if problem.energy.curve else (units,), -limit, limit),
        reserve=[made.columns((item.price_per_mw_h.size,), 0.0, limit) for item in problem.reserves],
        charge=made.columns(shape, 0.0, charge_mw),
        discharge=made.columns(shape, 0.0, discharge_mw),
        energy=made.columns(shape, limits[0][:, None], limits[1][:, None]),
        carried=[made.columns(shape, 0.0, most) for most in carried_limits(problem)],
        used=made.columns(
            (problem.scenarios, problem.generation_feeder.size, problem.intervals),
            0.0,
            np.swapaxes(problem.generation_kw, 0, 1) / KW_PER_MW,
        ),
        surplus=made.columns((shape[0], shape[2]), 0.0, largest_deviation(problem)) if free else None,
        deficit=made.columns((shape[0], shape[2]), 0.0, largest_deviation(problem)) if free else None,
        ask=made.columns((len(problem.asks),), 0.0, 1.0),
        block=made.columns(
            (len(problem.blocks),), 0.0, [float(block.taken.any()) for block in problem.blocks], integer=True
        ),
    )
    if elastic is not False:
        most = np.full((2, *shape), np.inf) if elastic is True else np.asarray(elastic, dtype=np.float64)
        cost = 1.0 if elastic is True else 0.0
        columns.relief = made.columns(shape, 0.0, most[0], cost=cost)
        columns.excess = made.columns(shape, 0.0, most[1], cost=cost)
    return columns
