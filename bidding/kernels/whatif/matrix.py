"""The rows and columns of a what-if problem, in MW and MWh, as arrays; a minimisation of minus the objective.

Axes: s scenario, i storage, t interval, h market time unit, k reserve. Signs and rows as in docs/bid.md, section 8.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bidding.kernels.array_model import ArrayModel, Index, Term
from bidding.kernels.problem import FloatArray
from bidding.kernels.whatif.columns import KW_PER_MW, Columns, DirectionAt
from bidding.kernels.whatif.document import WhatIf
from bidding.kernels.whatif.owner_rows import owner_rows


def build(
    problem: WhatIf, *, exclusive: DirectionAt | None = None, elastic: FloatArray | bool = False
) -> tuple[ArrayModel, Columns]:
    """exclusive (S, I, T): where a direction binary stands; elsewhere the cheap row c/C + d/D <= 1.

    elastic : True adds energy from and to nowhere at a cost of one a MWh and drops every other cost (how much is
        missing?); an array (2, S, I, T) in MWh allows just that much, free of charge.
    """
    made = ArrayModel()
    columns = _columns(problem, made, elastic)
    _energy_rows(problem, made, columns)
    _headroom_rows(problem, made, columns)
    _endurance_rows(problem, made, columns)
    _direction_rows(problem, made, columns, exclusive)
    _carry_rows(problem, made, columns)
    _minimum_rows(problem, made, columns)
    _balance_rows(problem, made, columns)
    _feeder_rows(problem, made, columns)
    _curve_rows(problem, made, columns)
    owner_rows(problem, made, columns)
    if elastic is not True:
        _objective(problem, made, columns)
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
    )
    if elastic is not False:
        most = np.full((2, *shape), np.inf) if elastic is True else np.asarray(elastic, dtype=np.float64)
        cost = 1.0 if elastic is True else 0.0
        columns.relief = made.columns(shape, 0.0, most[0], cost=cost)
        columns.excess = made.columns(shape, 0.0, most[1], cost=cost)
    return columns


def largest_deviation(problem: WhatIf) -> float:
    """MW that no deviation exceeds which is not sold and bought at once; finite, so that prices prove a bound."""
    asked = sum(float(ask.quantity_kw.max(initial=0.0)) for ask in problem.asks)
    made = float(problem.generation_kw.sum(axis=0).max(initial=0.0)) if problem.generation_kw.size else 0.0
    moved = float((problem.fleet.charge_kw + problem.fleet.discharge_kw).sum(axis=0).max(initial=0.0))
    return (moved + made + asked + problem.position_limit_kw) / KW_PER_MW


def energy_limits(problem: WhatIf) -> tuple[FloatArray, FloatArray]:
    """(I,) MWh."""
    return problem.fleet.energy_min_kwh / KW_PER_MW, problem.fleet.energy_max_kwh / KW_PER_MW


def carried_limits(problem: WhatIf) -> list[FloatArray]:
    """Per reserve (I, T) MW: what a storage can hold by its power both ways and its energy for the endurance."""
    fleet = problem.fleet
    both = (fleet.charge_kw + fleet.discharge_kw) / KW_PER_MW
    span = ((fleet.energy_max_kwh - fleet.energy_min_kwh) / KW_PER_MW)[:, None]
    found = []
    for item in problem.reserves:
        per_mw = (
            item.endurance_h / fleet.discharge_efficiency if item.is_up else item.endurance_h * fleet.charge_efficiency
        )[:, None]
        room = np.divide(span, per_mw, out=np.full_like(span, np.inf), where=per_mw > 0)
        found.append(np.minimum(both, room))
    return found


def _column(values: FloatArray) -> FloatArray:
    """(I,) beside (S, I, T)."""
    return values[:, None]


def _energy_rows(problem: WhatIf, made: ArrayModel, columns: Columns) -> None:
    """Energy at the end of each interval, with the expected activation of what is carried; the rule at the end."""
    fleet, hours = problem.fleet, problem.hours
    gain, loss = _column(hours * fleet.charge_efficiency), _column(hours / fleet.discharge_efficiency)
    terms: list[Term] = [(columns.energy, 1.0), (columns.charge, -gain), (columns.discharge, loss)]
    for item, carried in zip(problem.reserves, columns.carried, strict=True):
        terms.append((carried, item.activation * (loss if item.is_up else -gain)))
    if columns.relief is not None and columns.excess is not None:
        terms += [(columns.relief, -1.0), (columns.excess, 1.0)]
    start = np.zeros((fleet.size, problem.intervals))
    start[:, 0] = fleet.retention * fleet.energy_start_kwh
    fixed = (start - fleet.draw_kwh) / KW_PER_MW
    kept = np.broadcast_to(_column(fleet.retention), columns.energy.shape[1:]).copy()
    kept[:, 0] = 0.0
    before = np.concatenate([columns.energy[..., :1], columns.energy[..., :-1]], axis=2)
    made.rows("energy", columns.energy.shape, [*terms, (before, -kept)], fixed, fixed)
    end = fleet.energy_end_kwh / KW_PER_MW
    last = columns.energy[:, :, -1]
    made.rows("energy_end", last.shape, [(last, 1.0)], end, np.where(fleet.ends_exactly, end, np.inf))


def _carried(problem: WhatIf, columns: Columns, *, is_up: bool) -> list[Index]:
    return [carried for item, carried in zip(problem.reserves, columns.carried, strict=True) if item.is_up is is_up]


def _headroom_rows(problem: WhatIf, made: ArrayModel, columns: Columns) -> None:
    """A kilowatt appears once: movement and all reserve of a direction within the power that is there."""
    for is_up, ahead, back, limit_kw in (
        (True, columns.discharge, columns.charge, problem.fleet.discharge_kw),
        (False, columns.charge, columns.discharge, problem.fleet.charge_kw),
    ):
        carried: list[Term] = [(index, 1.0) for index in _carried(problem, columns, is_up=is_up)]
        if carried:
            made.rows("headroom", ahead.shape, [(ahead, 1.0), (back, -1.0), *carried], -np.inf, limit_kw / KW_PER_MW)


def _endurance_rows(problem: WhatIf, made: ArrayModel, columns: Columns) -> None:
    low, high = (_column(side) for side in energy_limits(problem))
    fleet = problem.fleet
    for is_up, low_side, high_side in ((True, low, np.inf), (False, -np.inf, high)):
        factor = -1.0 / fleet.discharge_efficiency if is_up else fleet.charge_efficiency
        terms: list[Term] = [
            (carried, _column(item.endurance_h * factor))
            for item, carried in zip(problem.reserves, columns.carried, strict=True)
            if item.is_up is is_up and item.endurance_h > 0
        ]
        if terms:
            made.rows("endurance", columns.energy.shape, [(columns.energy, 1.0), *terms], low_side, high_side)


def _direction_rows(problem: WhatIf, made: ArrayModel, columns: Columns, exclusive: DirectionAt | None) -> None:
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


def _carry_rows(problem: WhatIf, made: ArrayModel, columns: Columns) -> None:
    """Each reserve position is carried by storages in every scenario and interval."""
    shape = (problem.scenarios, problem.intervals)
    for item, position, carried in zip(problem.reserves, columns.reserve, columns.carried, strict=True):
        terms: list[Term] = [(np.moveaxis(carried, 1, 0), 1.0), (position[item.block], -1.0)]
        made.rows("carry", shape, terms, 0.0, 0.0)


def _minimum_rows(problem: WhatIf, made: ArrayModel, columns: Columns) -> None:
    """Zero or at least the minimum; the big number is the position's own bound."""
    limit = problem.position_limit_kw / KW_PER_MW
    for item, position, carried in zip(problem.reserves, columns.reserve, carried_limits(problem), strict=True):
        if item.min_quantity_kw > 0:
            capability = np.full(position.size, np.inf)
            np.minimum.at(capability, item.block, carried.sum(axis=0))
            most = np.minimum(limit, capability)
            least = item.min_quantity_kw / KW_PER_MW
            on = made.columns(position.shape, 0.0, most >= least - 1e-12, integer=True)
            made.rows("least", position.shape, [(position, 1.0), (on, -least)], 0.0, np.inf)
            made.rows("most", position.shape, [(position, 1.0), (on, -np.maximum(most, 0.0))], -np.inf, 0.0)
            columns.lots.append((position, on, None))
    least = problem.energy.min_quantity_kw / KW_PER_MW
    if least > 0 and not problem.energy.curve:
        shape, position = columns.position.shape, columns.position
        sell, buy = (made.columns(shape, 0.0, float(limit >= least), integer=True) for _ in range(2))
        made.rows("least", shape, [(position, 1.0), (sell, -least), (buy, limit)], 0.0, np.inf)
        made.rows("most", shape, [(position, 1.0), (sell, -limit), (buy, least)], -np.inf, 0.0)
        made.rows("one_side", shape, [(sell, 1.0), (buy, 1.0)], -np.inf, 1.0)
        columns.lots.append((position, sell, buy))


def _net_terms(
    problem: WhatIf, columns: Columns, storages: NDArray[np.int64], sources: NDArray[np.int64]
) -> list[Term]:
    """What leaves towards the grid, summed over storages and generation, beside rows (S, T)."""

    def gathered(index: Index, members: NDArray[np.int64]) -> Index:
        return np.moveaxis(index[:, members], 1, 0)

    return [
        (gathered(columns.discharge, storages), 1.0),
        (gathered(columns.charge, storages), -1.0),
        (gathered(columns.used, sources), 1.0),
    ]


def _ask_terms(problem: WhatIf, columns: Columns, sign: float) -> list[Term]:
    """Answered asks as energy that leaves (up) or comes (down), beside rows (S, T)."""
    terms: list[Term] = []
    for number, ask in enumerate(problem.asks):
        kw = np.zeros(problem.intervals)
        kw[ask.intervals] = ask.quantity_kw
        terms.append((columns.ask[number], sign * (1.0 if ask.is_up else -1.0) * kw / KW_PER_MW))
    return terms


def _balance_rows(problem: WhatIf, made: ArrayModel, columns: Columns) -> None:
    """What leaves is the position, the answered asks and the deviation; asks are met behind their own feeder."""
    shape = (problem.scenarios, problem.intervals)
    everyone, sources = np.arange(problem.fleet.size), np.arange(problem.generation_feeder.size)
    terms = _net_terms(problem, columns, everyone, sources)
    terms.append((columns.position[..., problem.energy.block], -1.0))
    terms += _ask_terms(problem, columns, -1.0)
    if columns.surplus is not None and columns.deficit is not None:
        terms += [(columns.surplus, -1.0), (columns.deficit, 1.0)]
    made.rows("balance", shape, terms, 0.0, 0.0)
    for number, ask in enumerate(problem.asks):
        members = everyone if ask.feeder < 0 else np.flatnonzero(problem.fleet.feeder == ask.feeder)
        local = sources if ask.feeder < 0 else np.flatnonzero(problem.generation_feeder == ask.feeder)
        sign = 1.0 if ask.is_up else -1.0
        net = [
            (index[..., ask.intervals], sign * np.asarray(factor))
            for index, factor in _net_terms(problem, columns, members, local)
        ]
        made.rows(
            "ask_place", (problem.scenarios, ask.intervals.size),
            [*net, (columns.ask[number], -ask.quantity_kw / KW_PER_MW)], 0.0, np.inf,
        )  # fmt: skip


def _feeder_rows(problem: WhatIf, made: ArrayModel, columns: Columns) -> None:
    """Limits with all reserve of a direction activated."""
    shape = (problem.scenarios, problem.intervals)
    for feeder in range(len(problem.feeders)):
        members = np.flatnonzero(problem.fleet.feeder == feeder)
        net = _net_terms(problem, columns, members, np.flatnonzero(problem.generation_feeder == feeder))
        for is_up, limit_kw in ((True, problem.export_limit_kw[feeder]), (False, problem.import_limit_kw[feeder])):
            if np.isfinite(limit_kw):
                sign = 1.0 if is_up else -1.0
                carried: list[Term] = [
                    (np.moveaxis(index[:, members], 1, 0), sign) for index in _carried(problem, columns, is_up=is_up)
                ]
                low, high = (-np.inf, limit_kw) if is_up else (-limit_kw, np.inf)
                made.rows("feeder", shape, [*net, *carried], low / KW_PER_MW, high / KW_PER_MW)


def _curve_rows(problem: WhatIf, made: ArrayModel, columns: Columns) -> None:
    """Not less sold at a higher price, the same at the same price."""
    if not problem.energy.curve or problem.scenarios < 2:
        return
    order = np.argsort(problem.energy.price_per_mwh, axis=0, kind="stable")
    price = np.take_along_axis(problem.energy.price_per_mwh, order, axis=0)
    sold = np.take_along_axis(columns.position, order, axis=0)
    same = np.diff(price, axis=0) <= 0
    made.rows("curve", same.shape, [(sold[1:], 1.0), (sold[:-1], -1.0)], 0.0, np.where(same, 0.0, np.inf))


def _objective(problem: WhatIf, made: ArrayModel, columns: Columns) -> None:
    """(1 - beta) E[profit] + beta CVaR (Rockafellar and Uryasev 2000), negated; with beta 0 no further column."""
    weight = problem.probability
    if problem.beta == 0:
        for s in range(problem.scenarios):
            for index, value in profit_terms(problem, columns, s):
                made.add_cost(index, -weight[s] * np.asarray(value))
        return
    lower, upper = made.bounds()
    most = np.zeros(problem.scenarios)
    for s in range(problem.scenarios):
        most[s] = 1.0 + sum(
            float((np.abs(value) * np.maximum(np.abs(lower[index]), np.abs(upper[index]))).sum())
            for index, value in profit_terms(problem, columns, s)
        )
    columns.profit = made.columns((problem.scenarios,), -most, most)
    for s in range(problem.scenarios):
        terms = [
            (index.ravel(), np.broadcast_to(value, index.shape).ravel())
            for index, value in profit_terms(problem, columns, s)
        ]
        spread = [(index[:, None], value[:, None]) for index, value in terms]
        made.rows("profit", (1,), [(columns.profit[s : s + 1], 1.0), *((i, -v) for i, v in spread)], 0.0, 0.0)
    level = made.columns((1,), -most.max(), most.max(), cost=-problem.beta)
    below = made.columns(
        (problem.scenarios,), 0.0, 2.0 * most.max(), cost=problem.beta / (1.0 - problem.alpha) * weight
    )
    made.rows("tail", (problem.scenarios,), [(below, 1.0), (level, -1.0), (columns.profit, 1.0)], 0.0, np.inf)
    made.add_cost(columns.profit, -(1.0 - problem.beta) * weight)


def profit_terms(problem: WhatIf, columns: Columns, s: int) -> list[tuple[Index, FloatArray]]:
    """The profit of scenario s as (columns, currency per unit), once for each column."""
    hours, fleet, energy = problem.hours, problem.fleet, problem.energy
    position = columns.position[s] if energy.curve else columns.position
    terms: list[tuple[Index, FloatArray]] = [(position, energy.price_per_mwh[s] * energy.mtu_hours)]
    for item, sold in zip(problem.reserves, columns.reserve, strict=True):
        worth = item.price_per_mw_h * item.mtu_hours
        if problem.imbalance_price is not None:
            called = np.bincount(item.block, weights=problem.imbalance_price[s], minlength=sold.size)
            worth = worth + (1.0 if item.is_up else -1.0) * item.activation * hours * called
        terms.append((sold, worth))
    if problem.imbalance_price is not None and columns.surplus is not None and columns.deficit is not None:
        price, spread = problem.imbalance_price[s], problem.spread_per_mwh
        terms += [(columns.surplus[s], hours * (price - spread)), (columns.deficit[s], -hours * (price + spread))]
    terms.append((columns.discharge[s], -hours * _column(fleet.wear_per_mwh)))
    terms.append((columns.charge[s], -hours * _column(fleet.wear_per_mwh + energy.import_fee_per_mwh)))
    for number, ask in enumerate(problem.asks):
        paid = float(ask.quantity_kw.sum()) / KW_PER_MW * hours * ask.price_per_mwh
        terms.append((columns.ask[number : number + 1], np.array([paid])))
    return terms
