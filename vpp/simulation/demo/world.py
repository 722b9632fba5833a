"""The world outside the service: a grid's files, what its devices really do, and the prices of its market."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vpp.lib.periods import DeliveryDay, as_datetime64, interval_starts64
from vpp.simulation.grids.profiles import START, STEP_MINUTES, DeviceProfiles
from vpp.simulation.kernels.faults import draw_faults
from vpp.simulation.kernels.fleet import Fleet
from vpp.simulation.kernels.fleet_spec import spec_from_rows
from vpp.simulation.price_files import PriceSeries, modelled_prices

Floats = NDArray[np.float64]
READY = "ready"


@dataclass(frozen=True)
class World:
    """A folder with import files and profiles (`simulation.grids`), seen from outside the service."""

    folder: Path

    @cached_property
    def profiles(self) -> DeviceProfiles:
        return DeviceProfiles.load(self.folder / "profiles.npz")

    @cached_property
    def devices(self) -> list[dict[str, str]]:
        """The rows of devices.csv, each with its owner terms."""
        terms = {row["device"]: row for row in _rows(self.folder / "owner_terms.csv")}
        return [row | terms.get(row["code"], {}) for row in _rows(self.folder / "devices.csv")]

    def table(self, name: str) -> list[dict[str, str]]:
        """The rows of one import table."""
        return _rows(self.folder / f"{name}.csv")

    def controllable_kw_by_feeder(self) -> dict[str, float]:
        """Controllable battery power per feeder: what can be hoped for at any hour of any season."""
        feeder_of = {row["code"]: row["feeder"] for row in self.table("sites")}
        total: dict[str, float] = {}
        for device in self.devices:
            if device["kind"] == "BATTERY":
                feeder = feeder_of[device["site"]]
                total[feeder] = total.get(feeder, 0.0) + float(device["max_production_kw"])
        return total

    def write_history(self, path: Path, start: datetime, end: datetime) -> int:
        """A wide file of every device's metered power in [start, end); returns the number of readings."""
        power_kw = self._power_kw(start, end)
        times = interval_starts64(start, end, 15)
        with path.open("wb") as file:
            np.savez(file, times=times, codes=np.array(self.profiles.codes), power_kw=power_kw.T.astype(np.float32))
        return int(power_kw.size)

    def fleet(self, day: DeliveryDay, seed: int) -> Fleet:
        """The devices of one delivery day, with seeded faults."""
        codes = [row["code"] for row in self.devices]
        power_kw = self.profiles.power_kw(as_datetime64(day.start), as_datetime64(day.end), codes)
        for row, device in enumerate(self.devices):
            if device["kind"] == "BATTERY":
                power_kw[row] = 0.0  # idle unless dispatched
        spec = spec_from_rows(self.devices, dict(zip(codes, power_kw, strict=True)))
        return Fleet(spec, draw_faults(spec.n_devices, spec.n_intervals, seed))

    def modelled_prices(self) -> PriceSeries:
        """Quarter-hour merit-order prices of the whole year from the grid's own residual load."""
        residual_kw = self._residual_kw()
        starts64 = START + np.arange(residual_kw.size) * np.timedelta64(STEP_MINUTES * 60, "s")
        return modelled_prices(starts64, residual_kw, float(residual_kw.max()))

    def _residual_kw(self) -> Floats:
        """Load less wind, sun and water of the whole year, quarter hours; generation counts negative already."""
        kinds = {row["code"]: row["kind"] for row in self.devices}
        counts = np.array([kinds.get(code) not in ("METER", "BATTERY", "BIOMASS") for code in self.profiles.codes])
        used = counts & (self.profiles.profile >= 0)
        weight = np.bincount(
            self.profiles.profile[used], weights=self.profiles.scale_kw[used], minlength=len(self.profiles.profiles)
        )
        return np.asarray(weight @ self.profiles.profiles.astype(np.float64), dtype=np.float64)

    def _power_kw(self, start: datetime, end: datetime) -> Floats:
        """(N, T) in the order of the profiles' codes."""
        return self.profiles.power_kw(as_datetime64(start), as_datetime64(end))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def exported_world(grid: str, folder: Path) -> World:
    """The world of a SimBench grid; its files are written on first use and found again later."""
    if not (folder / READY).exists():
        from vpp.simulation.grids.simbench_export import export_grid

        folder.mkdir(parents=True, exist_ok=True)
        export_grid(grid, folder)
        (folder / READY).touch()
    return World(folder)
