"""The market side of a what-if problem with storages of any number: positions, deviations, and the rows they meet in.

Storages enter these rows by their sums alone (net discharge and each reserve carried, per feeder that counts), and the
rows of wear by scenario. So the rows are built once, for a stand-in a feeder.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from bidding.kernels.problem import FloatArray
from bidding.kernels.solver import LinearModel
from bidding.kernels.whatif.columns import Columns
from bidding.kernels.whatif.matrix import build
from bidding.kernels.whatif.stated import Fleet, WhatIf

Index = NDArray[np.int64]


def without_idle_limits(problem: WhatIf) -> WhatIf:
    """Feeder limits that nothing could break are none."""
    fleet = problem.fleet
    made = problem.generation_kw.max(axis=(1, 2)) if problem.generation_kw.size else np.zeros(0)
    out, into = problem.export_limit_kw.copy(), problem.import_limit_kw.copy()
    for feeder in range(len(problem.feeders)):
        members = fleet.feeder == feeder
        sun = float(made[problem.generation_feeder == feeder].sum())
        if fleet.discharge_kw[members].sum(axis=0).max(initial=0.0) + sun <= out[feeder]:
            out[feeder] = np.inf
        if fleet.charge_kw[members].sum(axis=0).max(initial=0.0) <= into[feeder]:
            into[feeder] = np.inf
    return replace(problem, export_limit_kw=out, import_limit_kw=into)


def feeder_classes(problem: WhatIf) -> Index:
    """(N,) feeder of each storage, -1 where nothing depends on it."""
    limited = np.isfinite(problem.export_limit_kw) | np.isfinite(problem.import_limit_kw)
    counts = np.flatnonzero(limited).tolist() + [ask.feeder for ask in problem.asks]
    return np.where(np.isin(problem.fleet.feeder, counts), problem.fleet.feeder, -1)


def stand_ins(problem: WhatIf, class_of: Index) -> WhatIf:
    """One storage a class with the sums of its members' powers and energies, and never less able than they are."""
    fleet, classes = problem.fleet, np.unique(class_of)

    def per_class(values: FloatArray, how: str = "sum") -> FloatArray:
        return np.array([getattr(values[class_of == one], how)(axis=0) for one in classes])

    zero = np.zeros(classes.size)
    together = Fleet(
        name=tuple(f"feeder {one}" for one in classes),
        feeder=classes,
        charge_kw=per_class(fleet.charge_kw),
        discharge_kw=per_class(fleet.discharge_kw),
        energy_min_kwh=per_class(fleet.energy_min_kwh),
        energy_max_kwh=per_class(fleet.energy_max_kwh),
        energy_start_kwh=zero,
        energy_end_kwh=zero,
        ends_exactly=np.zeros(classes.size, dtype=bool),
        charge_efficiency=per_class(fleet.charge_efficiency, "min"),
        discharge_efficiency=per_class(fleet.discharge_efficiency, "max"),
        retention=np.ones(classes.size),
        wear_per_mwh=per_class(np.abs(fleet.wear_per_mwh), "max"),
        draw_kwh=np.zeros((classes.size, problem.intervals)),
        max_hours=np.full(classes.size, np.inf),
        max_starts=np.full(classes.size, np.inf),
    )
    return replace(problem, fleet=together)


@dataclass(frozen=True)
class MarketSide:
    """Numbers of rows and columns are those of `model` unless said otherwise.

    met (S, n): rows of each scenario in which storages meet, the one that counts its profit last where there is one.
    single (S, m): columns that touch rows of one scenario only; border: all other columns but the stand-ins'.
    links (F) of (n', T B): how basic movements of a feeder enter the met rows, n' without the profit's.
    """

    model: LinearModel
    columns: Columns
    met: Index
    counts_profit: bool
    across: Index
    single: Index
    border: Index
    links: list[sparse.csr_matrix]

    @property
    def others(self) -> Index:
        return np.concatenate([self.single.ravel(), self.border])


def market_side(problem: WhatIf, class_of: Index) -> MarketSide:
    made, columns = build(stand_ins(problem, class_of), inside=False)
    model = made.model()
    net, carried = columns.discharge, columns.carried
    basic = np.stack([net, *carried], axis=-1)  # (S, F, T, B)
    own = np.concatenate([part.ravel() for part in (net, columns.charge, columns.energy, *carried)])
    scenario_of = np.full(model.cost.size, -1, dtype=np.int64)
    scenario_of[net] = np.arange(problem.scenarios)[:, None, None]
    touches = model.rows[:, basic.ravel()]
    first = np.full(model.row_lower.size, -1, dtype=np.int64)
    entries = touches.tocoo()
    first[entries.row] = entries.col // basic[0].size
    profit = _profit_rows(model, columns)
    first[profit] = np.arange(profit.size)
    met = np.stack([_last(np.flatnonzero(first == s), profit) for s in range(problem.scenarios)])
    plain = met[0, : met.shape[1] - bool(profit.size)]
    links = [
        model.rows[plain][:, basic[0, f].ravel()].tocsr() for f in range(net.shape[1])
    ]  # fmt: skip
    lines = [line[:, None] for line in (columns.surplus, columns.deficit) if line is not None]
    single = np.concatenate([columns.used, *lines], axis=1).reshape(problem.scenarios, -1)
    border = np.setdiff1d(np.arange(model.cost.size), np.concatenate([own, single.ravel()]))
    across = np.setdiff1d(np.arange(model.row_lower.size), met.ravel())
    return MarketSide(model, columns, met, bool(profit.size), across, single, border, links)


def _profit_rows(model: LinearModel, columns: Columns) -> Index:
    """(S,) the rows that define the scenarios' profits: equations, where "tail" is none."""
    if columns.profit is None:
        return np.empty(0, dtype=np.int64)
    touching = model.rows[:, columns.profit].tocoo()
    equal = model.row_lower[touching.row] == model.row_upper[touching.row]
    rows, which = touching.row[equal], touching.col[equal]
    return rows[np.argsort(which)].astype(np.int64)


def _last(rows: Index, profit: Index) -> Index:
    return np.concatenate([rows[~np.isin(rows, profit)], rows[np.isin(rows, profit)]])
