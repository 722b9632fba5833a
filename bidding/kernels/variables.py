"""Decision variables of the bid problem, in MW, MWh and whole lots; names that make an exported LP readable."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pulp

from bidding.kernels.price_maker import StepChoice, step_choices
from bidding.kernels.problem import DOWN, UP, BidProblem, EnergyProduct, FloatArray, ReserveProduct
from bidding.kernels.solver import LinearModel
from vpp.lib.units import KW_PER_MW

if TYPE_CHECKING:
    from bidding.kernels.risk import RiskColumns

Column = list[pulp.LpVariable]


@dataclass(frozen=True)
class Position:
    """A lot-wise position of one product and direction: whole lots and on/off per block, with its lot and minimum in
    MW.
    """

    code: str
    direction: str
    lots: Column
    on: Column
    lot_mw: float
    min_mw: float
    max_mw: np.ndarray

    def terms(self, block: int, factor: float = 1.0) -> list[tuple[pulp.LpVariable, float]]:
        return [(self.lots[block], factor * self.lot_mw)]


@dataclass
class Variables:
    """up, down, energy, missing[g][t]; carried[reserve code][g][t]; asked[reference][t]; surplus, deficit,
    missed[t]; unoffered[code][t] of capacity obligations.
    """

    up: list[Column] = field(default_factory=list)
    down: list[Column] = field(default_factory=list)
    energy: list[Column] = field(default_factory=list)
    missing: list[Column] = field(default_factory=list)
    direction: dict[tuple[int, int], pulp.LpVariable] = field(default_factory=dict)
    sell: Position | None = None
    buy: Position | None = None
    reserve: dict[str, Position] = field(default_factory=dict)
    carried: dict[str, list[Column]] = field(default_factory=dict)
    asked: dict[str, Column] = field(default_factory=dict)
    surplus: Column = field(default_factory=list)
    deficit: Column = field(default_factory=list)
    missed_up: Column = field(default_factory=list)
    missed_down: Column = field(default_factory=list)
    reserve_missed: dict[str, Column] = field(default_factory=dict)
    unoffered: dict[str, Column] = field(default_factory=dict)
    steps: dict[str, list[StepChoice]] = field(default_factory=dict)
    risk: RiskColumns | None = None

    @property
    def every_step(self) -> list[StepChoice]:
        return [choice for choices in self.steps.values() for choice in choices]

    @property
    def positions(self) -> list[Position]:
        energy = [position for position in (self.sell, self.buy) if position is not None]
        return energy + list(self.reserve.values())


def make_variables(problem: BidProblem, exclusive: frozenset[tuple[int, int]]) -> Variables:
    """All columns; `exclusive` holds the (group, interval) pairs that get a direction binary."""
    made = Variables()
    for number, group in enumerate(problem.groups):
        made.up.append(_series(f"up_g{number}", group.up_limit_kw / KW_PER_MW))
        made.down.append(_series(f"down_g{number}", group.down_limit_kw / KW_PER_MW))
        count = problem.n_intervals if group.has_energy else 0
        made.energy.append([pulp.LpVariable(f"energy_g{number}_t{t}") for t in range(count)])
        made.missing.append([pulp.LpVariable(f"missing_g{number}_t{t}", 0) for t in range(count + (count > 0))])
    for number, t in sorted(exclusive):
        made.direction[number, t] = pulp.LpVariable(f"direction_g{number}_t{t}", 0, 1, pulp.LpInteger)
    if problem.energy is not None:
        room_up, room_down = _admitted_room(problem, problem.energy)
        made.sell = _position(problem.energy, UP, np.minimum(room_up, problem.book_up_kw), "sell")
        room_down = np.zeros_like(room_down) if problem.energy.sell_only else room_down
        made.buy = _position(problem.energy, DOWN, np.minimum(room_down, problem.book_down_kw), "buy")
    for product in problem.reserves:
        _reserve_variables(made, problem, product)
    for number, ask in enumerate(problem.asks):
        made.asked[ask.reference] = _series(f"ask_{number}", ask.quantity_kw / KW_PER_MW)
    _deviation_variables(made, problem)
    for item in problem.products:
        if item.must_offer_kw is not None and item.must_offer_kw.any():
            made.unoffered[item.code] = _series(f"unoffered_{item.code}", item.must_offer_kw / KW_PER_MW)
        if item.stairs:
            sides = (made.sell, made.buy) if item is problem.energy else (made.reserve[item.code],)
            made.steps[item.code] = [
                choice
                for position in sides
                if position is not None
                for choice in step_choices(
                    f"step_{item.code}_{position.direction}", position.lots, position.lot_mw, position.max_mw,
                    item.stairs,
                )
            ]  # fmt: skip
    return made


def _admitted_room(problem: BidProblem, product: EnergyProduct | ReserveProduct) -> tuple[FloatArray, FloatArray]:
    """(T,) kW up and down of the groups that the market admits."""
    room_up, room_down = np.zeros(problem.n_intervals), np.zeros(problem.n_intervals)
    for group in problem.groups:
        if group.name not in product.barred:
            room_up, room_down = room_up + group.up_limit_kw, room_down + group.down_limit_kw
    return room_up, room_down


def _reserve_variables(made: Variables, problem: BidProblem, product: ReserveProduct) -> None:
    """A reserve may also free what is being moved the other way, so a group can carry up to both its limits."""
    room_up, room_down = _admitted_room(problem, product)
    most = room_up + room_down
    if product.covers(UP):
        most = np.minimum(most, problem.book_up_kw)
    if product.covers(DOWN):
        most = np.minimum(most, problem.book_down_kw)
    made.reserve[product.code] = _position(product, product.direction, most, f"reserve_{product.code}")
    made.carried[product.code] = [
        _series(
            f"carried_{product.code}_g{number}",
            (group.up_limit_kw + group.down_limit_kw) * (group.name not in product.barred) / KW_PER_MW,
        )
        for number, group in enumerate(problem.groups)
    ]
    committed = problem.committed_reserve_kw.get(product.code)
    if committed is not None:
        made.reserve_missed[product.code] = _series(f"missed_{product.code}", committed / KW_PER_MW)


def _deviation_variables(made: Variables, problem: BidProblem) -> None:
    room = problem.recovery_room()
    committed = problem.committed_net_up_kw
    missed_up_kw, missed_down_kw = problem.missed_room_kw or (np.maximum(committed, 0.0), np.maximum(-committed, 0.0))
    made.surplus = _series("surplus", room.surplus_kw / KW_PER_MW)
    made.deficit = _series("deficit", room.deficit_kw / KW_PER_MW)
    made.missed_up = _series("missed_up", missed_up_kw / KW_PER_MW)
    made.missed_down = _series("missed_down", missed_down_kw / KW_PER_MW)


def _position(product: EnergyProduct | ReserveProduct, direction: str, room_kw: np.ndarray, prefix: str) -> Position:
    """Bounds from the fleet's own capability in the block's weakest interval; below the minimum there is nothing to
    sell.
    """
    count = int(product.block_of_interval.max()) + 1
    weakest_kw = np.full(count, np.inf)
    np.minimum.at(weakest_kw, product.block_of_interval, np.minimum(room_kw, product.most_kw))
    lots_max = np.floor(weakest_kw / product.lot_kw + 1e-9)
    lots_max[lots_max * product.lot_kw < product.min_quantity_kw - 1e-9] = 0
    return Position(
        code=product.code,
        direction=direction,
        lots=[pulp.LpVariable(f"{prefix}_lots_h{h}", 0, int(lots_max[h]), pulp.LpInteger) for h in range(count)],
        on=[pulp.LpVariable(f"{prefix}_on_h{h}", 0, int(lots_max[h] > 0), pulp.LpInteger) for h in range(count)],
        lot_mw=product.lot_kw / KW_PER_MW,
        min_mw=product.min_quantity_kw / KW_PER_MW,
        max_mw=lots_max * product.lot_kw / KW_PER_MW,
    )


def _series(prefix: str, upper: np.ndarray) -> Column:
    return [pulp.LpVariable(f"{prefix}_t{t}", 0, float(high)) for t, high in enumerate(upper)]


def take(model: LinearModel, column: Column, values: FloatArray) -> FloatArray:
    return values[[model.column(variable) for variable in column]] if column else np.empty(0)
