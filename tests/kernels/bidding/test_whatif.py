"""What-if files against an independent solver, and the laws every answer keeps."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest

from bidding.kernels.problem import BadProblem
from bidding.kernels.whatif.answer import what_if
from tests.kernels.bidding.reference import reference_objective
from tests.kernels.bidding.whatif_cases import battery_day, document, random_day, storage


@pytest.mark.parametrize("kind", ["positive", "negative", "fee"])
def test_a_battery_day_equals_the_independent_optimum(kind):
    raw = battery_day(kind)
    answer = what_if(raw)
    assert answer["objective"] == pytest.approx(reference_objective(raw), rel=1e-6)
    assert answer["status"] == "optimal" and answer["gap"] <= 1e-6
    assert_keeps_the_rules(raw, answer)


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 7, 8, 14])
def test_random_files_equal_the_independent_optimum(seed):
    raw = random_day(seed)
    answer = what_if(raw)
    assert answer["objective"] == pytest.approx(reference_objective(raw), rel=1e-6, abs=1e-6)
    assert answer["bound"] >= answer["objective"] - 1e-9
    assert_keeps_the_rules(raw, answer)


def assert_keeps_the_rules(raw, answer) -> None:
    """Counted from the answer alone."""
    dt = raw["interval_minutes"] / 60
    scenarios, count = len(raw["probability"]), raw["intervals"]
    carried = {item["name"]: np.zeros((scenarios, count)) for item in raw["reserves"]}
    net = np.zeros((scenarios, count))
    for made, given in zip(answer["storages"], raw["storages"], strict=True):
        charge, discharge = np.array(made["charge_kw"]), np.array(made["discharge_kw"])
        assert np.all(np.minimum(charge, discharge) <= 1e-4)  # never both at once
        share = np.array(given["availability"] or np.ones(count))
        up, down = np.zeros_like(charge), np.zeros_like(charge)
        called = np.zeros_like(charge)
        floor, roof = np.zeros_like(charge), np.zeros_like(charge)
        ec, ed = given["charge_efficiency"], given["discharge_efficiency"]
        for item in raw["reserves"]:
            held = np.array(made["reserve_kw"][item["name"]])
            carried[item["name"]] += held
            if item["direction"] == "up":
                up, floor = up + held, floor + item["endurance_h"] * held / ed
                called = called - item["activation"] * held / ed
            else:
                down, roof = down + held, roof + item["endurance_h"] * held * ec
                called = called + item["activation"] * held * ec
        assert np.all(discharge - charge + up <= given["discharge_kw"] * share + 1e-3)
        assert np.all(charge - discharge + down <= given["charge_kw"] * share + 1e-3)
        energy = np.array(made["energy_kwh"])
        start = np.concatenate([np.full((scenarios, 1), given["energy_start_kwh"]), energy[:, :-1]], axis=1)
        draw = np.array(given["draw_kwh"] or np.zeros(count))
        moved = dt * (ec * charge - discharge / ed + called)
        assert energy == pytest.approx(given["retention"] * start + moved - draw, abs=1e-3)
        assert np.all(energy - floor >= given["energy_min_kwh"] - 1e-3)
        assert np.all(energy + roof <= given["energy_max_kwh"] + 1e-3)
        net += discharge - charge
    for source in answer["generation"]:
        net += np.array(source["used_kw"])
    for item, sold in zip(raw["reserves"], answer["reserves"], strict=True):
        position = np.array(sold["position_kw"])
        assert np.all((position <= 1e-6) | (position >= item["min_quantity_kw"] - 1e-4))
        steps = count // position.size
        assert carried[item["name"]] == pytest.approx(np.tile(np.repeat(position, steps), (scenarios, 1)), abs=1e-3)
    position = np.array(answer["energy"]["position_kw"])
    steps = count // position.shape[-1]
    assert net == pytest.approx(np.repeat(position, steps, axis=-1) + np.array(answer["deviation_kw"]), abs=1e-3)
    if raw["energy"]["curve"]:
        for curve in answer["energy"]["curves"]:
            assert np.all(np.diff([point["position_kw"] for point in curve]) >= 0)
            assert np.all(np.diff([point["price_per_mwh"] for point in curve]) > 0)
    else:
        least = raw["energy"]["min_quantity_kw"]
        assert np.all((np.abs(position) <= 1e-6) | (np.abs(position) >= least - 1e-4))


def test_alike_storages_are_grouped_without_loss():
    prices = [[20.0, 60.0, 10.0, 80.0]]
    fleet = [storage(f"s{n}", charge_kw=100.0 * n, discharge_kw=100.0 * n, energy_max_kwh=200.0 * n,
                     energy_start_kwh=100.0 * n, energy_end_kwh=100.0 * n) for n in range(1, 6)]  # fmt: skip
    raw = document(prices, fleet)
    grouped, full = what_if(raw), what_if(raw, full=True)
    assert grouped["aggregation"]["groups"] == 1 and full["aggregation"]["groups"] == 5
    assert grouped["objective"] == pytest.approx(full["objective"], rel=1e-9) and len(grouped["storages"]) == 5
    assert_keeps_the_rules(raw, grouped)


def test_many_nearly_alike_storages_are_answered_without_a_loss():
    rng = np.random.default_rng(5)
    fleet = [
        storage(f"s{n}", charge_kw=50.0 * k, discharge_kw=50.0 * k, energy_max_kwh=100.0, energy_start_kwh=50.0,
                energy_end_kwh=50.0)
        for n, k in enumerate(rng.uniform(0.999, 1.001, 130))
    ]  # fmt: skip
    raw = document([[20.0, 60.0, 10.0, 80.0]], fleet)
    grouped, full = what_if(raw), what_if(raw, full=True)
    assert grouped["aggregation"]["groups"] == full["aggregation"]["groups"] == 130
    assert grouped["objective"] <= full["objective"] + 1e-6 <= grouped["bound"] + 1e-5
    assert grouped["aggregation"]["loss"] <= 1e-6 and grouped["gap"] <= 1e-4
    assert_keeps_the_rules(raw, grouped)


def test_every_fault_of_a_file_is_named():
    raw = deepcopy(random_day(1))
    raw["colour"] = "red"
    raw["storages"][0]["power_kw"] = 5
    raw["storages"][0]["charge_efficiency"] = 1.2
    raw["storages"][0]["energy_min_kwh"] = 1e6
    raw["energy"]["price_per_mwh"][0][0] = None
    del raw["intervals"]
    with pytest.raises(BadProblem) as refused:
        what_if(raw)
    text = "\n".join(refused.value.findings)
    for part in ("colour: unknown key", "storages[0].power_kw: unknown key", "charge_efficiency: is above 1",
                 "limits cross", "intervals: missing"):  # fmt: skip
        assert part in text
    nonsenses: list[object] = [None, [], "x", {"energy": 3}]
    for nonsense in nonsenses:
        with pytest.raises(BadProblem):
            what_if(nonsense)


def test_a_missing_price_is_named():
    raw = battery_day("positive")
    raw["energy"]["price_per_mwh"][0][5] = None
    with pytest.raises(BadProblem, match="price_per_mwh: a value is missing"):
        what_if(raw)


def test_a_trip_that_cannot_be_charged_for_is_a_shortfall_and_the_rest_is_optimised():
    car = storage("car", charge_kw=10.0, discharge_kw=0.0, energy_max_kwh=50.0, energy_start_kwh=5.0,
                  energy_end_kwh=0.0, draw_kwh=[0.0, 20.0, 0.0, 0.0])  # fmt: skip
    raw = document([[20.0, 60.0, 10.0, 80.0]], [car, storage("battery")])
    answer = what_if(raw)
    assert answer["status"] == "degraded"
    assert {item["storage"] for item in answer["shortfalls"]} == {"car"}
    missing = sum(item["missing_kwh"] for item in answer["shortfalls"])
    assert missing == pytest.approx(20.0 - 5.0 - 2 * 10.0 * 0.25 * 0.94, abs=1e-3)
    alone = what_if(document([[20.0, 60.0, 10.0, 80.0]], [storage("battery")]))
    cost = answer["objective"] - alone["objective"]
    assert cost == pytest.approx(-0.01 * 0.25 * (20.0 + 60.0), abs=1e-6)


@pytest.mark.parametrize("family", ["headroom_rows", "minimum_rows", "endurance_rows"])
def test_without_its_rows_a_law_is_broken(family, monkeypatch):
    from bidding.kernels.whatif import matrix

    raw = document([[20.0, 60.0, 10.0, 80.0]], [storage("b", charge_kw=150.0, discharge_kw=150.0, energy_max_kwh=60.0,
                   energy_start_kwh=30.0, energy_end_kwh=30.0)])  # fmt: skip
    raw["energy"]["min_quantity_kw"] = 140.0
    raw["reserves"] = [{"name": "up", "direction": "up", "mtu_minutes": 60, "price_per_mw_h": [9.0],
                        "min_quantity_kw": 20.0, "endurance_h": 0.0 if family == "headroom_rows" else 0.2, "activation": 0.0}]  # fmt: skip
    assert_keeps_the_rules(raw, what_if(raw))
    monkeypatch.setattr(matrix, family, lambda *_: None)
    with pytest.raises(AssertionError):
        assert_keeps_the_rules(raw, what_if(raw))


def test_a_linear_curve_keeps_only_its_corners_and_passes_through_every_position():
    rng = np.random.default_rng(3)
    prices = (40 + 25 * np.sin(np.arange(8)) + rng.normal(0, 15, (6, 8))).round(2)
    raw = document(prices.tolist(), [storage("battery", wear_per_mwh=2.0)])
    raw["energy"] |= {"curve": True, "curve_form": "linear"}
    raw["imbalance"] = {"price_per_mwh": prices.tolist(), "spread_per_mwh": 30.0}
    answer = what_if(raw)
    position = np.array(answer["energy"]["position_kw"])
    for h, points in enumerate(answer["energy"]["curves"]):
        at, kw = [p["price_per_mwh"] for p in points], [p["position_kw"] for p in points]
        assert kw == sorted(kw) and at == sorted(at)
        assert np.interp(prices[:, h], at, kw) == pytest.approx(position[:, h], abs=1e-3)
    raw["energy"] |= {"curve": False}
    with pytest.raises(BadProblem, match="energy.curve_form: only where curve is true"):
        what_if(raw)
    raw["energy"] |= {"curve": True, "curve_form": "cubic"}
    with pytest.raises(BadProblem, match="'cubic' is none of steps, linear"):
        what_if(raw)


def test_owner_limits_of_a_storage_are_kept_and_cost_what_they_cost():
    """By hand: 1 MW, lossless, two cheap and two dear hours apart by dull ones; a start is half a cycle."""
    prices = [[1.0, 50.0, 99.0, 50.0, 1.0, 50.0, 99.0, 50.0]]
    fields = {"charge_efficiency": 1.0, "discharge_efficiency": 1.0, "energy_start_kwh": 0.0, "energy_end_kwh": 0.0,
              "energy_max_kwh": 1000.0}  # fmt: skip

    def objective(**limits):
        raw = document(prices, [storage("battery", **fields, **limits)], interval_minutes=60)
        raw["energy"]["mtu_minutes"] = 60
        return what_if(raw)["objective"]

    assert objective() == pytest.approx(196.0) and objective(max_starts=4) == pytest.approx(196.0)
    assert objective(max_starts=2) == pytest.approx(98.0) and objective(max_starts=0) == pytest.approx(0.0)
    assert objective(max_hours=1.0) == pytest.approx(49.0)
    with pytest.raises(BadProblem, match=r"storages\[0\].max_starts: is below 0"):
        objective(max_starts=-1)


def test_a_residual_demand_holds_the_quantity_back():
    """By hand: 400 kW at 100 earn 40, 800 kW at 70 earn 56, 1000 kW at 40 earn 40; at 60: 24, 24, 0."""
    prices = [[100.0, 60.0, 20.0, 20.0]]
    fields = {"charge_efficiency": 1.0, "discharge_efficiency": 1.0, "energy_start_kwh": 2000.0, "energy_end_kwh": 0.0}
    raw = document(prices, [storage("battery", **fields)], interval_minutes=60)
    raw["energy"] |= {"mtu_minutes": 60, "residual_demand": [[400, 0], [800, -30], [5000, -60]]}
    answer = what_if(raw)
    assert answer["objective"] == pytest.approx(56.0 + 24.0 + 8.0 + 8.0) and answer["gap"] <= 1e-6
    assert answer["energy"]["position_kw"][0] == pytest.approx(800.0, abs=1e-3)
    for bad, message in (
        ([[400, 0], [300, -1]], "energy.residual_demand: want rising kW"),
        ([[400, 5]], "energy.residual_demand: want rising kW"),
        ([[400]], "energy.residual_demand: want a list of"),
        ("much", "energy.residual_demand: not a regular list"),
    ):
        raw["energy"]["residual_demand"] = bad
        with pytest.raises(BadProblem, match=message):
            what_if(raw)


def test_a_reserve_that_lowers_its_own_price_is_sold_to_the_step():
    reserve = {"name": "up", "direction": "up", "mtu_minutes": 60, "price_per_mw_h": [10.0], "min_quantity_kw": 0.0,
               "endurance_h": 0.5, "activation": 0.0, "residual_demand": [[500, 0], [2000, -8]]}  # fmt: skip
    raw = document([[0.0] * 4], [storage("battery")], reserves=[reserve])
    answer = what_if(raw)
    assert answer["reserves"][0]["position_kw"] == pytest.approx([500.0]) and answer["objective"] == pytest.approx(5.0)
