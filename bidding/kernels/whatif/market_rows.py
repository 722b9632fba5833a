"""Rows in which storages meet: reserves carried, minimums, balance, feeders, curves. As in docs/bid.md, section 3."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bidding.kernels.array_model import ArrayModel, Index, Term
from bidding.kernels.whatif.block_choice import block_terms
from bidding.kernels.whatif.columns import Columns
from bidding.kernels.whatif.limits import carried_limits, carried_of
from bidding.kernels.whatif.stated import WhatIf
from vpp.lib.units import KW_PER_MW


def carry_rows(problem: WhatIf, made: ArrayModel, columns: Columns) -> None:
    """Each reserve position is carried by storages in every scenario and interval."""
    shape = (problem.scenarios, problem.intervals)
    for item, position, carried in zip(problem.reserves, columns.reserve, columns.carried, strict=True):
        terms: list[Term] = [(np.moveaxis(carried, 1, 0), 1.0), (position[item.block], -1.0)]
        made.rows("carry", shape, terms, 0.0, 0.0)


def minimum_rows(problem: WhatIf, made: ArrayModel, columns: Columns) -> None:
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


def balance_rows(problem: WhatIf, made: ArrayModel, columns: Columns) -> None:
    """What leaves is the position, the blocks taken, the answered asks and the deviation.

    Asks are met behind their own feeder.
    """
    shape = (problem.scenarios, problem.intervals)
    everyone, sources = np.arange(problem.fleet.size), np.arange(problem.generation_feeder.size)
    terms = _net_terms(problem, columns, everyone, sources)
    terms.append((columns.position[..., problem.energy.block], -1.0))
    terms += _ask_terms(problem, columns, -1.0) + block_terms(problem, columns, -1.0)
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


def feeder_rows(problem: WhatIf, made: ArrayModel, columns: Columns) -> None:
    """Limits with all reserve of a direction activated."""
    shape = (problem.scenarios, problem.intervals)
    for feeder in range(len(problem.feeders)):
        members = np.flatnonzero(problem.fleet.feeder == feeder)
        net = _net_terms(problem, columns, members, np.flatnonzero(problem.generation_feeder == feeder))
        for is_up, limit_kw in ((True, problem.export_limit_kw[feeder]), (False, problem.import_limit_kw[feeder])):
            if np.isfinite(limit_kw):
                sign = 1.0 if is_up else -1.0
                carried: list[Term] = [
                    (np.moveaxis(index[:, members], 1, 0), sign) for index in carried_of(problem, columns, is_up=is_up)
                ]
                low, high = (-np.inf, limit_kw) if is_up else (-limit_kw, np.inf)
                made.rows("feeder", shape, [*net, *carried], low / KW_PER_MW, high / KW_PER_MW)


def curve_rows(problem: WhatIf, made: ArrayModel, columns: Columns) -> None:
    """Not less sold at a higher price, the same at the same price."""
    if not problem.energy.curve or problem.scenarios < 2:
        return
    order = np.argsort(problem.energy.price_per_mwh, axis=0, kind="stable")
    price = np.take_along_axis(problem.energy.price_per_mwh, order, axis=0)
    sold = np.take_along_axis(columns.position, order, axis=0)
    same = np.diff(price, axis=0) <= 0
    made.rows("curve", same.shape, [(sold[1:], 1.0), (sold[:-1], -1.0)], 0.0, np.where(same, 0.0, np.inf))
