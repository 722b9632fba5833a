"""Clearing on a feeder small enough to see why: ties, groups, capability, ceilings, reasons, demands, loops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.kernels.network.grids import low_voltage_feeder
from vpp.network.kernels.clearing.clear import clear
from vpp.network.kernels.clearing.linear_map import linear_map, probed
from vpp.network.kernels.clearing.problem import BadClearing, ClearingBid, ClearingProblem, Demand, Inverter
from vpp.network.kernels.document import NetworkDocument, RegulatorRow, ShuntRow, feeder_model
from vpp.network.kernels.envelopes import operating_envelopes
from vpp.network.kernels.needs import find_needs
from vpp.network.kernels.power_flow import run_power_flow
from vpp.network.kernels.screening import PowerLimit

N = {"BB": 1, "N1": 2, "N2": 3, "N3": 4, "N4": 5}
T = 2


def bid(reference, up_kw=0.0, price=100.0, *, node="N2", up_kvar=0.0, **fields):
    return ClearingBid(
        reference=reference,
        aggregator=reference[0],
        nodes=np.array([N[node]]),
        weights=np.array([1.0]),
        p_kw=np.full(T, -up_kw),
        q_kvar=np.full(T, -up_kvar),
        price_per_mwh=np.full(T, price),
        price_per_mvarh=np.full(T, price),
        **fields,
    )


def overloaded(*bids, load_kw=60.0, limit_kw=220.0, document: NetworkDocument | None = None, **fields):
    """Four nodes of 60 kW behind 250 kVA, of which the head may carry 220 kW: about 25 kW too much."""
    model = feeder_model(document or low_voltage_feeder())
    p_kw = np.zeros((T, 6))
    p_kw[:, 2:] = load_kw
    limits = [PowerLimit("head", limit_kw, "T1")]
    return ClearingProblem(model, p_kw, 0.1 * p_kw, bids, 0.25, power_limits=limits, **fields)


def taken_kw(problem, result):
    return {one.reference: float(-(result.share[k] * one.p_kw).max()) for k, one in enumerate(problem.bids)}


def test_the_cheapest_bids_are_taken_and_the_others_hear_why():
    problem = overloaded(
        bid("A", 20, 50.0), bid("B", 20, 90.0), bid("C", 20, 200.0), bid("D", -20, 1.0), bid("E", 0.0, 1.0),
        bid("F", 20, 500.0), ceiling_per_mwh=400.0,
    )  # fmt: skip
    result = clear(problem)
    assert result.ac_valid
    assert result.cures_all
    got = taken_kw(problem, result)
    assert got["A"] == pytest.approx(20.0)
    assert 0 < got["B"] < 20
    assert {name: lost.code for name, lost in result.lost.items()} == {
        "C": "too_dear", "D": "no_effect", "E": "nothing_offered", "F": "above_ceiling"
    }  # fmt: skip
    assert result.total_cost == pytest.approx((got["A"] * 50 + got["B"] * 90) * T * 0.25 / 1e3, rel=1e-6)


def test_a_tie_falls_to_the_earlier_rank_whatever_the_order_of_the_bids():
    bids = [bid(name, 40, 70.0, rank=rank) for name, rank in (("A", 2), ("B", 1), ("C", 3))]
    for order in (bids, bids[::-1]):
        problem = overloaded(*order)
        got = taken_kw(problem, clear(problem))
        assert got["B"] > 0
        assert got["A"] == got["C"] == 0


def test_one_of_a_group_and_no_less_than_its_minimum():
    problem = overloaded(
        bid("A/1", 15, 10.0, exclusive_group="A", one_share=True),
        bid("A/2", 60, 60.0, exclusive_group="A", one_share=True, min_pu=1.0),
        bid("B", 20, 90.0),
    )
    result = clear(problem)
    got = taken_kw(problem, result)
    assert result.cures_all
    assert (got["A/1"], got["A/2"]) == (pytest.approx(15.0), 0)
    assert result.lost["A/2"].code == "exclusive"
    alone = overloaded(bid("A/2", 60, 60.0, one_share=True, min_pu=1.0))
    assert taken_kw(alone, clear(alone))["A/2"] == pytest.approx(60.0)


def test_a_share_in_steps_is_rounded_up_and_still_valid():
    problem = overloaded(bid("A", 40, 50.0, one_share=True, step_pu=0.01))
    result = clear(problem)
    assert result.ac_valid
    assert result.cures_all
    assert (result.share * 100) == pytest.approx(np.round(result.share * 100))


def test_what_cannot_be_cured_is_made_no_worse():
    problem = overloaded(bid("A", 5, 50.0), bid("B", -50, 0.0))
    result = clear(problem)
    assert result.ac_valid
    assert not result.cures_all
    assert taken_kw(problem, result)["A"] == pytest.approx(5.0)


def test_without_a_need_nothing_is_taken_and_demands_are_met_up_to_their_ceiling():
    calm = overloaded(bid("A", 20), bid("B", 20, 300.0), load_kw=10.0)
    assert not clear(calm).share.any()
    assert clear(calm).lost["A"].code == "not_needed"
    demand = Demand("ask", np.array([25.0, 0.0]), ("A", "B"), ceiling_per_mwh=200.0)
    asked = replace(calm, demands=[demand])
    result = clear(asked)
    assert result.share[0].tolist() == [pytest.approx(1.0), 0.0]
    assert not result.share[1].any()  # above the demand's ceiling


def test_reactive_power_cures_a_voltage_within_the_inverters_rating():
    document = low_voltage_feeder()
    calm = overloaded(load_kw=35.0, limit_kw=1e4)
    lowest = float(run_power_flow(calm.model, calm.base_p_kw, calm.base_q_kvar).voltage_pu.min())
    nodes = [replace(row, v_min_pu=lowest + 0.002) for row in document.nodes]
    problem = overloaded(document=replace(document, nodes=nodes), load_kw=35.0, limit_kw=1e4)
    before = clear(problem).before
    assert {item.kind for item in before} == {"undervoltage"}
    inverter = Inverter("I", 50.0, np.full(T, -40.0), np.zeros(T))
    q_bid = bid("Q", 0.0, 5.0, up_kvar=50.0, inverter=0)
    result = clear(replace(problem, bids=[q_bid], inverters=[inverter]))
    given = 50.0 * result.share[0].max()
    assert 0 < given <= 30.0 + 1e-6  # sqrt(50^2 - 40^2)
    assert result.ac_valid


def test_a_meshed_feeder_is_cleared_with_probed_rows():
    document = low_voltage_feeder()
    closed = replace(document, branches=[replace(row, to_closed=True) for row in document.branches])
    problem = overloaded(bid("A", 40, 50.0), document=closed)
    result = clear(problem)
    assert result.ac_valid
    assert result.cures_all


def test_probed_rows_agree_with_lindistflow_at_no_load():
    model = feeder_model(low_voltage_feeder())
    linear, found = (find(model, np.zeros(6), np.zeros(6)) for find in (linear_map, probed))
    assert found.v2_p == pytest.approx(linear.v2_p, rel=0.02, abs=1e-7)
    assert found.v2_q == pytest.approx(linear.v2_q, rel=0.02, abs=1e-7)
    assert found.flow_p == pytest.approx(linear.flow_p, abs=0.03)


def test_a_contradiction_is_refused_with_all_findings():
    wrong = replace(bid("A", 10), weights=np.array([0.5]), min_pu=2.0)
    with pytest.raises(BadClearing) as refused:
        clear(overloaded(wrong, wrong))
    assert len(refused.value.findings) == 5


def test_needs_tell_the_two_directions_of_one_transformer_apart():
    model = feeder_model(low_voltage_feeder())
    p_kw = np.zeros((2, 6))
    p_kw[0, 2:], p_kw[1, 2:] = 70.0, -70.0
    needs = find_needs(model, p_kw, np.zeros_like(p_kw), power_limits=[PowerLimit("head", 240.0, "T1")])
    by_kind = {need.kind: need for need in needs if need.element_code == "T1"}
    assert by_kind["reverse_flow"].quantity[0] == 0
    assert by_kind["reverse_flow"].quantity[1] > 0
    assert not by_kind["reverse_flow"].up
    others = [need for need in needs if need.kind != "reverse_flow"]
    assert all(need.up and need.cured and need.quantity[1] == 0 for need in others)


def test_room_of_all_nodes_together_breaks_nothing_and_a_full_feeder_has_none():
    model = feeder_model(low_voltage_feeder())
    p_kw = np.zeros((2, 6))
    p_kw[0, 2:], p_kw[1, 2:] = 20.0, 70.0
    cap = np.zeros((2, 6))
    cap[:, 2:] = 100.0
    room = operating_envelopes(
        model, p_kw, 0 * p_kw, can_consume_kw=cap, can_produce_kw=cap, power_limits=[PowerLimit("head", 240.0, "T1")]
    )
    assert room.consume_kw[0].sum() == pytest.approx(240 - 80, rel=0.1)  # less losses
    assert room.consume_kw[1].sum() == pytest.approx(0.0, abs=1e-9)
    for sign, room_kw in ((1, room.consume_kw), (-1, room.produce_kw)):
        flow = run_power_flow(model, p_kw + sign * room_kw)
        assert np.abs(flow.transformer_p_kw[0]).max() <= 240.0 + 1e-6
        assert np.nanmax(flow.branch_loading_pu[0]) <= 1 + 1e-6


def test_a_regulator_brings_the_voltage_into_its_band_interval_by_interval():
    document = low_voltage_feeder()
    regulator = RegulatorRow("R", "LV", "T1", v_set_pu=1.0, v_band_pu=0.03, tap_min=-5, tap_max=5)
    model = feeder_model(replace(document, regulators=[regulator]))
    p_kw = np.zeros((2, 6))
    p_kw[0, 2:], p_kw[1, 2:] = 50.0, -50.0
    result = run_power_flow(model, p_kw)
    assert np.abs(result.voltage_pu[:, 1] - 1.0).max() <= 0.0151
    assert result.tap_position[0, 0] != result.tap_position[1, 0] or result.tap_position.any()
    stiff = run_power_flow(feeder_model(document), p_kw)
    assert np.abs(stiff.voltage_pu[:, 1] - 1.0).max() > 0.0151


def test_a_capacitor_raises_the_voltage_in_both_engines():
    from vpp.network.kernels.sweep import sweep_voltages_pu

    document = low_voltage_feeder()
    model = feeder_model(replace(document, shunts=[ShuntRow("C", "LV", "N2", -40.0)]))
    p_kw = np.full((1, 6), 10.0)
    with_it = run_power_flow(model, p_kw).voltage_pu
    assert with_it[0, 3] > run_power_flow(feeder_model(document), p_kw).voltage_pu[0, 3] + 1e-3
    assert np.abs(sweep_voltages_pu(model, p_kw) - with_it).max() < 1e-6
