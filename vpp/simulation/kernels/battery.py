"""Battery physics: state of charge, losses, power limits, self-discharge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HOURS_PER_DAY = 24.0


@dataclass(frozen=True)
class BatteryParameters:
    """All arrays (N,). floor_kwh is the owner's reserve that the battery itself keeps."""

    max_charge_kw: Floats
    max_discharge_kw: Floats
    energy_capacity_kwh: Floats
    floor_kwh: Floats
    charge_efficiency: Floats
    discharge_efficiency: Floats
    self_discharge_pu_per_day: Floats


def step_batteries(
    soc_kwh: Floats, target_kw: Floats, parameters: BatteryParameters, step_hours: float
) -> tuple[Floats, Floats]:
    """Power taken from the grid (N,) in kW and the state of charge (N,) in kWh after the step.

    soc_kwh   : (N,) at the start of the step.
    target_kw : (N,) positive charges; NaN is no setpoint: the battery idles at 0.

    Self-discharge acts first, so that the limits hold at the end of the step:
    soc' = soc * (1 - s)^(h/24) + eff_c * charge * h - discharge * h / eff_d.
    """
    p = parameters
    kept_kwh = soc_kwh * (1.0 - p.self_discharge_pu_per_day) ** (step_hours / HOURS_PER_DAY)
    most_charge_kw = np.minimum(
        p.max_charge_kw, np.maximum(p.energy_capacity_kwh - kept_kwh, 0.0) / (p.charge_efficiency * step_hours)
    )
    most_discharge_kw = np.minimum(
        p.max_discharge_kw, np.maximum(kept_kwh - p.floor_kwh, 0.0) * p.discharge_efficiency / step_hours
    )
    power_kw = np.clip(np.nan_to_num(target_kw, nan=0.0), -most_discharge_kw, most_charge_kw)
    charge_kw, discharge_kw = np.maximum(power_kw, 0.0), np.maximum(-power_kw, 0.0)
    after_kwh = kept_kwh + (charge_kw * p.charge_efficiency - discharge_kw / p.discharge_efficiency) * step_hours
    return power_kw, np.clip(after_kwh, 0.0, p.energy_capacity_kwh)
