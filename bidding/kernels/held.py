"""A model with what a plan promises held as it is, and what else of the plan is to stay."""

from __future__ import annotations

import numpy as np

from bidding.kernels.plan import BidPlan
from bidding.kernels.problem import BidProblem, EnergyProduct, FloatArray
from bidding.kernels.solver import LinearModel, SolverOptions, Status, solve
from bidding.kernels.variables import Column, Position, Variables, take
from vpp.lib.units import KW_PER_MW

SLACK_MW = 1e-6


def held_promises(problem: BidProblem, plan: BidPlan, made: Variables, model: LinearModel) -> LinearModel:
    """Reserves and asks fixed as planned; who carries them is free."""
    held = _Held(model)
    held.fix_promises(problem, plan, made, 0.0)
    return held.model()


def held_but_movement(
    problem: BidProblem, plan: BidPlan, made: Variables, model: LinearModel, options: SolverOptions
) -> LinearModel | None:
    """Everything of the plan fixed but the energy positions and the groups' movement: whole positions, answered asks,
    recovery, and the reserve that each group carries. None where the plan cannot be held.
    """
    held = _Held(model)
    held.fix_promises(problem, plan, made, SLACK_MW)
    held.fix(made.surplus, np.maximum(plan.recovery_kw, 0.0) / KW_PER_MW, SLACK_MW)
    held.fix(made.deficit, np.maximum(-plan.recovery_kw, 0.0) / KW_PER_MW, SLACK_MW)
    carried = _carried(held.copy(), problem, plan, made, options)
    if carried is None:
        return None
    for column, values in carried:
        held.fix(column, values, SLACK_MW)
    return held.model()


def block_lots(energy: EnergyProduct, net_kw: FloatArray) -> FloatArray:
    """(B,) whole lots of a position (H,) that is the same all through a block."""
    first = np.unique(energy.block_of_interval, return_index=True)[1]
    return np.asarray(np.round(net_kw[first] / energy.lot_kw), dtype=np.float64)


def _carried(
    held: _Held, problem: BidProblem, plan: BidPlan, made: Variables, options: SolverOptions
) -> list[tuple[Column, FloatArray]] | None:
    """The reserve of each group where the plan's energy and movement stand too; None where they cannot."""
    if problem.energy is not None and made.sell is not None and made.buy is not None:
        firm = block_lots(problem.energy, plan.sell_kw - plan.buy_kw)
        held.fix_lots(made.sell, np.maximum(firm, 0.0))
        held.fix_lots(made.buy, np.maximum(-firm, 0.0))
    for g in range(len(problem.groups)):
        held.fix(made.up[g], plan.group_up_kw[g] / KW_PER_MW, SLACK_MW)
        held.fix(made.down[g], plan.group_down_kw[g] / KW_PER_MW, SLACK_MW)
    model = held.model()
    answer = solve(model, options, relax=True)
    if answer.status is not Status.OPTIMAL:
        return None
    return [(column, take(model, column, answer.values)) for columns in made.carried.values() for column in columns]


class _Held:
    """The bounds of a model while columns are fixed, each within its own bounds."""

    def __init__(self, model: LinearModel) -> None:
        self._model, self._lower, self._upper = model, model.lower.copy(), model.upper.copy()

    def copy(self) -> _Held:
        other = _Held(self._model)
        other._lower, other._upper = self._lower.copy(), self._upper.copy()
        return other

    def model(self) -> LinearModel:
        return self._model.with_bounds(self._lower, self._upper)

    def fix(self, column: Column, values: FloatArray, slack: float = 0.0) -> None:
        places = [self._model.column(variable) for variable in column]
        limits = self._model.lower[places], self._model.upper[places]
        self._lower[places], self._upper[places] = np.clip(values - slack, *limits), np.clip(values + slack, *limits)

    def fix_lots(self, position: Position, lots: FloatArray) -> None:
        self.fix(position.lots, lots)
        self.fix(position.on, (lots > 0).astype(np.float64))

    def fix_promises(self, problem: BidProblem, plan: BidPlan, made: Variables, slack: float) -> None:
        for product in problem.reserves:
            first = np.unique(product.block_of_interval, return_index=True)[1]
            lots = np.round(plan.reserve_kw[product.code][first] / product.lot_kw)
            self.fix_lots(made.reserve[product.code], lots)
        for ask in problem.asks:
            self.fix(made.asked[ask.reference], plan.ask_kw[ask.reference] / KW_PER_MW, slack)
