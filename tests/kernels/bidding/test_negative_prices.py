"""Where energy is paid to be taken, burning it pays on paper; no plan does it, and a plan is found all the same."""

from __future__ import annotations

import time

import numpy as np
import pytest

from bidding.kernels import rounding
from bidding.kernels.certify import relax_fix_certify
from bidding.kernels.co_optimise import co_optimise
from tests.kernels.bidding.cases import FAST, ask, battery, energy, problem, reserve


def test_lots_that_only_burning_energy_could_deliver_are_not_the_last_word():
    """Two small batteries at negative prices: the relaxed lots need both ways at once; others are found and proven."""
    groups = [
        battery(8, name="a", power_kw=333.0, energy_kwh=400.0, discharge_efficiency=0.9, up_cost_eur_per_mwh=7.0),
        battery(8, name="b", power_kw=333.0, energy_kwh=400.0, charge_efficiency=0.9),
    ]
    case = problem(
        groups, 8, energy=energy([-80.0, -80.0, 0.0, -80.0], per_block=2, min_kw=300.0),
        reserves=(reserve(0.0, 8, endurance_h=0.5, activation_pu=0.05),
                  reserve(4.0, 8, direction="DOWN", endurance_h=0.5)),
        asks=(ask([0.0, 0.0, 120.0, 120.0, 0.0, 0.0, 0.0, 0.0], ceiling=60.0),), imbalance_spread_eur_per_mwh=30.0,
    )  # fmt: skip
    plan = co_optimise(case, FAST, gap_target=5e-3)
    assert plan.gap <= 5e-3 and plan.profit_eur > 100.0
    assert np.all(np.minimum(plan.group_up_kw, plan.group_down_kw) < 1e-3)


@pytest.mark.parametrize("up_cost", [0.0, 7.0])
def test_an_ask_cut_to_whole_kilowatts_takes_other_lots_with_it(up_cost, monkeypatch):
    """67.5 kW would make just the room that the next purchase needs; 67 kW do not, so less is bought."""
    unit = battery(
        8, power_kw=333.0, energy_kwh=150.0, energy_start_kwh=75.0, discharge_efficiency=0.9,
        up_cost_eur_per_mwh=up_cost,
    )  # fmt: skip
    case = problem(
        [unit], 8, energy=energy([-80.0] * 4, per_block=2), imbalance_spread_eur_per_mwh=30.0,
        reserves=(reserve(0.0, 8, endurance_h=0.5, activation_pu=0.05),
                  reserve(4.0, 8, direction="DOWN", endurance_h=0.5)),
        asks=(ask([120.0, 120.0] + [0.0] * 6, ceiling=0.0),),
    )  # fmt: skip
    limits_s: list[float] = []

    def slow(model, options, *args, **fields):
        limits_s.append(options.time_limit_s)
        time.sleep(0.2)
        return relax_fix_certify(model, options, *args, **fields)

    monkeypatch.setattr(rounding, "relax_fix_certify", slow)
    plan = co_optimise(case, FAST, gap_target=5e-3)
    assert limits_s[1] <= limits_s[0] - 0.2, "both searches share the time that is left"
    assert np.array_equal(plan.ask_kw["ask"], np.floor(plan.ask_kw["ask"]))
    assert plan.shortfalls == () and 5.0 <= plan.profit_eur <= plan.bound_profit_eur
