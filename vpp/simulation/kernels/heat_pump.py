"""Heat pumps and water heaters: one thermal store with a comfort band (first-order RC model).

The profile is the consumption that holds the building at its wanted temperature. With x the deviation from that
temperature and everything in electric equivalents, C dx/dt = (P - P_profile) - x * C / tau. The usable store is the
band [-b, +b], of 2 b C kWh: the "generalised battery" of Hao, Sanandaji, Poolla & Vincent (2015), IEEE Trans. Power
Syst. 30(1), doi:10.1109/TPWRS.2014.2328865.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

RECOVERY_HOURS = 2.0  # an unattended device is back at its wanted temperature after about this long


@dataclass(frozen=True)
class ThermalParameters:
    """All arrays (N,). capacity_kwh_per_k is electric: heat capacity divided by the coefficient of performance."""

    max_consumption_kw: Floats
    capacity_kwh_per_k: Floats
    half_band_k: Floats
    time_constant_h: Floats


@dataclass(frozen=True)
class ThermalState:
    """deviation_k (N,): indoor minus wanted temperature. too_cold, too_warm (N,): the band was reached and the
    device's own control brings it back to the wanted temperature, whatever a setpoint says."""

    deviation_k: Floats
    too_cold: Bools
    too_warm: Bools


def rested(n: int) -> ThermalState:
    return ThermalState(np.zeros(n), np.zeros(n, dtype=bool), np.zeros(n, dtype=bool))


def stored_kwh(state: ThermalState, parameters: ThermalParameters) -> Floats:
    """Electric kWh (N,) that may still be held back before the band's lower end; 0..store_kwh(parameters)."""
    above_k = np.clip(state.deviation_k + parameters.half_band_k, 0.0, 2.0 * parameters.half_band_k)
    return above_k * parameters.capacity_kwh_per_k


def store_kwh(parameters: ThermalParameters) -> Floats:
    return 2.0 * parameters.half_band_k * parameters.capacity_kwh_per_k


def own_power_kw(profile_kw: Floats, state: ThermalState, parameters: ThermalParameters) -> Floats:
    """Consumption (N,) in kW without a setpoint: the profile, more while recovering from cold, less after heat."""
    back_kw = -state.deviation_k * parameters.capacity_kwh_per_k / RECOVERY_HOURS
    recovering = state.too_cold | state.too_warm
    return np.clip(profile_kw + np.where(recovering, back_kw, 0.0), 0.0, parameters.max_consumption_kw)


def refuses(profile_kw: Floats, target_kw: Floats, state: ThermalState, parameters: ThermalParameters) -> Bools:
    """(N,) True where the comfort of the owner stands against the setpoint."""
    own_kw = own_power_kw(profile_kw, state, parameters)
    with np.errstate(invalid="ignore"):
        return (state.too_cold & (target_kw < own_kw)) | (state.too_warm & (target_kw > own_kw))


def step_heat_pumps(
    profile_kw: Floats, target_kw: Floats, state: ThermalState, parameters: ThermalParameters, step_hours: float
) -> tuple[Floats, ThermalState]:
    """Consumption (N,) in kW over the step, and the state after it. NaN target is no setpoint.

    A setpoint is followed only as far as the temperature stays inside the band at the end of the step.
    """
    p = parameters
    own_kw = own_power_kw(profile_kw, state, p)
    wanted_kw = np.where(np.isnan(target_kw) | refuses(profile_kw, target_kw, state, p), own_kw, target_kw)
    kept_k = state.deviation_k * np.exp(-step_hours / p.time_constant_h)
    coldest_kw = profile_kw + (-p.half_band_k - kept_k) * p.capacity_kwh_per_k / step_hours
    warmest_kw = profile_kw + (p.half_band_k - kept_k) * p.capacity_kwh_per_k / step_hours
    power_kw = np.clip(np.clip(wanted_kw, coldest_kw, warmest_kw), 0.0, p.max_consumption_kw)
    deviation_k = kept_k + (power_kw - profile_kw) * step_hours / p.capacity_kwh_per_k
    near_k = 0.99 * p.half_band_k
    return power_kw, ThermalState(
        deviation_k,
        too_cold=(deviation_k <= -near_k) | (state.too_cold & (deviation_k < -0.1 * p.half_band_k)),
        too_warm=(deviation_k >= near_k) | (state.too_warm & (deviation_k > 0.1 * p.half_band_k)),
    )
