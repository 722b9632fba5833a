"""The physics of the simulated devices: balances, limits, and the undispatched day."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vpp.simulation.kernels import battery, ev_charger, faults, heat_pump
from vpp.simulation.kernels.fleet import Fleet
from vpp.simulation.kernels.fleet_spec import FleetSpec, spec_from_rows

STEP_H = 0.25
KINDS = ["PV", "WIND", "BIOMASS", "BATTERY", "EV_CHARGER", "HEAT_PUMP", "LOAD", "FLEXIBLE_LOAD", "METER"]
seeds = st.integers(0, 2**32 - 1)


def a_fleet(rng: np.random.Generator, n_sites: int = 12, n_intervals: int = 96) -> FleetSpec:
    rows, profiles = [], {}
    for site in range(n_sites):
        for kind in KINDS:
            code = f"{kind}-{site}"
            rated = float(rng.uniform(2.0, 20.0))
            production = kind in ("PV", "WIND", "BIOMASS", "BATTERY", "METER")
            consumption = kind not in ("PV", "WIND", "BIOMASS")
            rows.append(
                {
                    "code": code,
                    "site_code": f"S{site}",
                    "kind": kind,
                    "max_production_kw": rated if production else 0.0,
                    "max_consumption_kw": rated if consumption else 0.0,
                    "energy_capacity_kwh": 2.0 * rated if kind == "BATTERY" else "",
                    "self_discharge_pu_per_day": 0.01,
                    "ramp_kw_per_minute": rated / 40.0 if kind == "BIOMASS" else "",
                }
            )
            profiles[code] = _profile(rng, kind, rated, n_intervals)
    return spec_from_rows(rows, profiles)


def _profile(rng: np.random.Generator, kind: str, rated_kw: float, n: int) -> NDArray[np.float64]:
    if kind in ("BATTERY", "METER"):
        return np.zeros(n)
    shape = rng.uniform(0.0, 0.9, n)
    if kind == "EV_CHARGER":
        shape = np.where(rng.random(n) < 0.3, 0.8, 0.0)
    return shape * rated_kw * (-1.0 if kind in ("PV", "WIND", "BIOMASS") else 1.0)


@pytest.mark.parametrize("n_intervals", [92, 96, 100])
def test_an_undispatched_fleet_reproduces_its_profile(n_intervals: int) -> None:
    spec = a_fleet(np.random.default_rng(3), n_intervals=n_intervals)
    fleet = Fleet(spec, np.zeros((spec.n_devices, n_intervals), dtype=np.uint8))
    nothing = np.full(spec.n_devices, np.nan)
    played = np.column_stack([fleet.step(nothing) for _ in range(n_intervals)])
    meters = spec.kind == "METER"
    np.testing.assert_allclose(played[~meters], spec.profile_kw[~meters], atol=1e-9)
    by_site = played[~meters].reshape(-1, len(KINDS) - 1, n_intervals).sum(axis=1)
    np.testing.assert_allclose(played[meters], by_site, atol=1e-9)


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_no_setpoint_drives_a_device_past_its_limits(seed: int) -> None:
    rng = np.random.default_rng(seed)
    spec = a_fleet(rng, n_sites=4)
    fleet = Fleet(spec, faults.draw_faults(spec.n_devices, 96, seed))
    devices = spec.kind != "METER"
    for _ in range(96):
        target = rng.normal(0.0, 30.0, spec.n_devices)
        target[rng.random(spec.n_devices) < 0.3] = np.nan
        power = fleet.step(target)
        assert (power[devices] <= spec.max_consumption_kw[devices] + 1e-9).all()
        assert (power[devices] >= -spec.max_production_kw[devices] - 1e-9).all()
        assert (fleet.state.soc_kwh >= -1e-9).all()
        assert (fleet.state.soc_kwh <= spec.energy_capacity_kwh + 1e-9).all()
        assert (np.abs(fleet.state.thermal.deviation_k) <= 1.0 + 1e-6).all()


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_what_a_battery_takes_is_stored_or_lost(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 20
    capacity = rng.uniform(5.0, 50.0, n)
    p = battery.BatteryParameters(
        rng.uniform(1, 10, n), rng.uniform(1, 10, n), capacity, 0.1 * capacity,
        rng.uniform(0.8, 1.0, n), rng.uniform(0.8, 1.0, n), rng.uniform(0.0, 0.05, n),
    )  # fmt: skip
    soc = rng.uniform(0.1, 1.0, n) * capacity
    power, after = battery.step_batteries(soc, rng.normal(0, 10, n), p, STEP_H)
    charge, discharge = np.maximum(power, 0), np.maximum(-power, 0)
    losses = (
        soc * (1 - (1 - p.self_discharge_pu_per_day) ** (STEP_H / 24))
        + charge * STEP_H * (1 - p.charge_efficiency)
        + discharge * STEP_H * (1 / p.discharge_efficiency - 1)
    )
    np.testing.assert_allclose(after - soc, power * STEP_H - losses, atol=1e-9)
    assert (after[discharge > 0] >= p.floor_kwh[discharge > 0] - 1e-9).all()


def a_heat_pump() -> heat_pump.ThermalParameters:
    one = np.ones(1)
    return heat_pump.ThermalParameters(6.0 * one, 3.0 * one, 1.0 * one, 40.0 * one)


def test_a_heat_pump_held_back_consumes_more_once_the_band_is_reached() -> None:
    parameters, state = a_heat_pump(), heat_pump.rested(1)
    profile, played, refused = np.array([3.0]), [], []
    for t in range(48):
        target = np.array([0.0 if t < 12 else np.nan])
        refused.append(bool(heat_pump.refuses(profile, target, state, parameters)[0]))
        power, state = heat_pump.step_heat_pumps(profile, target, state, parameters, STEP_H)
        played.append(float(power[0]))
    assert played[0] == 0.0
    assert any(refused[:12]), "comfort stands against the setpoint in the end"
    assert max(played) > 3.2, "it recovers"
    assert abs(float(state.deviation_k[0])) < 0.2
    assert sum(played) * STEP_H == pytest.approx(48 * 3.0 * STEP_H, rel=0.05)


def test_a_heat_pump_keeps_the_heat_balance() -> None:
    parameters, state = a_heat_pump(), heat_pump.rested(1)
    power, after = heat_pump.step_heat_pumps(np.array([3.0]), np.array([4.0]), state, parameters, STEP_H)
    assert float(after.deviation_k[0]) * 3.0 == pytest.approx(float(power[0] - 3.0) * STEP_H)


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_a_car_leaves_with_its_energy_whatever_the_setpoints_say(seed: int) -> None:
    rng = np.random.default_rng(seed)
    profile = np.where(rng.random((6, 96)) < 0.25, 4.0, 0.0)
    sessions = ev_charger.sessions_from_profile(profile, STEP_H)
    state, most_kw = ev_charger.no_session(6), np.full(6, 11.0)
    given_kwh = np.zeros((6, 96))
    for t in range(96):
        target = np.where(rng.random(6) < 0.7, rng.uniform(0.0, 11.0, 6), np.nan)
        power, state = ev_charger.step_chargers(t, target, state, sessions, most_kw, STEP_H)
        assert (power[sessions.session[:, t] < 0] == 0.0).all()
        given_kwh[:, t] = power * STEP_H
    for number in range(sessions.session.max() + 1):
        inside = sessions.session == number
        assert given_kwh[inside].sum() == pytest.approx(sessions.needed_kwh[inside][0])


def test_a_postponed_session_is_made_up_for_and_the_charger_says_how_long_it_can_wait() -> None:
    profile = np.zeros((1, 96))
    profile[0, 40:48] = 8.0
    sessions = ev_charger.sessions_from_profile(profile, STEP_H)
    state, most_kw, played, waits = ev_charger.no_session(1), np.array([11.0]), [], []
    for t in range(96):
        waits.append(float(ev_charger.postponable_kwh(t, state, sessions, most_kw, STEP_H)[0]))
        target = np.array([0.0 if t < 44 else np.nan])
        power, state = ev_charger.step_chargers(t, target, state, sessions, most_kw, STEP_H)
        played.append(float(power[0]))
    assert played[40:44] == [0.0] * 4
    assert sum(played[44:56]) * STEP_H == pytest.approx(16.0)
    assert waits[30] == 0.0 and waits[40] == pytest.approx(2.0)


def test_a_plant_follows_no_faster_than_its_ramp() -> None:
    rows = [{"code": "B", "site_code": "S", "kind": "BIOMASS", "max_production_kw": 100.0, "ramp_kw_per_minute": 2.0}]
    fleet = Fleet(spec_from_rows(rows, {"B": np.full(96, -90.0)}), np.zeros((1, 96), dtype=np.uint8))
    assert [float(fleet.step(np.array([0.0]))[0]) for _ in range(4)] == [-60.0, -30.0, 0.0, 0.0]


def test_faulty_devices_ignore_or_lag_and_the_same_seed_gives_the_same_faults() -> None:
    codes = faults.draw_faults(20_000, 96, seed=7)
    np.testing.assert_array_equal(codes, faults.draw_faults(20_000, 96, seed=7))
    faulty_pu = float((codes.max(axis=1) > 0).mean())
    assert 0.03 < faulty_pu < 0.04
    rows = [
        {"code": c, "site_code": c, "kind": "BATTERY", "max_production_kw": 5.0, "energy_capacity_kwh": 50.0}
        for c in ("ok", "ignores", "slow")
    ]
    code = np.array([[0, 0], [faults.Fault.IGNORE] * 2, [faults.Fault.SLOW] * 2], dtype=np.uint8)
    fleet = Fleet(spec_from_rows(rows, {"ok": np.zeros(2)}), code)
    np.testing.assert_allclose(fleet.step(np.full(3, -4.0)), [-4.0, 0.0, 0.0])
    np.testing.assert_allclose(fleet.step(np.full(3, -2.0)), [-2.0, 0.0, -4.0])
