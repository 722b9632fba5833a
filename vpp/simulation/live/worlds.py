"""Where a live fleet's devices and their undispatched power come from: a folder of import files."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpp.lib.periods import DeliveryDay, as_datetime64
from vpp.simulation.kernels.day_shapes import day_shape
from vpp.simulation.kernels.faults import FaultRates, draw_faults
from vpp.simulation.kernels.fleet import Fleet
from vpp.simulation.kernels.fleet_spec import spec_from_rows

Floats = NDArray[np.float64]
DATA_YEAR = 2016  # of the measured profiles


def in_data_year(day: date) -> date:
    """The day of the profiles' year with the same weekday and about the same season."""
    shift = (day - day.replace(year=DATA_YEAR, day=min(day.day, 28))).days
    wanted = day - timedelta(days=7 * round(shift / 7))
    first, last = date(DATA_YEAR, 1, 2), date(DATA_YEAR, 12, 30)
    while wanted < first:
        wanted += timedelta(days=7)
    while wanted > last:
        wanted -= timedelta(days=7)
    return wanted


@dataclass(frozen=True)
class LiveWorld:
    """devices.csv of the folder, with owner_terms.csv and profiles.npz where there are such; without profiles each
    kind follows a day shape of its own."""

    folder: Path

    def devices(self) -> list[dict[str, Any]]:
        terms = {row["device"]: row for row in _rows(self.folder / "owner_terms.csv")}
        return [row | terms.get(row["code"], {}) for row in _rows(self.folder / "devices.csv")]

    def maker(self, *, seed: int, rates: FaultRates, step_s: int) -> Callable[[DeliveryDay], Fleet]:
        devices = self.devices()

        def make(day: DeliveryDay) -> Fleet:
            codes = [row["code"] for row in devices]
            spec = spec_from_rows(devices, dict(zip(codes, self._power_kw(devices, day, seed), strict=True)))
            faults = draw_faults(spec.n_devices, spec.n_intervals, seed + day.date.toordinal(), rates)
            return Fleet(spec, faults, step_s / 3600.0, steps_a_column=900 // step_s)

        return make

    def _power_kw(self, devices: list[dict[str, Any]], day: DeliveryDay, seed: int) -> Floats:
        """(N, H) undispatched power; batteries idle."""
        path = self.folder / "profiles.npz"
        if path.exists():
            from vpp.simulation.grids.profiles import DeviceProfiles

            that = DeliveryDay(in_data_year(day.date), day.zone)
            codes = [row["code"] for row in devices]
            power_kw = DeviceProfiles.load(path).power_kw(as_datetime64(that.start), as_datetime64(that.end), codes)
            power_kw = power_kw[:, np.minimum(np.arange(day.n_intervals), that.n_intervals - 1)]
            power_kw[[row["kind"] == "BATTERY" for row in devices]] = 0.0
            return power_kw
        return day_shape(
            np.array([row["kind"] for row in devices], dtype=np.str_),
            np.array([float(row["max_consumption_kw"] or 0.0) for row in devices]),
            np.array([float(row["max_production_kw"] or 0.0) for row in devices]),
            day.n_intervals,
            seed,
        )


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
