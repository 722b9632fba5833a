"""Reactive power of simulated inverters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vpp.lib.inverters import INVERTER_KINDS, apparent_kva, capability_kvar
from vpp.simulation.kernels.fleet_spec import FleetSpec

Floats = NDArray[np.float64]


def given_kvar(spec: FleetSpec, target_kvar: Floats, power_kw: Floats) -> Floats:
    """(N,) kvar, injection positive, that devices at power_kw give of what is asked (NaN: nothing).

    Real power goes first: what its apparent power leaves is all that an inverter gives. Other devices give none.
    """
    most_kvar = capability_kvar(apparent_kva(spec.max_consumption_kw, spec.max_production_kw), power_kw)
    most_kvar = np.where(np.isin(spec.kind, INVERTER_KINDS), most_kvar, 0.0)
    kvar: Floats = np.clip(np.nan_to_num(target_kvar, nan=0.0), -most_kvar, most_kvar)
    return kvar
