"""The seven use cases of a DERMS pilot (NREL/TP-7A40-74412, section 4.4), each walked on a SimBench feeder."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from bidding.distribution.answering import answer_feeder
from bidding.grid import envelopes, injections
from bidding.models import Ask, Award, Bid, Product
from bidding.operations import bids, book
from bidding.operations.awards import take_award
from bidding.operations.drafts import BidDraft
from bidding.queries import book_check
from tests.apps.bidding.world import aggregator_headers, client_of
from tests.factories import ALWAYS, make_device
from tests.journeys.usecase_world import (
    AT,
    DAY,
    EVENING,
    FEEDER,
    NOON,
    FeederWorld,
    grid,
    make_feeder_world,
)
from vpp.dispatch import operations as dispatch
from vpp.dispatch.models import Setpoint
from vpp.enrollment.models import Device, Enrollment
from vpp.lib import clock
from vpp.network import operations as network
from vpp.network.kernels.screening import Violation
from vpp.simulation.kernels.fleet_spec import spec_from_rows
from vpp.simulation.kernels.inverter import given_kvar

pytestmark = [pytest.mark.django_db, pytest.mark.slow(seconds=30)]
API = "/api/v1"
GATE = {"gate_at": (AT + timedelta(hours=2)).isoformat(), "expires_at": (AT + timedelta(hours=8)).isoformat()}


@pytest.fixture
def world() -> FeederWorld:
    return make_feeder_world()


def get(client, world, path, **query):
    answer = client.get(f"{API}/grid/{FEEDER}/{path}", {"date": str(DAY.date), **query}, headers=world.headers)
    assert answer.status_code == 200, answer.content
    return answer.json()


def post(client, headers, path, body=None, status=201):
    answer = client.post(f"{API}/{path}", body or {}, content_type="application/json", headers=headers)
    assert answer.status_code == status, answer.content
    return answer.json()


def ask_for_needs(client, world, **fields):
    body = {"date": str(DAY.date), "ceiling_price_per_mwh": 2000, **GATE, **fields}
    return post(client, world.headers, f"grid/{FEEDER}/asks", body)


def our_bids() -> list[Bid]:
    answers = answer_feeder(feeder_code=FEEDER, delivery_date=DAY.date, at=AT)
    assert answers.findings == []
    return answers.bids


def broken_now() -> list[Violation]:
    """Violations of the forecast with everything that is committed."""
    known = injections.feeder_day(FEEDER, DAY, AT)
    index = known.model.node_index
    nodes = {code: known.p_kw[:, column] for code, column in index.items()}
    kvar = {code: known.q_kvar[:, column] for code, column in index.items()}
    return network.screen(FEEDER, nodes, DAY.starts64(), AT, node_injection_kvar=kvar).violations


def walk(client, world, **needs):
    """Ask, bid, plan, accept; the plan."""
    asks = ask_for_needs(client, world, **needs)
    assert our_bids()
    plan = post(client, world.headers, f"grid/{FEEDER}/plans", {"date": str(DAY.date)})
    assert plan["ac_valid"]
    accepted = post(client, world.headers, f"plans/{plan['id']}/accept", status=200)
    assert accepted["state"] == "ACCEPTED"
    assert Award.objects.filter(bid__ask__isnull=False).count() >= 1
    return asks, plan


def test_1_awareness_of_load_generation_hidden_load_and_voltage(client, world):
    from telemetry import operations as telemetry
    from telemetry.kernels.batch import batch_of

    world.forecast(world.flat(4.0, noon=(NOON, -6.0)))
    pv = list(Device.objects.filter(kind="PV").order_by("pk").values_list("code", flat=True))
    later = DAY.start + timedelta(hours=13)
    noon_us = round((DAY.start + timedelta(hours=12)).timestamp() * 1e6)
    batch = batch_of(
        codes=pv, device=np.arange(len(pv)), time_us=np.full(len(pv), noon_us), power_kw=np.full(len(pv), -9.0),
        voltage_pu=np.full(len(pv), 1.03),
    )  # fmt: skip
    telemetry.ingest(batch, at=later, principal=None)
    clock.set_simulated(later)
    found = get(client, world, "awareness")
    count = len(world.nodes)
    assert found["forecast"]["net_kw"][50] == pytest.approx(-6.0 * count, abs=0.01)
    assert found["forecast"]["generation_kw"][50] == pytest.approx(6.0 * count, abs=0.01)
    assert found["forecast"]["net_kw"][0] == pytest.approx(4.0 * count, abs=0.01)
    assert found["measured"]["generation_kw"][48] == pytest.approx(9.0 * len(pv))
    assert found["measured"]["net_kw"][47] is None
    assert found["measured_voltage_pu"][world.nodes[0]][48] == pytest.approx(1.03)
    assert found["flexibility_up_kw"][0] == pytest.approx(3 * 10 * count)
    assert found["lowest_voltage_pu"][0] < found["highest_voltage_pu"][50]
    assert 0 < found["highest_loading_pu"][0] < 1
    _, foreign = client_of(type(world.utility).objects.create(code="o", name="o", kind="UTILITY"), "read")
    path = f"{API}/grid/{FEEDER}/awareness?date={DAY.date}"
    assert client.get(path, headers=foreign).status_code == 404


def test_2_overload_in_the_evening_and_reverse_flow_at_noon_are_cured(client, world):
    world.forecast(world.flat(4.0, evening=(EVENING, 13.0), noon=(NOON, -13.5)))
    needs = get(client, world, "needs")["needs"]
    kinds = {need["kind"] for need in needs}
    assert "reverse_flow" in kinds
    assert kinds & {"overload", "power_limit"}
    assert all(need["cured"] and need["best_nodes"] for need in needs)
    asks, plan = walk(client, world)
    assert {ask["direction"] for ask in asks} == {"UP", "DOWN"}
    assert {ask["service_kind"] for ask in asks} == {"CONGESTION", "REVERSE_FLOW"}
    assert plan["cures_all"]
    assert broken_now() == []


def test_3_voltage_by_real_power(client, world):
    world.forecast(world.flat(4.0, evening=(EVENING, 9.0)))
    lowest = min(get(client, world, "awareness")["lowest_voltage_pu"])
    world.narrow_band(low_pu=lowest + 0.004)
    (need, *_) = get(client, world, "needs")["needs"]
    assert (need["kind"], need["direction"], need["power"]) == ("undervoltage", "UP", "kw")
    assert need["best_nodes"][0]["node"] == need["element"]  # nothing cures a node's voltage like the node itself
    _, plan = walk(client, world)
    assert plan["cures_all"]
    assert broken_now() == []


def test_4_voltage_by_reactive_power_within_the_inverters(client, world):
    from bidding.distribution.reactive import room_kvar

    world.forecast(world.flat(4.0, evening=(EVENING, 9.0)))
    heat_pump = make_device(kind="HEAT_PUMP", site=Device.objects.first().site, max_consumption_kw=90.0)
    Enrollment.objects.create(device=heat_pump, portfolio=world.portfolio, period=ALWAYS)  # it has no part in this
    lowest = min(get(client, world, "awareness")["lowest_voltage_pu"])
    world.narrow_band(low_pu=lowest + 0.0008)
    room = room_kvar(world.portfolio, FEEDER, DAY, AT).copy()
    (need, *_) = get(client, world, "needs", reactive="true")["needs"]
    assert (need["kind"], need["power"], need["direction"]) == ("undervoltage", "kvar", "UP")
    asks, plan = walk(client, world, reactive_voltage=True)
    assert {ask["power_kind"] for ask in asks} == {"REACTIVE"}
    taken = np.array(plan["bids"][0]["taken_kvar"])
    assert 0 < taken.max() <= room.max()
    assert not any(plan["bids"][0]["taken_kw"])
    assert plan["cures_all"]
    assert broken_now() == []
    given_kvar = dispatched_kvar(client, world, EVENING.start)
    assert sum(given_kvar.values()) == pytest.approx(taken[EVENING.start], abs=0.001), "ordered, sent and given"
    planned, by_node = planned_kvar(EVENING.start), dict.fromkeys(world.nodes, 0.0)
    for code, node in Device.objects.filter(code__in=given_kvar).values_list("code", "site__node_code"):
        by_node[node] += given_kvar[code]
    assert by_node == {node: pytest.approx(planned[node], abs=0.01) for node in world.nodes}, "where it was planned"


def planned_kvar(index):
    """kvar by node that the grid's day counts on."""
    with_it, without = injections.feeder_day(FEEDER, DAY, AT), injections.feeder_day(FEEDER, DAY, AT, with_firm=False)
    firm = (without.q_kvar - with_it.q_kvar)[index]
    return {code: firm[column] for code, column in with_it.model.node_index.items()}


def dispatched_kvar(client, world, index):
    """A control cycle, its setpoints fetched by a gateway, obeyed by simulated devices and answered: kvar by device."""
    start = DAY.starts()[index]
    clock.set_simulated(start)
    dispatch.control_cycle(world.portfolio.pk, start, start)
    headers = aggregator_headers("dispatch:read")
    found = client.get(f"{API}/dispatch/setpoints", {"interval": start.isoformat()}, headers=headers).json()[
        "setpoints"
    ]
    names = ("code", "kind", "max_consumption_kw", "max_production_kw")
    rows = {row["code"]: row for row in Device.objects.values(*names)}
    spec = spec_from_rows([rows[code] for code in found["device"]], {rows[found["device"][0]]["code"]: np.zeros(96)})
    kvar = given_kvar(spec, np.array(found["target_kvar"], dtype=np.float64), np.zeros(spec.n_devices))
    answer = {"accepted": found["id"], "kvar": dict(zip(map(str, found["id"]), kvar.tolist(), strict=True))}
    told = client.post(
        f"{API}/dispatch/acknowledgements", answer, content_type="application/json", headers=headers
    ).json()
    assert told["acknowledged"] == len(found["id"]) and all(found["released"]), "real power stays the devices' own"
    return dict(Setpoint.objects.values_list("device__code", "applied_kvar"))


def test_5_economic_dispatch_over_three_aggregators_with_four_eyes(client, world):
    world.forecast(world.flat(4.0, evening=(EVENING, 13.5)))
    ask_for_needs(client, world)
    (ours,) = our_bids()
    node = world.nodes[3]

    def foreign(reference, kw, price, at=EVENING):
        series = np.zeros(96)
        series[at] = kw
        return {
            "reference": reference, "aggregator": reference[0], "nodes": {node: 1.0}, "up_kw": series.tolist(),
            "price_per_mwh": [price] * 96,
        }  # fmt: skip

    offers = [foreign("B1", 12.0, 1.0), foreign("C1", 12.0, 900.0), foreign("B2", 5.0, 2.0, slice(8, 12))]
    offers.append(foreign("C2", -8.0, 1.0))  # more consumption in the evening
    body = {"date": str(DAY.date), "four_eyes": True, "bids": offers}
    plan = post(client, world.headers, f"grid/{FEEDER}/plans", body)
    by_name = {bid["reference"]: bid for bid in plan["bids"]}
    assert plan["cures_all"]
    assert plan["ac_valid"]
    assert max(by_name["B1"]["taken_kw"]) == pytest.approx(12.0, abs=0.01)  # the cheapest is used to the full
    assert by_name["C1"]["reason"] == "too_dear"
    assert by_name["B2"]["reason"] == "not_needed"
    assert by_name["C2"]["reason"] == "no_effect"
    assert [bid["reason"] for bid in plan["bids"] if bid["reference"].startswith("bid:")].count("exclusive") <= 1
    again = post(client, world.headers, f"grid/{FEEDER}/plans", {**body, "bids": offers[::-1]})
    assert {bid["reference"]: bid["taken_kw"] for bid in again["bids"]} == {
        bid["reference"]: bid["taken_kw"] for bid in plan["bids"]
    }
    assert post(client, world.headers, f"plans/{again['id']}/accept", status=200)["state"] == "ENDORSED"
    assert not Award.objects.exists()
    refused = post(client, world.headers, f"plans/{again['id']}/accept", status=409)
    assert refused["code"] == "same_eyes"
    _, second = client_of(world.utility, "read", "asks:write")
    assert post(client, second, f"plans/{again['id']}/accept", status=200)["state"] == "ACCEPTED"
    award = Award.objects.get(bid=ours)
    assert max(award.up_kw) > 0
    assert book_check(DAY.date) == []
    stranger = client_of(type(world.utility).objects.create(code="x", name="x", kind="UTILITY"), "asks:write")[1]
    assert post(client, stranger, f"plans/{plan['id']}/accept", status=404)["code"] == "unknown_plan"


def test_6_an_abnormal_switching_state_has_its_own_needs_and_makes_old_plans_stale(client, world):
    world.forecast(world.flat(4.0, evening=(EVENING, 10.0)))
    far = next(row for row in grid().branches if row.code == "TIE").from_node
    fed_by = next(row for row in grid().branches if far in (row.from_node, row.to_node) and row.code != "TIE")
    refused = post(
        client,
        world.headers,
        f"grid/{FEEDER}/switching",
        {"switches": {fed_by.code: [False, False]}, "reason": "x"},
        400,
    )
    assert refused["code"] == "bad_switching"
    assert refused["details"]["unsupplied"] == [far]
    normal = min(get(client, world, "awareness")["lowest_voltage_pu"])
    old_plan = post(client, world.headers, f"grid/{FEEDER}/plans", {"date": str(DAY.date)})
    switches = {fed_by.code: [False, False], "TIE": [True, True]}
    state = post(client, world.headers, f"grid/{FEEDER}/switching", {"switches": switches, "reason": "cable repair"})
    assert (state["version"], state["normal"]) == (2, False)
    found = get(client, world, "awareness")
    assert set(found["topology_versions"]) == {2}
    assert min(found["lowest_voltage_pu"]) != pytest.approx(normal, abs=1e-6)
    world.narrow_band(low_pu=min(found["lowest_voltage_pu"]) + 0.002)
    assert get(client, world, "needs")["topology_version"] == f"{FEEDER}@2"
    stale = post(client, world.headers, f"plans/{old_plan['id']}/accept", status=409)
    assert stale["code"] == "stale_plan"
    asks, plan = walk(client, world)
    assert {(ask["service_kind"], ask["topology_version"]) for ask in asks} == {("SWITCHING", f"{FEEDER}@2")}
    assert plan["topology_version"] == 2
    assert broken_now() == []
    back = {code: [True, code != "TIE"] for code in switches}
    state = post(client, world.headers, f"grid/{FEEDER}/switching", {"switches": back, "reason": "repaired"})
    assert (state["version"], state["normal"]) == (3, True)


def test_6_a_day_that_is_switched_at_noon_is_asked_cleared_and_checked_in_both_states(client, world):
    world.forecast(world.flat(4.0, noon=(slice(48, 52), 9.0), evening=(slice(40, 44), 9.0)))  # ten to one, twice
    far = next(row for row in grid().branches if row.code == "TIE").from_node
    fed_by = next(row for row in grid().branches if far in (row.from_node, row.to_node) and row.code != "TIE")
    old_plan = post(client, world.headers, f"grid/{FEEDER}/plans", {"date": str(DAY.date)})
    assert old_plan["topology_versions"] == [1]
    body = {
        "switches": {fed_by.code: [False, False], "TIE": [True, True]}, "reason": "cable repair",
        "valid_from": (DAY.start + timedelta(hours=12)).isoformat(),
    }  # fmt: skip
    assert post(client, world.headers, f"grid/{FEEDER}/switching", body)["version"] == 2
    found = get(client, world, "awareness")
    assert found["topology_versions"] == [1, 2]
    low = np.array(found["lowest_voltage_pu"])
    assert low[48] != pytest.approx(low[40], abs=1e-6)  # the same load, another state
    world.narrow_band(low_pu=max(low[40], low[48]) + 0.002)
    envelope = get(client, world, "envelope")
    assert envelope["topology_versions"] == [1, 2]
    room = np.array(list(envelope["consume_room_kw"].values())).sum(axis=0)
    assert room[30] != pytest.approx(room[60], abs=0.01)
    asked = [need["quantity"] for need in get(client, world, "needs")["needs"]]
    assert not any(quantity[40] and quantity[48] for quantity in asked)
    assert post(client, world.headers, f"plans/{old_plan['id']}/accept", status=409)["code"] == "stale_plan"
    asks, plan = walk(client, world)
    assert [ask["topology_version"] for ask in asks] == [f"{FEEDER}@1+2"]
    assert (plan["topology_versions"], plan["topology_version"]) == ([1, 2], 2)
    assert {item["interval"] < 48 for item in plan["violations_before"]} == {True, False}
    assert broken_now() == []


def test_7_wholesale_schedules_stand_and_the_rest_serves_the_grid(client, world):
    world.forecast(world.flat(4.0, evening=(EVENING, 13.5), noon=(NOON, 11.0)))
    envelope = get(client, world, "envelope")
    room = np.array(list(envelope["consume_room_kw"].values()))
    assert room[:, EVENING].sum() == pytest.approx(0.0, abs=0.5)  # overloaded: no more consumption
    assert room[:, NOON].sum() < 30 < room[:, 0].sum()
    before = get(client, world, "needs")["needs"]
    up_kw = np.zeros(96)
    up_kw[EVENING] = 12.0
    product = Product.objects.select_related("market").get(code="ENERGY-60")
    capacity = np.full(96, 200.0)
    book.open_book(portfolio_id=world.portfolio.pk, day=DAY, up_kw=capacity, down_kw=capacity)
    zero = [0.0] * 96
    sold = bids.create_bid(
        BidDraft(world.portfolio, product, DAY, up_kw.tolist(), zero, zero), at=AT - timedelta(minutes=5)
    )
    bids.submit_bid(sold, at=AT - timedelta(minutes=4))
    take_award(
        sold, up_kw=up_kw.tolist(), down_kw=zero, price_per_mwh=zero, reference="market:1", at=AT, actor="market"
    )
    after = get(client, world, "needs")["needs"]
    bought = [sum(max(need["quantity"]) for need in needs) for needs in (before, after)]
    assert bought[1] == pytest.approx(bought[0] - 12.0, abs=1.5)  # the schedule counts: it is not bought again
    _, plan = walk(client, world)
    assert plan["cures_all"]
    assert broken_now() == []
    assert book_check(DAY.date) == []
    ask = Ask.objects.get(direction="UP")
    extra = Award.objects.get(bid__ask=ask)
    assert max(extra.up_kw) <= max(ask.quantity_kw)
    promised = book.promised_kw(portfolio_id=world.portfolio.pk, day=DAY)
    assert max(promised["UP"]) >= 12.0 + max(extra.up_kw) - 1e-6


def test_a_bid_in_a_full_hour_is_cut_to_the_envelope_before_any_ask_exists(world):
    from bidding.kernels.problem import FlexGroup
    from vpp.enrollment.queries import device_table

    world.forecast(world.flat(4.0, evening=(EVENING, 11.5)))
    table = device_table(at=AT, portfolio_id=world.portfolio.pk)
    limit = np.full(96, 300.0)
    group = FlexGroup("all", FEEDER, limit, limit, device_ids=tuple(table.device_id.tolist()))
    notes: list[str] = []
    (cut,) = envelopes.within_grid((group,), table, DAY, AT, notes)
    assert notes == []
    assert cut.down_limit_kw[73] < 0.1 * limit[73]
    assert cut.down_limit_kw[0] > cut.down_limit_kw[73]


def test_an_expired_bid_lets_the_whole_acceptance_fail(client, world):
    from vpp.lib import clock

    world.forecast(world.flat(4.0, evening=(EVENING, 13.5)))
    ask_for_needs(client, world)
    assert our_bids()
    plan = post(client, world.headers, f"grid/{FEEDER}/plans", {"date": str(DAY.date)})
    clock.set_simulated(AT + timedelta(hours=9))
    refused = post(client, world.headers, f"plans/{plan['id']}/accept", status=409)
    assert refused["code"] == "bid_expired"
    from vpp.network.models import ClearingPlan

    assert ClearingPlan.objects.get().state == "PROPOSED"
    assert not Award.objects.exists()


def test_bad_input_is_refused_with_stable_codes_and_nothing_is_stored(client, world):
    from vpp.network.models import ClearingPlan, TopologyVersion

    def got(path, **query):
        answer = client.get(f"{API}/grid/{path}", query, headers=world.headers)
        return answer.status_code, answer.json()["code"]

    assert got(f"{FEEDER}/needs", date="tomorrow") == (400, "invalid")
    assert got(f"{FEEDER}/needs", date=str(DAY.date)) == (404, "no_forecast")
    assert got("NOWHERE/needs", date=str(DAY.date)) == (404, "unknown_feeder")
    world.forecast(world.flat(4.0))
    offer = {"reference": "B", "aggregator": "b", "nodes": {world.nodes[0]: 1.0}, "price_per_mwh": [1.0] * 96}
    for change in ({"up_kw": [1.0] * 95}, {"up_kw": [1.0] * 96, "nodes": {"NOWHERE": 1.0}},
                   {"up_kw": [1.0] * 96, "nodes": {world.nodes[0]: 0.5}}, {"up_kw": [1.0] * 96, "reference": "bid:1/A"}):  # fmt: skip
        body = {"date": str(DAY.date), "bids": [offer | change]}
        assert post(client, world.headers, f"grid/{FEEDER}/plans", body, 400)["code"] == "bad_clearing_bid"
    unknown = {"switches": {"NOTHING": [True, True]}, "reason": "x"}
    assert post(client, world.headers, f"grid/{FEEDER}/switching", unknown, 400)["code"] == "bad_switching"
    _, reader = client_of(world.utility, "read")
    assert post(client, reader, f"grid/{FEEDER}/plans", {"date": str(DAY.date)}, 403)["code"] == "permission_denied"
    assert not ClearingPlan.objects.exists()
    assert TopologyVersion.objects.count() == 1
