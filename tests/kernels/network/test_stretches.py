"""A day that is switched at noon: needs, clearing and its AC check take each interval in its own switching state."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.kernels.network.grids import low_voltage_feeder
from vpp.network.kernels.clearing.clear import clear
from vpp.network.kernels.clearing.problem import BadClearing, ClearingBid, ClearingProblem
from vpp.network.kernels.document import feeder_model
from vpp.network.kernels.needs import find_needs
from vpp.network.kernels.power_flow import run_power_flow
from vpp.network.kernels.screening import PowerLimit
from vpp.network.kernels.switching import with_switches

T, NOON = 4, 2
NODES = {"N1": 2, "N2": 3, "N3": 4, "N4": 5}
MODEL = feeder_model(low_voltage_feeder())
AFTER = with_switches(MODEL, {"L2": [False, False], "TIE": [True, True]})  # N2 hangs on the other street
STATES = ((slice(0, NOON), MODEL), (slice(NOON, T), AFTER))
LIMITS = [PowerLimit("first street", 100.0, "L1"), PowerLimit("other street", 100.0, "L3")]


def load() -> np.ndarray:
    """The first street is 10 kW over its limit before noon, the other one 40 kW after."""
    p_kw = np.zeros((T, 6))
    p_kw[:, 2:] = (50.0, 60.0, 40.0, 40.0)
    return p_kw


def bid(reference: str, node: str, price: float) -> ClearingBid:
    prices, none = np.full(T, price), np.zeros(T)
    where, all_of_it = np.array([NODES[node]]), np.array([1.0])
    return ClearingBid(reference, "A", where, all_of_it, np.full(T, -60.0), none, prices, prices)


def problem(*bids: ClearingBid) -> ClearingProblem:
    p_kw = load()
    return ClearingProblem(MODEL, p_kw, 0.1 * p_kw, bids, 0.25, power_limits=LIMITS, states=STATES)


def test_each_half_of_the_day_is_cleared_in_its_own_state():
    both = problem(bid("first", "N1", 50.0), bid("other", "N4", 60.0))
    result = clear(both)
    assert (result.ac_valid, result.cures_all) == (True, True)
    assert [(item.element_code, item.interval) for item in result.before] == [
        ("L1", 0),
        ("L1", 1),
        ("L3", 2),
        ("L3", 3),
    ]
    first, other = result.share * 60.0
    assert first[:NOON] == pytest.approx(np.full(NOON, 12.0), abs=2.0)
    assert first[NOON:] == pytest.approx(np.zeros(T - NOON))
    assert other[:NOON] == pytest.approx(np.zeros(NOON))
    assert other[NOON:] == pytest.approx(np.full(T - NOON, 43.0), abs=3.0)
    for span, model in STATES:  # a power flow of our own, state by state
        p_kw = both.base_p_kw[span].copy()
        p_kw[:, NODES["N1"]] -= first[span]
        p_kw[:, NODES["N4"]] -= other[span]
        flow = run_power_flow(model, p_kw, both.base_q_kvar[span])
        for code in ("L1", "L3"):
            assert np.abs(flow.branch_p_kw[:, model.branches.codes.index(code)]).max() <= 100.0


def test_the_whole_day_costs_what_its_halves_cost():
    bids = (bid("first", "N1", 50.0), bid("other", "N4", 60.0), bid("both", "N2", 90.0))
    whole = clear(problem(*bids))
    halves = []
    for span, model in STATES:
        cut = [
            replace(one, **{name: getattr(one, name)[span] for name in ("p_kw", "q_kvar", "price_per_mwh", "price_per_mvarh")})
            for one in bids
        ]  # fmt: skip
        p_kw = load()[span]
        halves.append(clear(ClearingProblem(model, p_kw, 0.1 * p_kw, cut, 0.25, power_limits=LIMITS)))
    assert whole.total_cost == pytest.approx(sum(half.total_cost for half in halves), rel=1e-3)


def test_a_bid_that_helps_in_neither_state_has_no_effect_and_one_that_helps_in_one_may_be_too_dear():
    result = clear(problem(bid("first", "N1", 50.0), bid("other", "N4", 60.0), bid("dear", "N3", 500.0)))
    assert {name: lost.code for name, lost in result.lost.items()} == {"dear": "too_dear"}
    result = clear(replace(problem(bid("first", "N1", 50.0)), states=((slice(0, T), AFTER),)))
    assert result.lost["first"].code == "no_effect"


def test_each_state_has_its_own_needs():
    p_kw = load()
    needs = find_needs(MODEL, p_kw, 0.1 * p_kw, power_limits=LIMITS, states=STATES)
    found = {need.element_code: np.flatnonzero(need.quantity > 0).tolist() for need in needs}
    assert found == {"L3": [2, 3], "L1": [0, 1]}  # the larger need first
    assert all(need.cured for need in needs)
    alone = find_needs(MODEL, p_kw, 0.1 * p_kw, power_limits=LIMITS)
    assert [need.element_code for need in alone] == ["L1"]


def test_states_that_leave_a_gap_are_refused():
    with pytest.raises(BadClearing, match="switching states"):
        clear(replace(problem(), states=((slice(0, 1), MODEL), (slice(2, T), AFTER))))
