"""Fleets in which every storage differs, solved whole: against an independent solver, and the laws every plan keeps."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bidding.kernels.solver import SolverFailed, Status
from bidding.kernels.whatif import answer as module
from bidding.kernels.whatif import compiled as compiled_module
from bidding.kernels.whatif.answer import what_if
from bidding.kernels.whatif.document import read_document
from bidding.kernels.whatif.fleet import FleetUnfinished
from bidding.kernels.whatif.fleet_chains import Chains
from bidding.kernels.whatif.fleet_plan import solvable
from tests.kernels.bidding.reference import reference_objective
from tests.kernels.bidding.test_whatif import assert_keeps_the_rules
from tests.kernels.bidding.whatif_cases import document, storage

COUNT = 8
BUILTINS = {"range", "min", "max"}


@pytest.fixture(autouse=True)
def whole(monkeypatch):
    """However few storages there are, they are many."""
    monkeypatch.setattr(module, "_most_groups", lambda _: 0)


def all_different(seed: int, storages: int = 6, scenarios: int = 2) -> dict[str, Any]:
    """One-way and two-way, short and long, full and empty, trips, losses at rest, one that may not end anywhere else."""
    rng = np.random.default_rng(seed)
    fleet = []
    for number in range(storages):
        kw = rng.uniform(50.0, 300.0)
        size = kw * rng.uniform(0.5, 4.0)
        start = size * (0.0, 1.0, rng.uniform(0.1, 0.9))[min(number, 2)]
        fleet.append(
            storage(
                f"s{number}", feeder="FG"[number % 2], charge_kw=kw, discharge_kw=kw * (number % 3 > 0) * rng.uniform(0.5, 1.5),
                energy_max_kwh=size, energy_start_kwh=start, energy_end_kwh=start * 0.99, wear_per_mwh=rng.uniform(0.0, 20.0),
                charge_efficiency=rng.uniform(0.85, 0.97), discharge_efficiency=rng.uniform(0.85, 0.97),
                retention=1.0 - 0.001 * (number == 3), end_rule="exactly" if number == 4 else "at_least",
                draw_kwh=(0.005 * size * rng.random(COUNT)).tolist() if number == 2 else None,
                availability=[0.0, *[1.0] * (COUNT - 1)] if number == 5 else None,
            )
        )  # fmt: skip
    raw = document(rng.normal(30.0, 50.0, (scenarios, COUNT // 2)).round(2).tolist(), fleet, intervals=COUNT)
    raw["energy"] |= {"mtu_minutes": 30, "import_fee_per_mwh": float(rng.choice([0.0, 5.0]))}
    deviation = rng.normal(30.0, 60.0, (scenarios, COUNT)).round(2)
    raw["imbalance"] = {"price_per_mwh": deviation.tolist(), "spread_per_mwh": 8.0}
    raw["reserves"] = [
        {"name": name, "direction": way, "mtu_minutes": 60, "price_per_mw_h": rng.uniform(3.0, 15.0, 2).round(2).tolist(),
         "min_quantity_kw": 30.0, "endurance_h": endurance, "activation": 0.1}
        for name, way, endurance in (("up", "up", 0.5), ("down", "down", 1.0), ("spin", "up", 0.0))
    ]  # fmt: skip
    raw["feeders"] = [{"name": name, "export_limit_kw": 300.0, "import_limit_kw": 350.0} for name in "FG"]
    raw["generation"] = [{"feeder": "F", "available_kw": rng.uniform(0, 90, (scenarios, COUNT)).round(1).tolist()}]
    raw["risk"] = {"beta": 0.3 if scenarios > 1 else 0.0, "alpha": 0.6}
    return raw


@pytest.mark.parametrize(("seed", "scenarios"), [(1, 1), (3, 3)])
def test_a_fleet_that_differs_in_everything_is_solved_whole_and_its_bound_holds(seed, scenarios):
    raw = all_different(seed, scenarios=scenarios)
    answer = what_if(raw)
    optimum = reference_objective(raw, gap=1e-5)
    assert answer["aggregation"]["groups"] == len(raw["storages"]) and answer["aggregation"]["loss"] <= 1e-5
    assert answer["bound"] >= optimum * (1 - 1e-5) and answer["objective"] <= optimum * (1 + 2e-5)
    assert answer["objective"] >= optimum * (1 - 0.01)  # six storages: directions and minimums weigh most
    assert_keeps_the_rules(raw, answer)


def test_without_minimums_and_negative_prices_it_is_the_optimum():
    raw = all_different(4, storages=12)
    raw["energy"]["price_per_mwh"] = np.abs(raw["energy"]["price_per_mwh"]).tolist()
    raw["imbalance"]["price_per_mwh"] = np.abs(raw["imbalance"]["price_per_mwh"]).tolist()
    for item in raw["reserves"]:
        item["min_quantity_kw"] = 0.0
    answer = what_if(raw)
    assert answer["objective"] == pytest.approx(reference_objective(raw, relax=True), rel=5e-4)
    assert answer["gap"] <= 5e-4 and answer["aggregation"]["loss"] <= 1e-5
    assert_keeps_the_rules(raw, answer)


def test_asks_blocks_and_curves_stand_in_the_rows_the_storages_meet_in():
    raw = all_different(5)
    raw["reserves"], raw["energy"]["curve"] = [], True
    raw["asks"] = [
        {"id": "a", "feeder": "G", "direction": "up", "intervals": [2, 3], "quantity_kw": 60.0, "price_per_mwh": 90.0}
    ]
    raw["blocks"] = [{"name": "b", "position_kw": [0.0, 0.0, 80.0, 80.0]}]
    answer, full = what_if(raw), what_if(raw, full=True)
    assert answer["objective"] <= full["bound"] + 1e-6 and answer["bound"] >= full["objective"] - 1e-6
    assert answer["objective"] == pytest.approx(full["objective"], rel=5e-3)
    assert [one["accepted_share"] for one in answer["asks"]] == pytest.approx(
        [one["accepted_share"] for one in full["asks"]], abs=1e-2
    )


@pytest.mark.parametrize(
    "odd",
    [
        {"charge_kw": 0.0, "discharge_kw": 0.0},
        {"energy_max_kwh": 0.0, "energy_start_kwh": 0.0, "energy_end_kwh": 0.0},
        {"energy_min_kwh": 40.0, "energy_max_kwh": 40.0, "energy_start_kwh": 40.0, "energy_end_kwh": 40.0},
        {"energy_start_kwh": 300.0, "energy_max_kwh": 200.0, "energy_end_kwh": 0.0},
    ],
)
def test_a_storage_without_power_or_room_or_above_its_roof_does_no_harm(odd):
    raw = all_different(6, scenarios=1)
    raw["storages"][1] |= {"discharge_kw": 500.0} | odd
    answer = what_if(raw)
    assert answer["status"] in ("optimal", "feasible") and answer["shortfalls"] == []
    assert answer["bound"] >= reference_objective(raw, gap=1e-5) * (1 - 1e-5)
    assert_keeps_the_rules(raw, answer)


def test_a_storage_that_cannot_keep_its_limits_or_whose_owner_counts_hours_is_left_to_the_clusters(monkeypatch):
    raw = all_different(7, scenarios=1)
    assert solvable(read_document(raw))
    for change in ({"energy_start_kwh": 0.0, "energy_end_kwh": 1e5}, {"max_hours": 0.5}, {"max_starts": 1}):
        assert not solvable(read_document(raw | {"storages": [raw["storages"][0] | change]}))
    raw["storages"][0] |= {"max_hours": 0.5}
    assert_keeps_the_rules(raw, what_if(raw))
    raw["storages"][0] |= {"max_hours": None}
    whole = what_if(raw)

    def late(problem, options):
        raise FleetUnfinished(SolverFailed(Status.NO_SOLUTION, "the time ran out"), whole["bound"])

    monkeypatch.setattr(module, "solve_whole_fleet", late)
    answer = what_if(raw)
    assert_keeps_the_rules(raw, answer)
    assert answer["objective"] <= answer["bound"] <= whole["bound"] + 1e-9  # what was proven is not lost
    assert answer["gap"] == pytest.approx((answer["bound"] - answer["objective"]) / abs(answer["objective"]), rel=1e-3)


def test_where_the_decided_directions_cannot_be_gone_on_with_they_are_solved_afresh(monkeypatch):
    from bidding.kernels.whatif import fleet

    raw, solve, made = all_different(4, storages=12), fleet.solve_fleet, []
    best = what_if(raw)

    def jammed(state, **how):
        made.append(how)
        point, found = solve(state, **how)
        return (replace(point, status=Status.NO_SOLUTION), found) if len(made) == 3 else (point, found)

    monkeypatch.setattr(fleet, "solve_fleet", jammed)
    answer = what_if(raw)
    assert_keeps_the_rules(raw, answer)
    assert len(made) >= 4 and answer["aggregation"]["loss"] <= 1e-5
    assert answer["objective"] == pytest.approx(best["objective"], rel=2e-3) and answer["gap"] <= 0.01


def test_machine_code_is_made_also_where_there_is_no_place_to_keep_it(monkeypatch):
    njit = compiled_module.njit

    def nowhere(*, cache=False, **how):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return njit(**how)

    monkeypatch.setattr(compiled_module, "njit", nowhere)
    assert compiled_module.compiled(lambda a, b: a + b)(2.0, 3.0) == 5.0


def test_compiled_loops_call_only_functions_of_their_own_module():
    """What is kept of a caller is not made anew when a function in another file changes."""
    wrong, loops = [], 0
    for path in Path(compiled_module.__file__).parent.glob("*_loops.py"):
        tree = ast.parse(path.read_text())
        own = {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}
        for function in (one for one in tree.body if isinstance(one, ast.FunctionDef)):
            loops += [ast.unparse(one) for one in function.decorator_list] == ["compiled"]
            called = {ast.unparse(one.func) for one in ast.walk(function) if isinstance(one, ast.Call)}
            plain = {name for name in called if "." not in name} - {"compiled"}
            wrong += sorted(f"{path.name}: {function.name} calls {name}" for name in plain - own - BUILTINS)
    assert wrong == [] and loops > 20


def test_clusters_without_a_plan_are_not_called_a_contradiction_of_the_file(monkeypatch):
    def late(problem, options):
        raise FleetUnfinished(SolverFailed(Status.NO_SOLUTION, "the time ran out"), np.inf)

    def stuck(problem, options):
        raise SolverFailed(Status.INFEASIBLE, "the problem contradicts itself beyond missing energy")

    monkeypatch.setattr(module, "solve_whole_fleet", late)
    monkeypatch.setattr(module, "solve_problem", stuck)
    monkeypatch.setattr(module, "_most_groups", lambda _: 3)
    with pytest.raises(SolverFailed, match="needs more time") as told:
        what_if(all_different(9))
    assert told.value.status is Status.NO_SOLUTION


@pytest.mark.parametrize("seed", [1, 6])
def test_where_neither_the_fleet_nor_clusters_end_the_expected_day_is_the_answer_to_all_scenarios(monkeypatch, seed):
    whole, raw = module.solve_whole_fleet, all_different(seed, scenarios=3)
    best = what_if(raw)

    def late(problem, options):
        if problem.scenarios > 1:
            raise FleetUnfinished(SolverFailed(Status.NO_SOLUTION, "the time ran out"), best["bound"])
        return whole(problem, options)

    def stuck(problem, options):
        raise SolverFailed(Status.INFEASIBLE, "the problem contradicts itself beyond missing energy")

    monkeypatch.setattr(module, "solve_whole_fleet", late)
    monkeypatch.setattr(module, "solve_problem", stuck)
    monkeypatch.setattr(module, "_most_groups", lambda _: 3)
    answer = what_if(raw)
    assert_keeps_the_rules(raw, answer)
    assert answer["status"] == "feasible" and answer["bound"] == pytest.approx(best["bound"])
    assert answer["objective"] <= best["objective"] + 1e-6


def test_the_rows_in_which_storages_meet_get_what_a_dense_inverse_gives_them():
    """Semiseparable sums against the Newton matrix of two storages written out."""
    from bidding.kernels.whatif.fleet_cells import CARRIED, CHARGE, DISCHARGE, FleetCells
    from bidding.kernels.whatif.fleet_terms import TINY

    problem = read_document(all_different(8, storages=2, scenarios=1))
    cells, rng = FleetCells(problem), np.random.default_rng(8)
    weights = rng.uniform(0.1, 10.0, (len(cells.rules), *cells.rhs.shape))
    edges = np.array([0, 2])
    chains = Chains(cells, edges, weights, np.ones_like(weights), np.zeros((cells.width, *cells.rhs.shape), dtype=bool))
    size = cells.width * cells.rhs.size
    every = np.eye(size).reshape(size, cells.width, *cells.rhs.shape)
    slopes = [np.array([rule.move(one).ravel() for one in every]).T for rule in cells.rules]
    pulled = sum(slope.T @ (weight.ravel()[:, None] * slope) for slope, weight in zip(slopes, weights, strict=True))
    inverse = np.linalg.inv(pulled + TINY * np.eye(size))
    energy = np.array([cells.energy_rows(one).ravel() for one in every]).T
    met = np.array([np.stack([one[DISCHARGE] - one[CHARGE], *one[CARRIED:]]).sum(axis=2).T.ravel() for one in every]).T
    shared = met @ inverse @ energy.T
    expected = met @ inverse @ met.T - shared @ np.linalg.inv(energy @ inverse @ energy.T) @ shared.T
    assert chains.together(slice(0, 2)) == pytest.approx(expected, rel=1e-8, abs=1e-9)
