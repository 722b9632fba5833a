"""The answer of the optimisation in kW per interval, with what could not be met."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bidding.kernels.certify import Certified
from bidding.kernels.obligations import MUST_OFFER, unmet
from bidding.kernels.problem import DOWN, UP, BidProblem, FloatArray
from bidding.kernels.solver import LinearModel
from bidding.kernels.variables import Column, Position, Variables, take
from vpp.lib.units import KW_PER_MW


@dataclass(frozen=True)
class Shortfall:
    """What cannot be met: which group or promise, from which interval, the limit and how much is missing."""

    subject: str
    interval: int
    limit: str
    missing: float


@dataclass(frozen=True)
class BidPlan:
    """Positions and the plan behind them; all series (T,) kW, relative to the baseline.

    status "optimal" (gap within target), "feasible" (gap as stated) or "degraded" (see shortfalls).
    sell_kw, buy_kw : energy; reserve_kw by product code; ask_kw by reference; group_up_kw, group_down_kw (G, T);
    expected_eur : of a risk-averse plan, whose profit_eur is what it maximised; None where that is the expected one.
    group_energy_kwh (G, T), NaN for sources; recovery_kw : movement outside promised hours, up positive.
    """

    status: str
    profit_eur: float
    bound_profit_eur: float
    gap: float
    sell_kw: FloatArray
    buy_kw: FloatArray
    reserve_kw: dict[str, FloatArray]
    ask_kw: dict[str, FloatArray]
    group_up_kw: FloatArray
    group_down_kw: FloatArray
    group_energy_kwh: FloatArray
    recovery_kw: FloatArray
    shortfalls: tuple[Shortfall, ...] = ()
    expected_eur: float | None = None
    stages_s: dict[str, float] = field(default_factory=dict)
    engine: str = ""

    @property
    def missed_promises(self) -> list[Shortfall]:
        """What is or was promised and cannot be met; an obligation to offer more is another matter."""
        return [item for item in self.shortfalls if item.limit != MUST_OFFER]


def read_plan(problem: BidProblem, made: Variables, model: LinearModel, found: Certified, engine: str) -> BidPlan:
    def series(column: Column) -> FloatArray:
        return np.round(take(model, column, found.values) * KW_PER_MW, 6) + 0.0

    def position_kw(position: Position | None, blocks: np.ndarray | None) -> FloatArray:
        if position is None or blocks is None:
            return np.zeros(problem.n_intervals)
        return np.round(np.round(take(model, position.lots, found.values))[blocks] * position.lot_mw * KW_PER_MW, 6)

    blocks = None if problem.energy is None else problem.energy.block_of_interval
    shape = (len(problem.groups), problem.n_intervals)
    up_kw = np.array([series(column) for column in made.up]).reshape(shape)
    down_kw = np.array([series(column) for column in made.down]).reshape(shape)
    both_kw = np.minimum(up_kw, down_kw)  # only where nothing is lost by it: lossless groups and sources
    nan = np.full(problem.n_intervals, np.nan)
    sell_kw = position_kw(made.sell, blocks)
    reserve_kw = {p.code: position_kw(made.reserve[p.code], p.block_of_interval) for p in problem.reserves}
    shortfalls = (*_shortfalls(problem, made, model, found.values), *_unoffered(problem, sell_kw, reserve_kw))
    return BidPlan(
        status="degraded" if shortfalls else found.status.value,
        profit_eur=-found.objective,
        bound_profit_eur=-found.bound,
        gap=found.gap,
        sell_kw=sell_kw,
        buy_kw=position_kw(made.buy, blocks),
        reserve_kw=reserve_kw,
        ask_kw={ask.reference: series(made.asked[ask.reference]) for ask in problem.asks},
        group_up_kw=up_kw - both_kw,
        group_down_kw=down_kw - both_kw,
        group_energy_kwh=np.array([series(column) if column else nan for column in made.energy]).reshape(shape),
        recovery_kw=series(made.surplus) - series(made.deficit),
        shortfalls=shortfalls,
        expected_eur=None if made.risk is None else -float(found.values[model.column(made.risk.cost)]),
        stages_s=found.stages,
        engine=engine,
    )


def _unoffered(problem: BidProblem, sell_kw: FloatArray, reserve_kw: dict[str, FloatArray]) -> list[Shortfall]:
    offered = [(item, sell_kw if item is problem.energy else reserve_kw[item.code]) for item in problem.products]
    return [
        Shortfall(item.code, t, MUST_OFFER, kw)
        for item, series in offered
        for t, kw in unmet(item.must_offer_kw, series)
    ]


def _shortfalls(problem: BidProblem, made: Variables, model: LinearModel, values: FloatArray) -> list[Shortfall]:
    found: list[Shortfall] = []

    def note(subject: str, column: Column, limit: str) -> None:
        missing = take(model, column, values) * KW_PER_MW
        found.extend(
            Shortfall(subject, min(int(t), problem.n_intervals - 1), limit, float(missing[t]))
            for t in np.flatnonzero(missing > 1e-3)
        )

    for g, group in enumerate(problem.groups):
        note(group.name, made.missing[g][:-1], "energy_min_kwh")
        if group.has_energy and (short := take(model, made.missing[g][-1:], values)[0] * KW_PER_MW) > 1e-3:
            found.append(Shortfall(group.name, problem.n_intervals - 1, "energy_end_kwh", float(short)))
    note("committed", made.missed_up, f"committed_{UP.lower()}_kw")
    note("committed", made.missed_down, f"committed_{DOWN.lower()}_kw")
    for code, column in made.reserve_missed.items():
        note(code, column, "committed_reserve_kw")
    return found
