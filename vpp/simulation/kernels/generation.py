"""Generators: weather-driven plants that can only be curtailed, and plants with a fuel store and a ramp."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def step_curtailable(profile_kw: Floats, target_kw: Floats) -> Floats:
    """Power (N,) of PV, wind and hydro: the weather's production, or less when a setpoint says so.

    profile_kw, target_kw : (N,) kW, production negative; NaN is no setpoint.
    """
    limit_kw = np.where(np.isnan(target_kw), -np.inf, np.minimum(target_kw, 0.0))
    return np.maximum(profile_kw, limit_kw)


def step_ramped(
    profile_kw: Floats,
    previous_profile_kw: Floats,
    previous_kw: Floats,
    target_kw: Floats,
    max_production_kw: Floats,
    ramp_kw_per_minute: Floats,
    step_minutes: float,
) -> Floats:
    """Power (N,) of biomass plants and gensets, which reach a setpoint no faster than their ramp.

    All (N,), kW, production negative; ramp in kW per minute, inf for none; NaN target is no setpoint.
    The step of the profile itself is always possible (it was measured), so an undispatched plant
    reproduces its profile.
    """
    wanted_kw = np.clip(np.where(np.isnan(target_kw), profile_kw, target_kw), -max_production_kw, 0.0)
    reach_kw = ramp_kw_per_minute * step_minutes + np.abs(profile_kw - previous_profile_kw)
    return np.clip(wanted_kw, previous_kw - reach_kw, previous_kw + reach_kw)
