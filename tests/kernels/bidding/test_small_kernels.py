"""Gate times, market blocks, expected prices, grouping, the solver's door and the plain book check."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import numpy as np
import pulp
import pytest

from bidding.kernels.aggregate import FleetArrays, aggregate
from bidding.kernels.book import Promise, check_book
from bidding.kernels.clipping import clip_to_envelopes
from bidding.kernels.gate import block_of_interval, gate_closure
from bidding.kernels.price_forecast import expected_prices
from bidding.kernels.reading import read_model
from bidding.kernels.solver import SolverOptions, Status, check_point, solve
from vpp.lib.periods import DeliveryDay

BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("day", "want"),
    [
        (date(2016, 7, 14), datetime(2016, 7, 13, 10, tzinfo=UTC)),
        (date(2016, 1, 14), datetime(2016, 1, 13, 11, tzinfo=UTC)),
        (date(2016, 3, 28), datetime(2016, 3, 27, 10, tzinfo=UTC)),  # gate on the day of the spring change
        (date(2016, 10, 31), datetime(2016, 10, 30, 11, tzinfo=UTC)),
    ],
)
def test_the_gate_follows_the_wall_clock_of_the_market(day, want):
    assert gate_closure(day, 1, time(12), BERLIN) == want


def test_a_gate_in_the_skipped_hour_is_read_with_the_offset_before():
    assert gate_closure(date(2016, 3, 28), 1, time(2, 30), BERLIN) == datetime(2016, 3, 27, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "hours", "first_block"),
    [(date(2016, 3, 27), 23, 12), (date(2016, 7, 14), 24, 16), (date(2016, 10, 30), 25, 20)],
)
def test_four_hour_blocks_follow_the_wall_clock(day, hours, first_block):
    delivery = DeliveryDay(day, BERLIN)
    hourly, blocks = block_of_interval(delivery, 60), block_of_interval(delivery, 240)
    assert hourly.size == delivery.n_intervals and hourly.max() + 1 == hours
    assert np.bincount(blocks).tolist() == [first_block, 16, 16, 16, 16, 16]


def test_expected_prices_are_the_mean_of_the_last_known_days():
    day = np.repeat(np.arange(10), 24)
    minute = np.tile(np.arange(24) * 60, 10)
    price = day * 1.0 + minute / 60
    answer = expected_prices(day, minute, price, np.array([0, 75, 23 * 60]), days=7)
    assert answer is not None and answer.days == 7 and answer.filled == 0
    assert answer.price.tolist() == [6.0, 7.0, 29.0]  # days 3..9 average 6; 01:15 takes the price of 01:00


def test_without_any_price_nothing_is_expected():
    nothing = np.empty(0)
    assert expected_prices(nothing.astype(int), nothing.astype(int), nothing, np.array([0])) is None


def test_a_missing_price_is_left_out_and_a_hole_is_filled_with_the_mean():
    answer = expected_prices(np.array([1, 1]), np.array([0, 60]), np.array([10.0, np.nan]), np.array([0, 600]))
    assert answer is not None and answer.price.tolist() == [10.0, 10.0]


def fleet(**columns) -> FleetArrays:
    count = len(columns["kind"])
    defaults = {
        "device_id": np.arange(count), "feeder": ("F",) * count, "max_consumption_kw": np.full(count, 10.0),
        "max_production_kw": np.full(count, 10.0), "energy_capacity_kwh": np.zeros(count),
        "energy_start_kwh": np.zeros(count), "charge_efficiency": np.ones(count), "discharge_efficiency": np.ones(count),
        "self_discharge_pu_per_day": np.zeros(count), "cost_per_kwh": np.zeros(count), "reserve_floor_pu": np.zeros(count),
        "max_hours_per_day": np.full(count, np.inf), "departure_index": np.full(count, -1),
        "baseline_kw": np.zeros((count, 96)),
    }  # fmt: skip
    return FleetArrays(**(defaults | columns))


def test_alike_batteries_of_a_feeder_become_one_storage():
    groups = aggregate(
        fleet(
            kind=("BATTERY",) * 3,
            feeder=("F", "F", "G"),
            energy_capacity_kwh=np.full(3, 20.0),
            energy_start_kwh=np.full(3, 10.0),
            reserve_floor_pu=np.array([0.1, 0.3, 0.0]),
        ),
        0.25,
        deliverable_pu={"BATTERY": 1.0},
    )
    assert [group.feeder for group in groups] == ["F", "G"]
    first = groups[0]
    assert first.up_limit_kw[0] == 20 and first.energy_max_kwh[0] == 40 and first.energy_min_kwh[0] == pytest.approx(8)
    assert first.energy_start_kwh == 20 and first.device_ids == (0, 1)


def test_a_heat_pump_moves_only_what_it_would_have_used_within_its_window():
    baseline_kw = np.zeros((1, 96))
    baseline_kw[0, 40:48] = 4.0
    (group,) = aggregate(fleet(kind=("HEAT_PUMP",), baseline_kw=baseline_kw), 0.25, deliverable_pu={"HEAT_PUMP": 1.0})
    assert group.up_limit_kw[39] == 0 and group.up_limit_kw[40] == 4
    assert group.energy_min_kwh[43] == -4.0  # an hour of 4 kW may be put off
    assert group.energy_min_kwh[51] == 0 and group.energy_min_kwh[-1] == 0  # and is caught up an hour later
    assert group.down_limit_kw[20] == 0 and group.down_limit_kw[36] == 4


def test_a_car_has_its_energy_before_it_leaves():
    baseline_kw = np.full((1, 96), 2.0)
    (group,) = aggregate(fleet(kind=("EV_CHARGER",), baseline_kw=baseline_kw, departure_index=np.array([28])), 0.25)
    assert group.energy_min_kwh[27] == 0 and group.energy_min_kwh[26] < 0


def test_sun_can_only_be_cut_and_a_genset_with_a_known_cost_also_raised():
    baseline_kw = np.full((2, 96), -4.0)
    sun, genset = sorted(
        aggregate(
            fleet(kind=("PV", "GENSET"), baseline_kw=baseline_kw, cost_per_kwh=np.array([0.0, 0.2])), 0.25,
            deliverable_pu={"PV": 1.0, "GENSET": 1.0},
        ),
        key=lambda group: group.up_limit_kw[0],
    )  # fmt: skip
    assert not sun.up_limit_kw.any() and sun.down_limit_kw[0] == 4
    assert genset.up_limit_kw[0] == 6 and genset.up_cost_eur_per_mwh == pytest.approx(200)
    assert genset.down_cost_eur_per_mwh == pytest.approx(-200)


def test_groups_are_cut_to_the_envelope_of_their_kind():
    baseline_kw = np.full((2, 96), 4.0)
    groups = aggregate(
        fleet(kind=("HEAT_PUMP",) * 2, feeder=("F", "G"), baseline_kw=baseline_kw), 0.25,
        deliverable_pu={"HEAT_PUMP": 1.0},
    )  # fmt: skip
    cut = clip_to_envelopes(groups, {group.name: "HEAT_PUMP" for group in groups}, {"HEAT_PUMP": np.full(96, 2.0)}, {})
    assert [group.up_limit_kw[0] for group in cut] == [1.0, 1.0]


def small_problem(sense: int = pulp.LpMinimize) -> pulp.LpProblem:
    lp = pulp.LpProblem("small", sense)
    x, y = pulp.LpVariable("x", 0, 4), pulp.LpVariable("y", 0, None, pulp.LpInteger)
    lp += -3 * x - 2 * y
    lp += x + y <= 5.5, "room"
    return lp


@pytest.mark.parametrize("engine", ["highs", "cbc"])
def test_both_engines_find_the_same_optimum_and_duals(engine):
    model = read_model(small_problem())
    whole = solve(model, SolverOptions(engine=engine))
    assert whole.status is Status.OPTIMAL and whole.objective == pytest.approx(-14.5)
    relaxed = solve(model, SolverOptions(engine=engine), relax=True)
    assert relaxed.objective == pytest.approx(-15.0) and relaxed.row_duals.tolist() == pytest.approx([-2.0])


@pytest.mark.parametrize("engine", ["highs", "cbc"])
def test_an_impossible_problem_is_called_infeasible(engine):
    lp = small_problem()
    lp += pulp.LpVariable("z", 0, 1) >= 2
    answer = solve(read_model(lp), SolverOptions(engine=engine))
    assert answer.status is Status.INFEASIBLE and answer.values.size == 0


def test_a_maximisation_is_refused():
    with pytest.raises(ValueError, match="minimisation"):
        read_model(small_problem(pulp.LpMaximize))


def test_a_point_is_checked_in_our_own_code():
    model = read_model(small_problem())
    assert check_point(model, np.array([4.0, 1.0])) == []
    assert len(check_point(model, np.array([5.0, 1.5]))) == 3  # row, bound and a broken integer


def test_the_plain_check_finds_what_is_sold_twice_too_small_or_off_lot():
    promises = [
        Promise("energy", "UP", [300.0, 0.0], 100.0, 100.0),
        Promise("reserve", "UP", [250.0, 50.0], 100.0, 100.0),
        Promise("ask", "DOWN", [-1.0, 0.0]),
    ]
    rules = {item.rule for item in check_book(promises, capacity_up_kw=[500.0, 500.0], capacity_down_kw=[0.0, 0.0])}
    assert rules == {"sold_twice_up", "not_whole_lots", "below_minimum", "negative"}
