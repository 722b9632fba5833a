"""Loads: plain ones follow their profile, flexible ones may be reduced or raised within their rating."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def step_flexible_loads(profile_kw: Floats, target_kw: Floats, max_consumption_kw: Floats) -> Floats:
    """Consumption (N,) in kW; NaN target is no setpoint. What was left out is not made up for later."""
    return np.clip(np.where(np.isnan(target_kw), profile_kw, target_kw), 0.0, max_consumption_kw)


def site_meters_kw(site_of_meter: NDArray[np.int64], site_of_device: NDArray[np.int64], device_kw: Floats) -> Floats:
    """Net power (M,) in kW at each site's meter: the sum over the site's devices.

    site_of_meter : (M,) site numbers; site_of_device : (N,); device_kw : (N,).
    """
    n_sites = int(max(site_of_meter.max(initial=-1), site_of_device.max(initial=-1))) + 1
    site_kw = np.bincount(site_of_device, weights=device_kw, minlength=n_sites).astype(np.float64)
    return site_kw[site_of_meter]
