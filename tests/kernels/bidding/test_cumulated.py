"""Few lots against a store: branching on their sums finds the same optimum, and proves it."""

from __future__ import annotations

import numpy as np
import pytest

import bidding.kernels.co_optimise as co_optimising
from bidding.kernels.co_optimise import TRIFLE_EUR_PER_MWH, build, co_optimise, rating_mwh
from bidding.kernels.cumulated import branch, cumulated
from bidding.kernels.reading import read_model
from bidding.kernels.rounding import lot_runs
from bidding.kernels.solver import SolverOptions, check_point, solve, within_gap
from tests.kernels.bidding.cases import FAST, battery, energy, problem

EXACT = SolverOptions(mip_gap=1e-9, node_limit=20_000)


def lossy(seed: int):
    """Eight hours, at most three lots an hour, a store of four to seven."""
    rng = np.random.default_rng(seed)
    store = battery(
        8, power_kw=380.0, energy_kwh=float(rng.integers(40, 70)) * 10.0, energy_start_kwh=200.0, energy_end_kwh=200.0,
        charge_efficiency=0.95, discharge_efficiency=0.95, up_cost_eur_per_mwh=5.0, down_cost_eur_per_mwh=5.0,
    )  # fmt: skip
    prices = rng.uniform(5, 70, 8).round(1).tolist()
    return problem([store], 8, energy=energy(prices), imbalance_spread_eur_per_mwh=40.0)


@pytest.mark.parametrize("seed", range(5))
def test_the_sums_of_lots_have_the_same_optimum(seed):
    lp, made = build(lossy(seed))
    model = read_model(lp)
    runs = lot_runs(made, model)
    plain, summed = solve(model, EXACT), branch(model, runs, EXACT, None)
    assert summed.objective == pytest.approx(plain.objective, abs=1e-6)
    assert summed.values.size == model.cost.size and check_point(model, summed.values) == []
    again = branch(model, runs, EXACT, plain.values)
    assert again.objective == pytest.approx(plain.objective, abs=1e-6)


def test_the_tree_branches_on_sums_instead_of_lots():
    lp, made = build(lossy(0))
    model = read_model(lp)
    runs = lot_runs(made, model)
    wider = cumulated(model, runs)
    assert [len(run) for run in runs] == [8, 8]
    assert wider.integer.sum() == model.integer.sum() and not wider.integer[np.concatenate(runs)].any()
    many = problem([battery(8, power_kw=2000.0)], 8, energy=energy([10.0, 50.0] * 4))
    lp, made = build(many)
    assert lot_runs(made, read_model(lp)) == []


def test_what_is_left_below_a_trifle_is_not_branched_for():
    case = lossy(1)
    assert rating_mwh(case) == pytest.approx(0.38 * 8)
    exact = co_optimise(case, FAST, gap_target=1e-6)
    loose = co_optimise(case, FAST, gap_target=1e-6, trifle_eur_per_mwh=TRIFLE_EUR_PER_MWH)
    left = loose.bound_profit_eur - loose.profit_eur
    assert loose.status == "optimal" and left <= TRIFLE_EUR_PER_MWH * rating_mwh(case) * 1.02
    assert exact.profit_eur - loose.profit_eur <= TRIFLE_EUR_PER_MWH * rating_mwh(case) * 1.02


def test_where_there_is_next_to_nothing_to_earn_a_trifle_is_still_counted_in_money(monkeypatch):
    """As a share of next to nothing it would be some hundred times all there is, and any loss within the target."""
    targets, real = [], co_optimising.relax_fix_certify

    def spied(*args, **options):
        targets.append(options["gap_target"])
        return real(*args, **options)

    monkeypatch.setattr(co_optimising, "relax_fix_certify", spied)
    case = problem([battery(4, power_kw=380.0, energy_start_kwh=200.0)], 4, energy=energy([0.01, 0.02, 0.01, 0.02]))
    plan = co_optimise(case, FAST, gap_target=1e-6, trifle_eur_per_mwh=TRIFLE_EUR_PER_MWH)
    assert targets and max(targets) <= 0.02
    assert plan.bound_profit_eur - plan.profit_eur <= TRIFLE_EUR_PER_MWH * rating_mwh(case) + 1e-9
    near = SolverOptions(mip_abs_gap=0.01)
    assert within_gap(-0.001, -0.011, 1e-6, near) and not within_gap(50.0, -0.001, 1e-6, near)
