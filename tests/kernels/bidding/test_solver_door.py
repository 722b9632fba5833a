"""The door to the solvers: which one is there, what a time limit leaves, and what is believed."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pulp
import pytest

from bidding.kernels import engines
from bidding.kernels.co_optimise import co_optimise
from bidding.kernels.problem import BadProblem
from bidding.kernels.reading import read_model
from bidding.kernels.solver import SolverFailed, SolverOptions, Status, available_engine, check_point, solve
from bidding.kernels.whatif.answer import what_if
from tests.benchmarks.bidding import fleet_day
from tests.kernels.bidding.cases import FAST, battery, energy, problem
from tests.kernels.bidding.whatif_cases import document, storage


def test_highs_is_first_and_cbc_stands_in(monkeypatch):
    assert available_engine() == "highs"
    monkeypatch.setitem(sys.modules, "highspy", None)  # as where it is not installed
    assert available_engine() == "cbc"
    monkeypatch.setattr(pulp.PULP_CBC_CMD, "available", lambda self: False)
    with pytest.raises(SolverFailed, match="neither highspy nor CBC"):
        available_engine()


def knapsack():
    lp = pulp.LpProblem("k", pulp.LpMinimize)
    x = pulp.LpVariable("x", 0, 3, pulp.LpInteger)
    lp += -x
    lp += 2 * x <= 5, "room"
    return read_model(lp)


@pytest.mark.parametrize("moved", [1.0, 0.5, np.nan])
def test_a_point_that_breaks_a_row_or_is_not_whole_or_missing_is_not_believed(moved, monkeypatch):
    honest = engines._highs_answer

    def lying(model, highs, highspy):
        answer = honest(model, highs, highspy)
        return replace(answer, values=answer.values + moved)

    assert solve(knapsack(), SolverOptions()).objective == pytest.approx(-2.0)
    monkeypatch.setattr(engines, "_highs_answer", lying)
    with pytest.raises(SolverFailed, match="findings, first"):
        solve(knapsack(), SolverOptions())


@pytest.mark.parametrize(("off", "broken"), [(5e-8, False), (5e-7, True)])
def test_a_row_over_a_small_power_is_broken_by_more_than_a_tenth_of_a_watt(off, broken):
    """1 / (0.5 kW in MW) = 2000: a column that is 0.05 W off moves the row by 1e-4."""
    lp = pulp.LpProblem("r", pulp.LpMinimize)
    started, moved = pulp.LpVariable("s", 0, 1), pulp.LpVariable("m", 0, 1)
    lp += started - 2000 * moved
    lp += started - 2000 * moved >= 0, "starts"
    model = read_model(lp)
    values = np.zeros(2)
    values[model.column(moved)] = off
    assert bool(check_point(model, values)) is broken


def test_a_time_limit_is_never_called_optimal():
    """What is cut off says what it proved; a search that has no point is a named failure."""
    raw = fleet_day(6, intervals=32)
    for limit_s in (0.05, 1.0):
        try:
            answer = what_if(raw, time_limit_s=limit_s)
        except SolverFailed as error:
            assert error.status in (Status.NO_SOLUTION, Status.FEASIBLE)
            continue
        assert answer["status"] == ("optimal" if answer["gap"] <= 1e-4 else "feasible")
        assert answer["bound"] >= answer["objective"] - 1e-6


def test_a_nightly_plan_cut_off_early_is_stated_with_its_gap():
    prices = (40 + 25 * np.sin(np.arange(24))).tolist()
    unit = battery(96, power_kw=777.0, charge_efficiency=0.93, discharge_efficiency=0.93)
    case = problem([unit], 96, step_hours=0.25, energy=energy(prices, per_block=4))
    plan = co_optimise(case, replace(FAST, time_limit_s=0.01), gap_target=1e-6)
    assert (plan.status == "optimal") == (plan.gap <= 1e-6 and not plan.shortfalls)
    assert plan.bound_profit_eur >= plan.profit_eur - 1e-6


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"charge_kw": None}, "charge_kw: is null"),
        ({"discharge_kw": -1.0}, "discharge_kw: is below"),
        ({"energy_min_kwh": 10.0, "energy_max_kwh": 5.0}, "limits cross"),
        ({"draw_kwh": [0.0, float("nan"), 0.0, 0.0]}, "draw_kwh: a value is missing"),
        ({"colour": "red"}, "colour: unknown key"),
    ],
)
def test_a_storage_without_rating_or_with_crossing_limits_is_named(change, finding):
    raw = document([[20.0, 60.0, 10.0, 80.0]], [storage("s") | change])
    with pytest.raises(BadProblem) as refused:
        what_if(raw)
    assert any(finding in text and "storages[0]" in text for text in refused.value.findings)


def test_a_file_without_storages_earns_nothing():
    answer = what_if(document([[20.0, 60.0, 10.0, 80.0]], []))
    assert answer["objective"] == pytest.approx(0.0) and answer["storages"] == []
