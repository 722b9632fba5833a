"""SimBench loads, generators and storages as units: one device each, with its profile and its bus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from vpp.simulation.grids.simbench_network import code_of
from vpp.simulation.grids.simbench_tables import GridTables

EV_PROFILES: Final = ("AP", "HL")
HEAT_PUMP_PROFILES: Final = ("Air_", "Soil_")
COMMERCIAL_PROFILES: Final = ("G", "L", "BL", "WB")
_GENERATOR_KINDS: Final = {"W": "WIND", "H": "HYDRO", "B": "BIOMASS"}


@dataclass(frozen=True)
class Unit:
    """One device before it has a site. ``rated_kw`` is the factor of its profile; ``group`` its sort of customer."""

    code: str
    name: str
    feeder: str
    node: str
    kind: str
    rated_kw: float
    profile: str
    energy_kwh: float = 0.0
    efficiency: float = 1.0
    self_discharge_pu_per_day: float = 0.0
    group: str = "household"


def read_units(tables: GridTables) -> list[Unit]:
    """Loads first, fixed before flexible, then generators and storages: the order in which a bus gets its sites."""
    loads = sorted(_loads(tables), key=lambda unit: unit.kind != "LOAD")
    return [*loads, *_generators(tables), *_storages(tables)]


def _loads(tables: GridTables) -> Iterator[Unit]:
    for row in tables.load.itertuples():
        yield Unit(
            **_place(tables, row),
            kind=_load_kind(row.profile),
            rated_kw=float(row.pLoad) * 1e3,
            profile=row.profile,
            group=_group(row.profile),
        )


def _generators(tables: GridTables) -> Iterator[Unit]:
    for row in tables.res.itertuples():
        yield Unit(
            **_place(tables, row),
            kind=_GENERATOR_KINDS.get(row.profile[0], "PV"),
            rated_kw=float(row.pRES) * 1e3,
            profile=row.profile,
            group="municipal" if row.profile.startswith("lv_") else "producer",
        )


def _storages(tables: GridTables) -> Iterator[Unit]:
    """Storages are rated by sR both ways; pMin and pMax of the data only hold the discharge of its own schedule."""
    for row in tables.storage.itertuples():
        if float(row.sR) <= 0 or float(row.eStore) <= 0:
            continue
        yield Unit(
            **_place(tables, row),
            kind="BATTERY",
            rated_kw=float(row.sR) * 1e3,
            profile="",
            energy_kwh=float(row.eStore) * 1e3,
            efficiency=float(row.etaStore),
            self_discharge_pu_per_day=float(row.sdStore) / 100,  # the data gives percent a day
            group="municipal" if row.profile.startswith("lv_") else "producer",
        )


def _place(tables: GridTables, row: Any) -> dict[str, Any]:
    return {
        "code": code_of(row.id),
        "name": row.id,
        "feeder": tables.feeder_of(row.subnet),
        "node": code_of(tables.node_of[row.node]),
    }


def _load_kind(profile: str) -> str:
    if profile.startswith(EV_PROFILES):
        return "EV_CHARGER"
    return "HEAT_PUMP" if profile.startswith(HEAT_PUMP_PROFILES) else "LOAD"


def _group(profile: str) -> str:
    if profile.startswith("lv_"):
        return "municipal"
    return "commercial" if profile.startswith((*COMMERCIAL_PROFILES, "AP")) else "household"
