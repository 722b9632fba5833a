"""Loops over all cells of a scenario, compiled: what a move of columns (m, T, N) is to slacks and prices of the rules.

The steps of slacks and prices (J, T, N) are never kept: to work them out again takes less time than to fetch them.
`wanted` are the products that slack and price shall have after the step, NOTHING for zeros. Each loop stands with its
own way through intervals, tiles and rules: a function passed into one common loop could not be kept as machine code.
"""

from __future__ import annotations

import numpy as np

from bidding.kernels.problem import FloatArray
from bidding.kernels.whatif.compiled import TILE, compiled
from bidding.kernels.whatif.fleet_terms import Terms

SPREAD = 10.0  # products further than that from the centre are drawn back


@compiled
def _steps(terms, moved, slack, price, wanted, j, t, low, high, of_slack, of_price):  # type: ignore[no-untyped-def]
    """Into the last two what slack and price of rule j step by."""
    count = high - low
    for i in range(count):
        of_slack[i] = 0.0
    for k in range(terms.first[j], terms.first[j + 1]):
        at, x = terms.timed_at[k], moved[terms.column[k], t, low:high]
        factor = terms.fixed[k, low:high] if at < 0 else terms.timed[at, t, low:high]
        for i in range(count):
            of_slack[i] += factor[i] * x[i]
    own, paid = slack[j, t, low:high], price[j, t, low:high]
    for i in range(count):
        of_price[i] = -of_slack[i] * paid[i]
    if wanted.size:
        goal = wanted[j, t, low:high]
        for i in range(count):
            of_price[i] += goal[i]
    for i in range(count):
        of_price[i] = of_price[i] / own[i] - paid[i]


@compiled
def reach_of_cells(
    terms: Terms, moved: FloatArray, slack: FloatArray, price: FloatArray, wanted: FloatArray
) -> tuple[float, float]:
    """The most that slacks, and that prices shrink by, relatively (at most 0)."""
    rules, times, size = slack.shape
    of_slack, of_price, primal, dual = np.empty(TILE), np.empty(TILE), np.zeros(TILE), np.zeros(TILE)
    for t in range(times):
        for low in range(0, size, TILE):
            high = min(low + TILE, size)
            for j in range(rules):
                _steps(terms, moved, slack, price, wanted, j, t, low, high, of_slack, of_price)
                own, paid = slack[j, t, low:high], price[j, t, low:high]
                for i in range(high - low):
                    of_own, of_paid = of_slack[i] / own[i], of_price[i] / paid[i]
                    primal[i] = of_own if of_own < primal[i] else primal[i]
                    dual[i] = of_paid if of_paid < dual[i] else dual[i]
    return primal.min(), dual.min()


@compiled
def second_order(
    terms: Terms, moved: FloatArray, slack: FloatArray, price: FloatArray, wanted: FloatArray, centre: float,
    found: FloatArray,
) -> None:  # fmt: skip
    """Into `found` (J, T, N) `centre` less the products of both steps: what is wanted after a pure Newton step."""
    rules, times, size = slack.shape
    of_slack, of_price = np.empty(TILE), np.empty(TILE)
    for t in range(times):
        for low in range(0, size, TILE):
            high = min(low + TILE, size)
            for j in range(rules):
                _steps(terms, moved, slack, price, wanted, j, t, low, high, of_slack, of_price)
                into = found[j, t, low:high]
                for i in range(high - low):
                    into[i] = centre - of_slack[i] * of_price[i]


@compiled
def drawn_back_cells(
    terms: Terms, moved: FloatArray, slack: FloatArray, price: FloatArray, wanted: FloatArray, centre: float,
    primal: float, dual: float, found: FloatArray,
) -> None:  # fmt: skip
    """Into `found` (J, T, N) the products that are wanted so that steps of these lengths throw none far from the
    centre; Gondzio (1996, doi:10.1007/BF00249643).
    """
    rules, times, size = slack.shape
    of_slack, of_price = np.empty(TILE), np.empty(TILE)
    for t in range(times):
        for low in range(0, size, TILE):
            high = min(low + TILE, size)
            for j in range(rules):
                _steps(terms, moved, slack, price, wanted, j, t, low, high, of_slack, of_price)
                own, paid = slack[j, t, low:high], price[j, t, low:high]
                goal, into = wanted[j, t, low:high], found[j, t, low:high]
                for i in range(high - low):
                    product = (own[i] + primal * of_slack[i]) * (paid[i] + dual * of_price[i])
                    near = centre / SPREAD if product < centre / SPREAD else product
                    near = centre * SPREAD if near > centre * SPREAD else near
                    less = near - product
                    into[i] = goal[i] + (less if less > -SPREAD * centre else -SPREAD * centre)


@compiled
def moved_on(
    terms: Terms, moved: FloatArray, slack: FloatArray, price: FloatArray, wanted: FloatArray, primal: float,
    dual: float, slack_after: FloatArray, price_after: FloatArray,
) -> None:  # fmt: skip
    """Into the last two slacks and prices after steps of these lengths."""
    rules, times, size = slack.shape
    of_slack, of_price = np.empty(TILE), np.empty(TILE)
    for t in range(times):
        for low in range(0, size, TILE):
            high = min(low + TILE, size)
            for j in range(rules):
                _steps(terms, moved, slack, price, wanted, j, t, low, high, of_slack, of_price)
                own, paid = slack[j, t, low:high], price[j, t, low:high]
                own_after, paid_after = slack_after[j, t, low:high], price_after[j, t, low:high]
                for i in range(high - low):
                    own_after[i], paid_after[i] = own[i] + primal * of_slack[i], paid[i] + dual * of_price[i]
