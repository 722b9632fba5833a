"""Block orders in what-if files: all or none, one of a group, against every choice tried in plain loops."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from bidding.kernels.problem import BadProblem
from bidding.kernels.whatif.answer import what_if
from tests.kernels.bidding.reference import reference_objective
from tests.kernels.bidding.whatif_cases import document, storage

STORE = {"charge_efficiency": 1.0, "discharge_efficiency": 1.0, "energy_end_kwh": 0.0}


def hourly(prices: list[list[float]], blocks: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    raw = document(prices, [storage("s", **(STORE | fields))], blocks=blocks, interval_minutes=60)
    raw["energy"]["mtu_minutes"], raw["position_limit_kw"] = 60, 1000.0
    return raw


def test_the_better_block_of_a_group_is_chosen_and_delivered():
    """Half a megawatt as a position is all that the limit allows; a block comes on top."""
    blocks = [
        {"name": "early", "group": "A", "position_kw": [500.0, 500.0, 0.0, 0.0]},
        {"name": "late", "group": "A", "position_kw": [0.0, 0.0, 500.0, 500.0], "price_per_mwh": 20.0},
        {"name": "dear", "position_kw": [0.0, 0.0, 0.0, 300.0], "price_per_mwh": 99.0},
    ]
    raw = hourly([[30.0, 30.0, 60.0, 70.0]], blocks, energy_start_kwh=2000.0)
    raw["position_limit_kw"] = 500.0
    answer = what_if(raw)
    assert [(one["name"], one["chosen"]) for one in answer["blocks"]][:2] == [("early", False), ("late", True)]
    assert answer["blocks"][2]["taken"] == [False]  # at 70 nobody takes it; offered or not, nothing comes of it
    assert answer["objective"] == pytest.approx(60 + 70)
    delivered = np.array(answer["storages"][0]["discharge_kw"])[0] - np.array(answer["storages"][0]["charge_kw"])[0]
    sold = np.array(answer["energy"]["position_kw"]) + np.array([0.0, 0.0, 500.0, 500.0])
    assert delivered == pytest.approx(sold, abs=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_it_equals_the_best_of_all_choices(seed):
    """In a lossless store that no power limits, a block is so much drawn from it: an independent solver tries each."""
    rng = np.random.default_rng(seed)
    prices = rng.uniform(5, 90, 4).round(1)
    blocks = []
    for number in range(6):
        first, last = sorted(rng.choice(5, 2, replace=False))
        kw = float(rng.choice([-400.0, 300.0, 600.0]))
        profile = [kw if first <= hour < last else 0.0 for hour in range(4)]
        limit = {"price_per_mwh": 45.0} if number % 2 else {}
        blocks.append({"name": f"b{number}", "group": "XY"[number // 3], "position_kw": profile} | limit)
    raw = hourly([prices.tolist()], blocks, energy_max_kwh=1200.0, charge_kw=5000.0, discharge_kw=5000.0)
    raw["energy"]["min_quantity_kw"], raw["position_limit_kw"] = 250.0, 700.0
    best = max(tried(raw, choice) for choice in product([None, 0, 1, 2], [None, 3, 4, 5]))
    answer = what_if(raw)
    assert answer["objective"] == pytest.approx(best, abs=1e-6) and answer["status"] == "optimal"
    assert all(sum(one["chosen"] for one in answer["blocks"] if one["group"] == group) <= 1 for group in "XY")


def tried(raw: dict[str, Any], choice: tuple[int | None, ...]) -> float:
    """The optimum with just these blocks, where the market takes them; -inf where they cannot be delivered."""
    prices, drawn, worth = np.array(raw["energy"]["price_per_mwh"][0]), np.zeros(4), 0.0
    for number in choice:
        if number is None:
            continue
        profile, limit = np.array(raw["blocks"][number]["position_kw"]), raw["blocks"][number].get("price_per_mwh")
        mean = float(profile @ prices / profile.sum())
        if limit is None or (mean >= limit if profile.sum() > 0 else mean <= limit):
            drawn, worth = drawn + profile, worth + float(profile @ prices) / 1000.0
    alone = {key: value for key, value in raw.items() if key != "blocks"}
    alone["storages"] = [raw["storages"][0] | {"draw_kwh": drawn.tolist()}]
    try:
        return worth + reference_objective(alone)
    except AssertionError:
        return -np.inf


def test_in_each_scenario_a_block_counts_where_the_market_takes_it():
    """Full store, sold at 60 or more: taken at 80, not at -40, where the energy stays in the store."""
    block = {"name": "b", "position_kw": [1000.0, 0.0], "price_per_mwh": 60.0}
    raw = hourly([[80.0, 0.0], [-40.0, 0.0]], [block], energy_max_kwh=1000.0)
    raw["imbalance"] = {"price_per_mwh": [[80.0, 0.0], [-40.0, 0.0]], "spread_per_mwh": 5.0}
    raw["energy"]["min_quantity_kw"] = 1000.0
    answer = what_if(raw)
    assert answer["blocks"] == [{"name": "b", "group": "", "chosen": True, "taken": [True, False]}]
    assert answer["scenario_profit"] == pytest.approx([80.0, 0.0], abs=1e-6)


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"colour": 1}, "blocks[0].colour: unknown key"),
        ({"position_kw": [0.0, 0.0]}, "blocks[0].position_kw: offers nothing"),
        ({"position_kw": [1.0]}, "blocks[0].position_kw: 1 values, want 2"),
        ({"position_kw": [2000.0, 0.0]}, "blocks[0].position_kw: want 0 to 1000 kW either way, or 0"),
        ({"position_kw": [100.0, -100.0], "price_per_mwh": 1.0}, "blocks[0].buy_price_per_mwh: a block that buys and"),
        ({"name": 7}, "blocks[0].name: 7 is no text"),
    ],
)
def test_a_bad_block_is_named_with_its_place(change, finding):
    raw = hourly([[80.0, 10.0]], [{"name": "b", "position_kw": [100.0, 0.0]} | change])
    with pytest.raises(BadProblem) as refused:
        what_if(raw)
    assert any(one.startswith(finding) for one in refused.value.findings)


def test_blocks_of_one_name_and_blocks_beside_a_moved_price_are_refused():
    raw = hourly([[80.0, 10.0]], [{"name": "b", "position_kw": [100.0, 0.0]}] * 2)
    raw["energy"]["residual_demand"] = [[100.0, 0.0], [1000.0, -5.0]]
    with pytest.raises(BadProblem) as refused:
        what_if(raw)
    assert refused.value.findings == [
        "blocks: only where energy has no residual_demand",
        "blocks: 'b' stands there more than once",
    ]
