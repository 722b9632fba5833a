"""Storages that are only nearly alike: every member can do its share, and nobody could have earned more than the bound."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bidding.kernels.solver import SolverFailed, Status
from bidding.kernels.whatif import answer as module
from bidding.kernels.whatif.answer import what_if
from tests.kernels.bidding.test_whatif import assert_keeps_the_rules
from tests.kernels.bidding.whatif_cases import document, storage

COUNT, STORAGES = 8, 14


@pytest.fixture(autouse=True)
def clusters(monkeypatch):
    """As where a fleet cannot be solved whole: owners count hours or starts, energy is missing, feeders are many."""
    monkeypatch.setattr(module, "solvable", lambda _: False)


def nearly_alike(seed: int, *, reserves: bool) -> dict[str, Any]:
    """Two feeders; powers, energies, efficiencies, wear, beginnings, trips and floors all a little different."""
    rng = np.random.default_rng(seed)
    fleet = []
    for number in range(STORAGES):
        size = rng.uniform(50.0, 150.0)
        fleet.append(
            storage(
                f"s{number}", feeder="FG"[number % 2], energy_max_kwh=size, charge_kw=size * rng.uniform(0.45, 0.55),
                discharge_kw=size * rng.uniform(0.45, 0.55) * (number % 3 > 0),
                energy_min_kwh=size * rng.uniform(0.0, 0.05), energy_start_kwh=size * rng.uniform(0.45, 0.55),
                energy_end_kwh=size * rng.uniform(0.4, 0.45), charge_efficiency=rng.uniform(0.92, 0.95),
                discharge_efficiency=rng.uniform(0.92, 0.95), wear_per_mwh=rng.uniform(1.0, 2.0),
                draw_kwh=(0.01 * size * rng.random(COUNT)).tolist() if number % 4 == 0 else None,
            )
        )  # fmt: skip
    raw = document(rng.normal(30.0, 50.0, (2, COUNT)).round(2).tolist(), fleet)
    raw["feeders"] = [{"name": name, "export_limit_kw": 900.0, "import_limit_kw": 900.0} for name in "FG"]
    if reserves:
        raw["reserves"] = [
            {"name": way, "direction": way, "mtu_minutes": 30, "price_per_mw_h": [8.0] * 4, "min_quantity_kw": 20.0,
             "endurance_h": 0.5, "activation": 0.1}
            for way in ("up", "down")
        ]  # fmt: skip
    return raw


@pytest.mark.parametrize("reserves", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_members_that_differ_a_little_keep_their_own_limits_within_a_proven_bound(seed, reserves, monkeypatch):
    raw = nearly_alike(seed, reserves=reserves)
    full = what_if(raw, full=True, time_limit_s=5.0)
    monkeypatch.setattr(module, "MAX_GROUPS", 8)
    monkeypatch.setattr(module, "FINER_ABOVE", np.inf)
    grouped = what_if(raw)
    assert 2 <= grouped["aggregation"]["groups"] < STORAGES
    assert_keeps_the_rules(raw, grouped)
    assert grouped["objective"] <= full["bound"] + 1e-6
    assert grouped["bound"] >= full["objective"] - 1e-6  # the sums' bound holds for every storage on its own


def test_a_finer_grouping_that_does_not_end_leaves_the_coarser_answer(monkeypatch):
    raw = nearly_alike(1, reserves=False)
    monkeypatch.setattr(module, "MAX_GROUPS", STORAGES - 1)
    first = module._one

    def once(problem, grouping, options):
        if not grouping.exact:
            return first(problem, grouping, options)
        raise SolverFailed(Status.NO_SOLUTION, "the time ran out")

    monkeypatch.setattr(module, "_one", once)
    monkeypatch.setattr(module, "FINER_ABOVE", -1.0)
    answer = what_if(raw)
    assert answer["aggregation"]["groups"] < STORAGES and answer["aggregation"]["loss"] >= 0.0
    assert_keeps_the_rules(raw, answer)


@pytest.mark.parametrize("seed", range(2))
def test_storages_that_differ_in_everything_are_answered_in_few_groups(seed, monkeypatch):
    """One-way and two-way, long and short, ends exact and not: few groups hold, for every member and for the bound."""
    raw = nearly_alike(seed, reserves=True)
    rng = np.random.default_rng(100 + seed)
    for number, one in enumerate(raw["storages"]):
        size = one["energy_max_kwh"]
        one |= {"charge_kw": size * rng.uniform(0.2, 1.0), "charge_efficiency": rng.uniform(0.85, 0.98)}
        one |= {"discharge_efficiency": rng.uniform(0.85, 0.98), "energy_start_kwh": size * rng.uniform(0.3, 0.7)}
        one["energy_end_kwh"] = one["energy_start_kwh"] - 0.05 * size
        one |= {"draw_kwh": None, "end_rule": "exactly" if number % 2 and one["discharge_kw"] else "at_least"}
    full = what_if(raw, full=True, time_limit_s=5.0)
    monkeypatch.setattr(module, "MAX_GROUPS", 8)
    monkeypatch.setattr(module, "FINER_ABOVE", np.inf)
    grouped = what_if(raw)
    assert grouped["aggregation"]["groups"] <= 10
    assert_keeps_the_rules(raw, grouped)
    assert grouped["objective"] <= full["bound"] + 1e-6
    assert grouped["bound"] >= full["objective"] - 1e-6
