"""Capacity obligations: so much of a product has to be offered in some intervals; what is not is priced and named.

The row and its tightening refer to docs/bid.md (16); `unmet` counts again from positions, in plain arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pulp

from bidding.kernels.problem import BidProblem, EnergyProduct, FloatArray, ReserveProduct
from bidding.kernels.rows import Terms, add_row
from bidding.kernels.variables import Position, Variables
from vpp.lib.units import KW_PER_MW

MUST_OFFER = "must_offer_kw"
WHOLE = 1e-6


def add_obligation_rows(lp: pulp.LpProblem, problem: BidProblem, made: Variables) -> None:
    """(16) What is offered and what is short of the obligation make it up in every interval concerned.

    Lots are whole: of an obligation of 1.5 lots, half a lot is short for each one below 2 (the mixed-integer rounding
    of the row), so the relaxation does not sell 1.5.
    """
    for product, position in _obliged(problem, made):
        assert product.must_offer_kw is not None
        short = made.unoffered[product.code]
        for t in np.flatnonzero(product.must_offer_kw > 0):
            block, wanted = int(product.block_of_interval[t]), float(product.must_offer_kw[t])
            add_row(lp, [*position.terms(block), (short[t], 1.0)], 1, wanted / KW_PER_MW)
            part = wanted / product.lot_kw - np.floor(wanted / product.lot_kw + WHOLE)
            if part > WHOLE:
                whole_mw = float(np.ceil(wanted / product.lot_kw - WHOLE)) * position.lot_mw
                add_row(lp, [*position.terms(block, part), (short[t], 1.0)], 1, part * whole_mw)


def obligation_costs(problem: BidProblem, made: Variables) -> Terms:
    """EUR per MW that is short."""
    price = problem.step_hours * problem.obligation_penalty_eur_per_mwh
    return [(variable, price) for column in made.unoffered.values() for variable in column]


def unmet(must_offer_kw: FloatArray | None, offered_kw: FloatArray) -> list[tuple[int, float]]:
    """(interval, kW) of every place where less is offered than has to be."""
    if must_offer_kw is None:
        return []
    missing_kw = must_offer_kw - offered_kw
    return [(int(t), float(missing_kw[t])) for t in np.flatnonzero(missing_kw > 1e-3)]


def _obliged(problem: BidProblem, made: Variables) -> Iterator[tuple[EnergyProduct | ReserveProduct, Position]]:
    for product in problem.products:
        position = made.sell if product is problem.energy else made.reserve[product.code]
        if product.code in made.unoffered and position is not None:
            yield product, position
