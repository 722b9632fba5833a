"""Small synthetic fleets for the kernel tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np

from forecasting.kernels.fleet import FleetInput
from vpp.lib.periods import DeliveryDay

ZONE = "Europe/Berlin"


def starts_until(day: date, *, days: int, issue_hour: int = 10) -> tuple[np.ndarray, np.datetime64]:
    """Quarter hours from `days` before a local day up to (and beyond) the issue the day before; and that issue."""
    start = DeliveryDay(day, ZONE).starts64()[0]
    issue = start - np.timedelta64((24 - issue_hour) * 60, "m")
    return np.arange(start - np.timedelta64(days, "D"), start, np.timedelta64(15, "m")), issue


def fleet(day: date = date(2016, 7, 14), *, days: int = 16, seed: int = 0) -> FleetInput:
    """Six loads, three PV, two chargers, one heat pump, one battery; readings run on after the issue time."""
    starts, issue = starts_until(day, days=days)
    kinds = ["LOAD"] * 6 + ["PV"] * 3 + ["EV_CHARGER"] * 2 + ["HEAT_PUMP", "BATTERY"]
    random = np.random.default_rng(seed)
    hour = (starts.astype("datetime64[m]").astype(np.int64) % 1440) / 60
    power = np.zeros((len(kinds), len(starts)))
    for row, kind in enumerate(kinds):
        noise = random.uniform(0.7, 1.3, len(starts))
        if kind == "PV":
            power[row] = -9 * np.maximum(np.sin((hour - 4) / 15 * np.pi), 0) * ((hour > 4) & (hour < 19)) * noise
        elif kind == "EV_CHARGER":
            power[row] = np.where((hour > 15) & (hour < 20) & (noise > 0.9), 7.0, 0.0)
        elif kind != "BATTERY":
            power[row] = (1 + row % 3 + np.sin((hour - 5) / 24 * 2 * np.pi) ** 2) * noise
    return FleetInput(
        power_kw=power,
        starts=starts,
        kinds=kinds,
        max_consumption_kw=np.array([0.0 if kind == "PV" else 12.0 for kind in kinds]),
        max_production_kw=np.array([12.0 if kind in {"PV", "BATTERY"} else 0.0 for kind in kinds]),
        issue=issue,
        target_starts=DeliveryDay(day, ZONE).starts64(),
        zone=ZONE,
        portfolio=np.zeros(len(kinds), dtype=np.int64),
        feeder=np.full(len(kinds), -1),
        site=np.arange(len(kinds)),
        seed=7,
    )


def with_power(one: FleetInput, power_kw: np.ndarray) -> FleetInput:
    return replace(one, power_kw=power_kw)


def power_of(one: FleetInput) -> np.ndarray:
    """A copy of its readings, to be spoiled."""
    assert isinstance(one.power_kw, np.ndarray)
    return one.power_kw.copy()
