"""A model with what a plan promises beside its energy held as it is."""

from __future__ import annotations

import numpy as np

from bidding.kernels.plan import BidPlan
from bidding.kernels.problem import BidProblem, FloatArray
from bidding.kernels.solver import LinearModel
from bidding.kernels.variables import KW_PER_MW, Column, Variables


def held_promises(problem: BidProblem, plan: BidPlan, made: Variables, model: LinearModel) -> LinearModel:
    """Reserves and asks fixed as planned; who carries them is free."""
    lower, upper = model.lower.copy(), model.upper.copy()

    def fix(column: Column, values: FloatArray) -> None:
        places = [model.column(variable) for variable in column]
        lower[places] = upper[places] = np.clip(values, model.lower[places], model.upper[places])

    for product in problem.reserves:
        first = np.unique(product.block_of_interval, return_index=True)[1]
        lots = np.round(plan.reserve_kw[product.code][first] / product.lot_kw)
        fix(made.reserve[product.code].lots, lots)
        fix(made.reserve[product.code].on, (lots > 0).astype(np.float64))
    for ask in problem.asks:
        fix(made.asked[ask.reference], plan.ask_kw[ask.reference] / KW_PER_MW)
    return model.with_bounds(lower, upper)
