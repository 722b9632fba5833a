"""A SimBench grid as the import files a user could have written, plus the profiles of the simulated world.

export_grid("1-MVLV-semiurb-5.220-2-no_sw", folder)
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vpp.network.kernels.document import as_json
from vpp.simulation.grids.enroll import PRODUCING, build_fleet
from vpp.simulation.grids.fleet import RECORD_TYPES, Fleet
from vpp.simulation.grids.profiles import N_ROWS, NO_PROFILE, DeviceProfiles
from vpp.simulation.grids.simbench_network import network_document
from vpp.simulation.grids.simbench_tables import GridTables, read_grid, read_profiles
from vpp.simulation.grids.simbench_units import Unit, read_units

DEFAULT_GRID: Final = "1-MVLV-semiurb-5.220-2-no_sw"
FULL_GRID: Final = "1-MVLV-semiurb-all-2-no_sw"
SMALL_GRID: Final = "1-LV-rural1--2-sw"


@dataclass(frozen=True)
class ExportReport:
    """Where the files are and how much is in them."""

    grid: str
    folder: Path
    n_nodes: int
    n_sites: int
    n_devices: int
    n_portfolios: int


@dataclass(frozen=True)
class _Series:
    """(P, 35136) profiles per unit and the row of each name."""

    values: NDArray[np.float32]
    row: dict[str, int]


def export_grid(code: str, folder: Path) -> ExportReport:
    """Write network.json, the seven CSV files and profiles.npz. The same code gives the same files.

    Raises UnknownGrid or SimBenchMissing.
    """
    tables = read_grid(code)
    units = read_units(tables)
    active = _active_series(tables, units)
    peak_pu = {name: float(active.values[row].max()) for name, row in active.row.items()}
    daily_hours = {name: float(active.values[row].mean()) * 24 for name, row in active.row.items()}
    fleet = build_fleet(units, peak_pu, daily_hours)
    document = network_document(tables)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "network.json").write_text(json.dumps(as_json(document), indent=1) + "\n")
    for name in RECORD_TYPES:
        _write_csv(folder / f"{name}.csv", name, getattr(fleet, name))
    _device_profiles(fleet, units, active).save(folder / "profiles.npz")
    return ExportReport(code, folder, len(document.nodes), len(fleet.sites), len(fleet.devices), len(fleet.portfolios))


def _write_csv(path: Path, name: str, records: list[Any]) -> None:
    columns = [part.name for part in fields(RECORD_TYPES[name])]
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows([_cell(getattr(record, column)) for column in columns] for record in records)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) and value == int(value) and abs(value) < 1e6 else str(value)


def _active_series(tables: GridTables, units: list[Unit]) -> _Series:
    """Consumption of loads and production of generators, each positive, under "load" and "generator" names."""
    loads = {unit.profile for unit in units if unit.kind not in PRODUCING}
    generators = {unit.profile for unit in units if unit.kind in PRODUCING and unit.profile}
    load_frame = read_profiles(tables, "LoadProfile", {f"{name}_pload" for name in loads})
    generator_frame = read_profiles(tables, "RESProfile", generators)
    columns = [*((name, load_frame[f"{name}_pload"]) for name in sorted(loads))]
    columns += [(_generator_name(name), generator_frame[name]) for name in sorted(generators)]
    return _stack(columns)


def _generator_name(profile: str) -> str:
    """Loads and generators share names such as lv_rural1."""
    return f"generator:{profile}"


def _stack(columns: list[tuple[str, Any]]) -> _Series:
    values = np.zeros((len(columns), N_ROWS), dtype=np.float32)
    for row, (name, column) in enumerate(columns):
        if len(column) != N_ROWS:
            raise ValueError(f"profile {name} has {len(column)} rows, want {N_ROWS}")
        values[row] = column
    return _Series(values, {name: row for row, (name, _) in enumerate(columns)})


def _device_profiles(fleet: Fleet, units: list[Unit], active: _Series) -> DeviceProfiles:
    """Batteries idle when nobody dispatches them; meters are sums of their site."""
    unit_of = {unit.code: unit for unit in units}
    site_number = {site.code: number for number, site in enumerate(fleet.sites)}
    profile, scale = [], []
    for device in fleet.devices:
        unit = unit_of.get(device.code)
        idle = unit is None or not unit.profile
        producing = device.kind in PRODUCING
        name = "" if unit is None or idle else _generator_name(unit.profile) if producing else unit.profile
        profile.append(NO_PROFILE if idle else active.row[name])
        scale.append(0.0 if unit is None or idle else -unit.rated_kw if producing else unit.rated_kw)
    return DeviceProfiles(
        profiles=active.values,
        codes=tuple(device.code for device in fleet.devices),
        profile=np.array(profile, dtype=np.int32),
        scale_kw=np.array(scale),
        site=np.array([site_number[device.site] for device in fleet.devices], dtype=np.int32),
        is_meter=np.array([device.kind == "METER" for device in fleet.devices], dtype=np.bool_),
    )
