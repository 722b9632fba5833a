"""The structured interior point method against a general solver, and its bound against the optimum."""

from __future__ import annotations

import numpy as np
import pytest

from bidding.kernels.solver import SolverOptions, Status, check_point, solve
from bidding.kernels.whatif import search
from bidding.kernels.whatif.answer import what_if
from bidding.kernels.whatif.blocks import solve_blocks
from bidding.kernels.whatif.document import read_document
from bidding.kernels.whatif.matrix import build
from bidding.kernels.whatif.newton import Newton
from bidding.kernels.whatif.stairs import stairs_of
from tests.kernels.bidding.whatif_cases import random_day

MANY = [seed for seed in range(40) if len(random_day(seed)["probability"]) > 1]


def relaxed(seed):
    made, columns = build(read_document(random_day(seed)))
    model = made.model().relaxed()
    return model, stairs_of(model, columns)


@pytest.mark.parametrize("seed", MANY[:8])
def test_it_finds_the_relaxations_optimum_with_a_bound_that_holds(seed):
    model, stairs = relaxed(seed)
    exact = solve(model, SolverOptions(lp_method="simplex"), relax=True)
    found = solve_blocks(model, stairs, time_limit_s=20.0)
    if exact.status is not Status.OPTIMAL:
        assert found.status is not Status.OPTIMAL
        return
    scale = 1.0 + abs(exact.objective)
    assert found.status is Status.OPTIMAL and check_point(model, found.values) == []
    assert abs(found.objective - exact.objective) <= 2e-4 * scale
    assert found.bound <= exact.objective + 1e-6 * scale and found.bound >= exact.objective - 2e-4 * scale


def test_the_bound_holds_for_whatever_prices():
    model, stairs = relaxed(MANY[0])
    exact = solve(model, SolverOptions(lp_method="simplex"), relax=True)
    newton = Newton(model, stairs)
    rng = np.random.default_rng(1)
    for scale in (0.0, 1.0, 30.0):
        assert newton.proven_bound(rng.normal(0, scale, newton.rows)) <= exact.objective + 1e-6


def test_every_row_and_column_has_one_place():
    model, stairs = relaxed(MANY[1])
    rows = np.concatenate([stairs.local, stairs.band, stairs.across])
    columns = np.concatenate([stairs.cells.ravel(), stairs.single, stairs.border])
    assert np.array_equal(np.sort(rows), np.arange(model.row_lower.size))
    assert np.array_equal(np.sort(columns), np.arange(model.cost.size))


def test_a_file_with_scenarios_gets_the_same_answer_taken_apart(monkeypatch):
    raw = random_day(MANY[2])
    whole = what_if(raw)
    monkeypatch.setattr(search, "BLOCKS_FROM", 0)
    apart = what_if(raw)
    assert apart["objective"] == pytest.approx(whole["objective"], rel=2e-3, abs=0.05)
    assert apart["bound"] >= whole["objective"] - 1e-3 and apart["gap"] < 5e-3
