"""Undispatched days of devices nobody measured: one plain shape a kind, scaled and shifted by a seeded draw."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def day_shape(
    kind: NDArray[np.str_], max_consumption_kw: Floats, max_production_kw: Floats, n_intervals: int, seed: int
) -> Floats:
    """(N, H) kW, consumption positive; quarter hours from local midnight. Batteries and meters: 0."""
    draw = np.random.default_rng(seed)
    n = kind.size
    hour = np.arange(n_intervals) * 24.0 / n_intervals
    shift_h, size = draw.normal(0.0, 1.0, n)[:, None], draw.uniform(0.5, 1.0, n)[:, None]
    at = (hour[None, :] - shift_h) % 24.0
    consumed, produced = max_consumption_kw[:, None] * size, max_production_kw[:, None] * size
    sun = np.maximum(np.sin((hour[None, :] - 6.0) / 12.0 * np.pi), 0.0)
    evening = ((at >= 18.0) & (at < 21.0)).astype(np.float64)
    warm = 0.25 + 0.25 * (np.exp(-((at - 7.0) ** 2) / 4.0) + np.exp(-((at - 19.0) ** 2) / 6.0))
    power_kw = np.zeros((n, n_intervals))
    for kinds, values in (
        (("PV",), -produced * sun),
        (("WIND",), -produced * 0.3),
        (("HYDRO", "BIOMASS"), -produced * 0.5),
        (("EV_CHARGER",), consumed * evening),
        (("HEAT_PUMP", "WATER_HEATER", "LOAD", "FLEXIBLE_LOAD"), consumed * warm),
    ):
        rows = np.isin(kind, kinds)
        power_kw[rows] = values[rows]
    return power_kw
