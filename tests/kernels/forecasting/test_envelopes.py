"""Any schedule inside a group's envelope can be split over its devices: tested by walking random schedules."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.kernels.envelope import DeviceParameters, device_deviations
from forecasting.kernels.flexibility import fixed, pooled_baseline
from forecasting.kernels.groups import group_envelope, held_reach, split_schedule, whole_portfolio

H = 96
EPS = 1e-6


def devices(kind: str, n: int, random: np.random.Generator, **given_fields) -> DeviceParameters:
    rating = random.uniform(3, 20, n)
    produces = kind in {"BATTERY", "PV", "GENSET"}
    columns = {
        "usable": np.ones(n, dtype=bool),
        "max_consumption_kw": np.zeros(n) if kind in {"PV", "GENSET"} else rating,
        "max_production_kw": rating * random.uniform(0.8, 1.2, n) if produces else np.zeros(n),
        "energy_capacity_kwh": rating * random.uniform(1, 4, n) if kind == "BATTERY" else np.zeros(n),
        "charge_efficiency": random.uniform(0.85, 1.0, n),
        "discharge_efficiency": random.uniform(0.85, 1.0, n),
        "ramp_kw_per_minute": np.full(n, np.inf),
        "reserve_floor_pu": random.uniform(0, 0.3, n),
        "self_discharge_pu_per_day": random.uniform(0, 0.02, n),
        "max_hours_per_day": np.full(n, np.inf),
        "initial_soc_kwh": np.full(n, np.nan),
        "departure_index": np.full(n, 28),
    }
    return DeviceParameters(kind=[kind] * n, **(columns | given_fields))


def baselines(kind: str, n: int, random: np.random.Generator) -> np.ndarray:
    slot = np.arange(H)
    if kind == "BATTERY":
        return np.zeros((n, H))
    if kind in {"PV", "GENSET"}:
        shape = np.maximum(np.sin((slot - 20) / 56 * np.pi), 0) * (slot > 20) * (slot < 76)
        return -random.uniform(0.5, 3, (n, 1)) * shape
    return random.uniform(0.2, 2, (n, 1)) * (1 + np.sin(slot / 96 * 2 * np.pi)) * random.uniform(0.7, 1.3, (n, H))


def walk(group, random: np.random.Generator) -> np.ndarray | None:
    """A random schedule that keeps power, cumulative energy and discharge limit of the group."""
    schedule, energy, given_back = np.empty(H), 0.0, 0.0
    for slot in range(H):
        low, high = group.power_min_kw[slot], group.power_max_kw[slot]
        low = max(low, (group.energy_min_kwh[slot] - energy) * 4)
        high = min(high, (group.energy_max_kwh[slot] - energy) * 4)
        low = max(low, -(group.discharge_limit_kwh - given_back) * 4)
        if low > high + 1e-7:
            return None
        wish = random.choice([low, high, random.uniform(min(low, high), max(low, high))])
        schedule[slot] = np.clip(wish, min(low, high), max(low, high))
        energy += schedule[slot] / 4
        given_back += max(-schedule[slot], 0) / 4
    return schedule


def build(kind: str, seed: int, n: int = 5):
    random = np.random.default_rng(seed)
    parameters, baseline = devices(kind, n, random), baselines(kind, n, random)
    if kind in {"EV_CHARGER", "HEAT_PUMP"}:
        baseline = pooled_baseline(baseline, parameters.max_consumption_kw)
    assured = 0.7 * np.abs(baseline)
    found = device_deviations(parameters, baseline, assured, availability_pu=1.0, step_minutes=15)
    return random, parameters, baseline, found, group_envelope(baseline, found, step_minutes=15)


def assert_within_devices(split, baseline, found) -> None:
    deviation = split - baseline
    assert (deviation <= found.down_kw + EPS).all() and (-deviation <= found.up_kw + EPS).all()
    cumulative = np.cumsum(deviation, axis=1) / 4
    assert (cumulative <= found.more_kwh + EPS).all() and (-cumulative <= found.less_kwh + EPS).all()


@settings(max_examples=25, deadline=None)
@given(kind=st.sampled_from(["BATTERY", "PV", "GENSET", "EV_CHARGER", "HEAT_PUMP"]), seed=st.integers(0, 10_000))
def test_any_schedule_inside_can_be_split_over_the_devices(kind, seed):
    random, _, baseline, found, group = build(kind, seed)
    for _ in range(5):
        schedule = walk(group, random)
        if schedule is None:  # the walk itself ran into a corner that only foresight avoids
            continue
        split = split_schedule(group, schedule)
        assert np.allclose(split.sum(axis=0), schedule, atol=1e-6)
        assert_within_devices(split, baseline, found)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_split_never_empties_or_overfills_a_battery(seed):
    random, parameters, _, _, group = build("BATTERY", seed)
    schedule = walk(group, random)
    if schedule is None:
        return
    split = split_schedule(group, schedule)
    floor = parameters.reserve_floor_pu * parameters.energy_capacity_kwh
    content = (floor + parameters.energy_capacity_kwh) / 2
    for slot in range(H):
        charge, discharge = np.maximum(split[:, slot], 0) / 4, np.maximum(-split[:, slot], 0) / 4
        content = content + charge * parameters.charge_efficiency - discharge / parameters.discharge_efficiency
        content = content - parameters.self_discharge_pu_per_day * parameters.energy_capacity_kwh / 96
        assert (content >= floor - EPS).all() and (content <= parameters.energy_capacity_kwh + EPS).all()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_whole_portfolio_holds_in_any_order(seed):
    random = np.random.default_rng(seed)
    built = [build(kind, seed + place) for place, kind in enumerate(["BATTERY", "PV", "EV_CHARGER", "HEAT_PUMP"])]
    groups = [one[4] for one in built]
    whole = whole_portfolio([*groups, fixed(np.full(H, 5.0), 15)], step_minutes=15)
    schedule = np.where(random.random(H) < 0.5, whole.power_min_kw, whole.power_max_kw)
    parts = split_schedule(whole, schedule)
    assert np.allclose(parts.sum(axis=0), schedule)
    for part, (_, _, baseline, found, group) in zip(parts, built, strict=False):
        assert_within_devices(split_schedule(group, part), baseline, found)


def test_equal_batteries_lose_nothing_and_the_group_offers_their_sum():
    random = np.random.default_rng(0)
    alike = {
        "max_consumption_kw": np.full(4, 5.0), "max_production_kw": np.full(4, 5.0),
        "energy_capacity_kwh": np.full(4, 10.0), "charge_efficiency": np.full(4, 1.0),
        "discharge_efficiency": np.full(4, 1.0), "reserve_floor_pu": np.full(4, 0.2),
        "self_discharge_pu_per_day": np.zeros(4),
    }  # fmt: skip
    parameters = devices("BATTERY", 4, random, **alike)
    zero = np.zeros((4, H))
    found = device_deviations(parameters, zero, zero, availability_pu=1.0, step_minutes=15)
    group = group_envelope(zero, found, step_minutes=15)
    assert group.power_max_kw[0] == pytest.approx(20) and group.power_min_kw[0] == pytest.approx(-20)
    assert group.energy_max_kwh[-1] == pytest.approx(16) and group.energy_min_kwh[-1] == pytest.approx(-16)
    assert group.discharge_limit_kwh == pytest.approx(32)


def test_devices_that_may_not_be_used_offer_nothing():
    random = np.random.default_rng(0)
    parameters = devices("BATTERY", 2, random, usable=np.array([True, False]))
    zero = np.zeros((2, H))
    found = device_deviations(parameters, zero, zero, availability_pu=1.0, step_minutes=15)
    assert found.up_kw[0].min() > 0 and not found.up_kw[1].any() and not found.down_kw[1].any()


def test_pv_can_only_be_curtailed_and_a_charger_has_its_energy_by_departure():
    _, _, baseline, found, group = build("PV", 3)
    assert not found.up_kw.any() and (group.power_max_kw <= EPS).all()
    assert (found.down_kw <= -baseline + EPS).all()
    _, parameters, _, charger, _ = build("EV_CHARGER", 3)
    departure = parameters.departure_index[0]
    assert not charger.less_kwh[:, departure - 1].any() and not charger.more_kwh.any()


def test_the_ramp_limits_what_is_offered():
    random = np.random.default_rng(0)
    parameters = devices("GENSET", 1, random, ramp_kw_per_minute=np.array([0.1]))
    baseline = baselines("GENSET", 1, random)
    found = device_deviations(parameters, baseline, -baseline, availability_pu=1.0, step_minutes=15)
    assert (found.up_kw + found.down_kw).max() <= 1.5 + EPS


def test_a_coupled_group_holds_nothing_it_cannot_hold_all_day():
    _, _, _, found, group = build("BATTERY", 1)
    down, up = held_reach(group, step_minutes=15)
    assert up.max() * 24 <= found.less_kwh[:, -1].sum() + EPS and down.max() * 24 <= found.more_kwh[:, -1].sum() + EPS
