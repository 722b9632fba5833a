"""Whether what is promised already can be delivered by the groups, and what is missing where it cannot."""

from __future__ import annotations

import numpy as np

from bidding.kernels.co_optimise import build
from bidding.kernels.problem import BidProblem
from bidding.kernels.reading import read_model
from bidding.kernels.solver import SolverFailed, SolverOptions, Status, available_engine, solve
from bidding.kernels.variables import take
from vpp.lib.units import KW_PER_MW

LIMIT_S = 20.0


def missing(problem: BidProblem) -> dict[str, float]:
    """Largest amount missing per limit over the day, kW or kWh: "committed_up", "committed_down", "energy",
    "reserve <code>". The problem carries everything as committed and nothing for sale; the penalty keeps the sum least.

    Raises SolverFailed.
    """
    problem.validated()
    lp, made = build(problem)
    model = read_model(lp)
    answer = solve(model, SolverOptions(engine=available_engine(), time_limit_s=LIMIT_S), relax=True)
    if answer.status is not Status.OPTIMAL:
        raise SolverFailed(answer.status, "deliverability could not be checked")
    found = {
        "committed_up": take(model, made.missed_up, answer.values),
        "committed_down": take(model, made.missed_down, answer.values),
        "energy": np.concatenate([np.zeros(1), *(take(model, column[:-1], answer.values) for column in made.missing)]),
    }
    found |= {f"reserve {code}": take(model, column, answer.values) for code, column in made.reserve_missed.items()}
    return {limit: float(values.max(initial=0.0)) * KW_PER_MW for limit, values in found.items()}
