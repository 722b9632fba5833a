"""Conversions between power and energy and between the units of devices, the house (kW, kWh) and markets (MW, MWh)."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Quantity = TypeVar("Quantity", float, NDArray[np.float64])

W_PER_KW = 1000.0
VAR_PER_KVAR = 1000.0
KW_PER_MW = 1000.0


def energy_kwh(power_kw: Quantity, step_minutes: int) -> Quantity:
    """Energy in kWh of a mean power held for `step_minutes`; the one line that turns power into energy."""
    return power_kw * (step_minutes / 60.0)


def mean_power_kw(energy_kwh: Quantity, step_minutes: int) -> Quantity:
    """Mean power in kW over `step_minutes` that carries `energy_kwh`."""
    return energy_kwh * (60.0 / step_minutes)
