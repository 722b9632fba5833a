"""Fleets to split commitments over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from vpp.dispatch.kernels.headroom import FleetState


def batteries(n: int, **changes: Any) -> FleetState:
    """n equal batteries of 5 kW and 10 kWh, half full, no losses."""
    full = np.ones(n)
    state = FleetState(
        kind=np.array(["BATTERY"] * n),
        baseline_kw=0 * full,
        previous_kw=np.nan * full,
        max_consumption_kw=5 * full,
        max_production_kw=5 * full,
        stored_kwh=5 * full,
        capacity_kwh=10 * full,
        floor_kwh=0 * full,
        charge_efficiency=full,
        discharge_efficiency=full,
        ramp_kw_per_minute=np.inf * full,
        used_kwh=0 * full,
        hours_left=np.inf * full,
        events_left=np.inf * full,
        idle_hours=np.inf * full,
        rest_hours=0 * full,
        run_hours=np.inf * full,
        min_on_hours=0 * full,
        min_off_hours=0 * full,
        barred=np.zeros(n, dtype=np.int8),
    )
    return replace(state, **changes)


def mixed(n: int, seed: int) -> FleetState:
    rng = np.random.default_rng(seed)
    kind = rng.choice(["BATTERY", "PV", "BIOMASS", "EV_CHARGER", "HEAT_PUMP", "LOAD", "WIND"], n)
    makes = np.isin(kind, ["PV", "BIOMASS", "WIND"])
    rated = rng.uniform(1.0, 50.0, n)
    battery = kind == "BATTERY"
    capacity = np.where(battery | (kind == "HEAT_PUMP"), 2 * rated, 0.0)
    base = rng.uniform(0, 1, n) * rated * np.where(makes, -1.0, 1.0)
    return FleetState(
        kind=kind,
        baseline_kw=np.where(battery, 0.0, base),
        previous_kw=np.where(rng.random(n) < 0.5, np.nan, np.where(battery, 0.0, base)),
        max_consumption_kw=np.where(makes, 0.0, rated),
        max_production_kw=np.where(makes | battery, rated, 0.0),
        stored_kwh=np.where(capacity > 0, rng.uniform(0, 1, n) * capacity, np.nan),
        capacity_kwh=capacity,
        floor_kwh=0.1 * capacity,
        charge_efficiency=rng.uniform(0.9, 1, n),
        discharge_efficiency=rng.uniform(0.9, 1, n),
        ramp_kw_per_minute=np.where(kind == "BIOMASS", rated / 30, np.inf),
        used_kwh=rng.uniform(0, 5, n),
        hours_left=np.where(rng.random(n) < 0.05, 0.0, 4.0),
        events_left=np.where(rng.random(n) < 0.05, 0.0, 4.0),
        idle_hours=rng.choice([0.0, 0.25, 2.0, np.inf], n),
        rest_hours=rng.choice([0.0, 0.5], n),
        run_hours=rng.choice([0.25, 1.0, np.inf], n),
        min_on_hours=np.where(battery, 0.0, rng.choice([0.0, 0.5], n)),
        min_off_hours=np.where(battery, 0.0, rng.choice([0.0, 0.5], n)),
        barred=np.where(rng.random(n) < 0.1, rng.integers(6, 11, n), 0).astype(np.int8),
    )
