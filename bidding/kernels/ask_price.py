"""The price of an answer to an ask: what serving it costs us elsewhere, plus a premium, never above the ceiling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bidding.kernels.co_optimise import BidPlan, build
from bidding.kernels.problem import BidProblem, FloatArray
from bidding.kernels.reading import read_model
from bidding.kernels.solver import LinearModel, SolverFailed, SolverOptions, Status, solve
from vpp.lib.units import KW_PER_MW


@dataclass(frozen=True)
class AskPrice:
    """EUR/MWh offered and the opportunity cost in it; `energy_mwh` is what is delivered."""

    reference: str
    price_eur_per_mwh: float
    opportunity_eur_per_mwh: float
    energy_mwh: float


def price_asks(
    problem: BidProblem,
    plan: BidPlan,
    options: SolverOptions,
    *,
    premium_pu: float = 0.1,
    premium_eur_per_mwh: float = 2.0,
) -> list[AskPrice]:
    """One price per ask with a quantity in `plan`.

    Opportunity cost = rise of the relaxed optimum's cost when the ask's quantity is forced in, all other asks kept at
    their planned quantities and this ask's revenue left out, per MWh delivered (docs/bid.md, section 4). Duals would be
    right for the first kilowatt only. The premium covers non-delivery; the ceiling always binds.
    """
    served = [ask for ask in problem.asks if plan.ask_kw[ask.reference].sum() > 0]
    if not served:
        return []
    lp, made = build(problem)
    model = read_model(lp)
    columns = {ask.reference: [model.column(v) for v in made.asked[ask.reference]] for ask in problem.asks}
    model = model.without_cost([column for reference in columns for column in columns[reference]])
    quantities_mw = {reference: plan.ask_kw[reference] / KW_PER_MW for reference in columns}
    with_all_eur = _cost(model, columns, quantities_mw, options)
    answers = []
    for ask in served:
        without = {**quantities_mw, ask.reference: np.zeros(problem.n_intervals)}
        energy_mwh = float(quantities_mw[ask.reference].sum()) * problem.step_hours
        opportunity = (with_all_eur - _cost(model, columns, without, options)) / energy_mwh
        offered = opportunity + premium_eur_per_mwh + premium_pu * abs(opportunity)
        price = float(np.clip(np.ceil(offered * 100 - 1e-6) / 100, 0.0, ask.ceiling_eur_per_mwh))
        answers.append(AskPrice(ask.reference, price, float(opportunity), energy_mwh))
    return answers


def _cost(
    model: LinearModel, columns: dict[str, list[int]], quantities_mw: dict[str, FloatArray], options: SolverOptions
) -> float:
    """The relaxed optimum's cost with every ask's quantity given."""
    lower, upper = model.lower.copy(), model.upper.copy()
    for reference, places in columns.items():
        lower[places] = upper[places] = quantities_mw[reference]
    answer = solve(model.with_bounds(lower, upper), options, relax=True)
    if answer.status is not Status.OPTIMAL:
        raise SolverFailed(answer.status, "the ask cannot be priced")
    return answer.objective
