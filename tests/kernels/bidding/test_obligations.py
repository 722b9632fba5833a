"""Capacity obligations: what has to be offered is, though it earns less; what cannot be is named and priced."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bidding.kernels.co_optimise import co_optimise
from bidding.kernels.coarsen import coarsen
from bidding.kernels.fallback import idle_plan
from bidding.kernels.obligations import MUST_OFFER
from bidding.kernels.products import ReserveProduct
from tests.kernels.bidding.cases import FAST, battery, energy, problem, reserve


def full_battery(**fields):
    return battery(4, energy_start_kwh=1000.0, **fields)


def owed_reserve(*wanted_kw: float, price: float = 0.0) -> ReserveProduct:
    """Blocks of two hours, lots of 100 kW, held for half an hour."""
    blocks = np.array([0, 0, 1, 1])
    held = replace(reserve(price, 4, endurance_h=0.5), block_of_interval=blocks, price_eur_per_mw_h=np.full(2, price))
    return replace(held, must_offer_kw=np.array(wanted_kw))


def test_what_is_owed_is_offered_in_whole_lots_though_it_earns_nothing():
    """An unpaid reserve of 250 kW in hour 3: 300 kW in its block, and the energy sold keeps what that needs."""
    case = problem([full_battery()], 4, energy=energy([0.0, 0.0, 0.0, 90.0]))
    owed = replace(case, reserves=(owed_reserve(0.0, 0.0, 0.0, 250.0),))
    assert co_optimise(case, FAST).sell_kw[3] == 1000.0
    plan = co_optimise(owed, FAST)
    assert plan.reserve_kw["RES-UP"].tolist() == [0.0, 0.0, 300.0, 300.0] and plan.sell_kw[3] == 700.0
    assert plan.status == "optimal" and not plan.shortfalls and plan.profit_eur == pytest.approx(63.0)


def test_what_cannot_be_offered_is_named_with_its_interval_and_priced():
    owed = replace(problem([full_battery()], 4), reserves=(owed_reserve(0.0, 1250.0, 0.0, 0.0),))
    plan = co_optimise(owed, FAST)
    assert plan.reserve_kw["RES-UP"].tolist() == [1000.0, 1000.0, 0.0, 0.0]
    (short,) = plan.shortfalls
    assert (short.subject, short.interval, short.limit, short.missing) == ("RES-UP", 1, MUST_OFFER, 250.0)
    assert plan.status == "degraded" and plan.missed_promises == []
    assert plan.profit_eur == pytest.approx(-0.25 * owed.obligation_penalty_eur_per_mwh)


def test_energy_that_is_owed_is_sold_in_its_hours():
    product = replace(energy([40.0, 5.0, 40.0, 5.0]), must_offer_kw=np.array([0.0, 0.0, 0.0, 400.0]))
    plan = co_optimise(problem([full_battery()], 4, energy=product), FAST)
    assert plan.sell_kw[3] == 400.0 and plan.sell_kw.sum() - plan.buy_kw.sum() == 1000.0 and not plan.shortfalls


def test_the_problem_by_market_time_units_bounds_the_one_with_an_obligation():
    product = replace(energy([30.0, 60.0], per_block=4), must_offer_kw=np.repeat([550.0, 0.0], 4))
    case = problem([battery(8, energy_start_kwh=800.0)], 8, energy=product, step_hours=0.25)
    coarse = coarsen(case)
    assert coarse is not None
    fine, rough = (co_optimise(one, FAST, gap_target=1e-6) for one in (case, coarse))
    assert fine.sell_kw[0] == 600.0 and rough.bound_profit_eur >= fine.profit_eur - 1e-6


def test_the_bid_without_a_solver_offers_what_is_owed_first():
    paid = replace(reserve(9.0, 4, endurance_h=0.5), code="PAID")
    case = replace(problem([full_battery()], 4), reserves=(paid, owed_reserve(0.0, 0.0, 100.0, 100.0)))
    plan = idle_plan(case)
    assert plan.reserve_kw["PAID"].sum() == 0.0 and plan.reserve_kw["RES-UP"].tolist() == [0.0, 0.0, 900.0, 900.0]
