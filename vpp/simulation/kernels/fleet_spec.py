"""What a simulated fleet is made of: parallel arrays, one entry per device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DEFAULT_EFFICIENCY = 0.95
DEFAULT_STORE_HOURS = 2.0  # thermal store of a heat pump without a stated capacity: hours at full power
DEFAULT_HALF_BAND_K = 1.0
DEFAULT_TIME_CONSTANT_H = 40.0
START_SOC_PU = 0.5


@dataclass(frozen=True)
class FleetSpec:
    """N devices over the H intervals of one delivery day.

    profile_kw : (N, H) undispatched power, consumption positive; batteries 0; meters ignored (they sum their site).
    energy_capacity_kwh, start_soc_kwh : (N,), 0 without a store. ramp_kw_per_minute : (N,), inf for none.
    """

    code: list[str]
    kind: NDArray[np.str_]
    site_code: list[str]
    max_consumption_kw: Floats
    max_production_kw: Floats
    energy_capacity_kwh: Floats
    floor_kwh: Floats
    start_soc_kwh: Floats
    charge_efficiency: Floats
    discharge_efficiency: Floats
    self_discharge_pu_per_day: Floats
    ramp_kw_per_minute: Floats
    profile_kw: Floats

    @property
    def n_devices(self) -> int:
        return len(self.code)

    @property
    def n_intervals(self) -> int:
        return int(self.profile_kw.shape[1])


def spec_from_rows(rows: Sequence[Mapping[str, Any]], profiles_kw: Mapping[str, Floats]) -> FleetSpec:
    """A fleet from import rows (code, site_code, kind, ratings; blank means not stated) and a day's profile per code.

    A device without a profile is idle. Profiles are clipped to the ratings, as a real device would.
    """
    n_intervals = max((len(profile) for profile in profiles_kw.values()), default=0)
    production_kw = _column(rows, "max_production_kw", 0.0)
    consumption_kw = _column(rows, "max_consumption_kw", 0.0)
    capacity_kwh = _column(rows, "energy_capacity_kwh", 0.0)
    idle = np.zeros(n_intervals)
    profile = np.array([np.asarray(profiles_kw.get(str(row["code"]), idle), dtype=np.float64) for row in rows])
    profile = profile.reshape(len(rows), n_intervals)
    return FleetSpec(
        code=[str(row["code"]) for row in rows],
        kind=np.array([str(row["kind"]) for row in rows], dtype=np.str_),
        site_code=[str(row.get("site_code") or row.get("site") or "") for row in rows],
        max_consumption_kw=consumption_kw,
        max_production_kw=production_kw,
        energy_capacity_kwh=capacity_kwh,
        floor_kwh=_column(rows, "reserve_floor_pu", 0.0) * capacity_kwh,
        start_soc_kwh=START_SOC_PU * capacity_kwh,
        charge_efficiency=_column(rows, "charge_efficiency", DEFAULT_EFFICIENCY),
        discharge_efficiency=_column(rows, "discharge_efficiency", DEFAULT_EFFICIENCY),
        self_discharge_pu_per_day=_column(rows, "self_discharge_pu_per_day", 0.0),
        ramp_kw_per_minute=_column(rows, "ramp_kw_per_minute", np.inf),
        profile_kw=np.clip(profile, -production_kw[:, None], consumption_kw[:, None]),
    )


def _column(rows: Sequence[Mapping[str, Any]], name: str, default: float) -> Floats:
    stated = [row.get(name) for row in rows]
    return np.array([default if value in (None, "") else float(value) for value in stated], dtype=np.float64)
