"""SimBench's own tables, cut to one grid.

The PyPI package ``simbench`` carries one large set of CSV files per scenario (data: ODbL, Meinecke et al. 2020,
Energies 13(12), doi:10.3390/en13123290). They are read here directly, because the package's own way over pandapower
takes three times as long; a test holds both against each other. Only codes of level MVLV, MV or LV are served.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_MV_NUMBERS: Final = {"rural": 1, "semiurb": 2, "urban": 3, "comm": 4}
_LV_NUMBERS: Final = {"rural1": 1, "rural2": 2, "rural3": 3, "semiurb4": 4, "semiurb5": 5, "urban6": 6}
_ELEMENTS: Final = ("Line", "Load", "RES", "Storage", "Transformer", "ExternalNet")


class UnknownGrid(ValueError):
    """The code names no grid that can be exported."""


class SimBenchMissing(RuntimeError):
    """The package with the data is not installed."""


@dataclass(frozen=True)
class GridTables:
    """Tables of one grid, as pandas frames with SimBench's own column names.

    hv_subnet  : the subnet on top, as ``MV2.101``; lv_subnets: those below it that are modelled in detail.
    node_of    : every node id to the one that stands for it after closed switches are fused.
    open_ends  : auxiliary node ids behind an open switch.
    """

    code: str
    folder: Path
    hv_subnet: str
    lv_subnets: tuple[str, ...]
    node: Any
    line: Any
    load: Any
    res: Any
    storage: Any
    transformer: Any
    external_net: Any
    line_type: Any
    transformer_type: Any
    node_of: dict[str, str]
    open_ends: frozenset[str]

    def feeder_of(self, subnet: str) -> str:
        """``MV2.101_Feeder1`` -> ``MV2.101``; the node of a grid above belongs to the top subnet."""
        first = subnet.split("_")[0]
        return first if first == self.hv_subnet or first in self.lv_subnets else self.hv_subnet


def read_grid(code: str) -> GridTables:
    """Raises UnknownGrid or SimBenchMissing."""
    level, kind, grid, scenario, fuse_all = _parts(code)
    folder = _data_folder(scenario)
    hv_subnet = _hv_subnet(level, kind)
    load = _read(folder, "Load")
    lv_subnets = _lv_subnets(load, hv_subnet, grid) if level == "MVLV" else ()
    tables = {name: load if name == "Load" else _read(folder, name) for name in _ELEMENTS}
    cut = {name: _cut(table, hv_subnet, lv_subnets) for name, table in tables.items()}
    node = _read(folder, "Node")
    subnets = node.subnet.str.split("_", n=2, expand=True)
    node = node[subnets[0].isin([hv_subnet, *lv_subnets]) | (subnets[1] == hv_subnet)]
    places = _read(folder, "Coordinates")[["id", "x", "y"]].rename(columns={"id": "coordID"})
    node = node.merge(places, on="coordID", how="left", validate="many_to_one")
    node_of, open_ends = _fuse(node, _read(folder, "Switch"), fuse_all=fuse_all)
    return GridTables(
        code=code,
        folder=folder,
        hv_subnet=hv_subnet,
        lv_subnets=lv_subnets,
        node=node,
        line=cut["Line"],
        load=cut["Load"],
        res=cut["RES"],
        storage=cut["Storage"],
        transformer=cut["Transformer"],
        external_net=cut["ExternalNet"],
        line_type=_read(folder, "LineType").set_index("id"),
        transformer_type=_read(folder, "TransformerType").set_index("id"),
        node_of=node_of,
        open_ends=open_ends,
    )


def read_profiles(tables: GridTables, table_name: str, columns: set[str]) -> Any:
    """The wanted columns of ``LoadProfile`` or ``RESProfile`` as a frame of 35136 rows, per unit of the rated power."""
    import pandas as pd

    path = tables.folder / f"{table_name}.csv"
    frame = pd.read_csv(path, sep=";", usecols=sorted(columns), dtype="float32")
    missing = columns - set(frame.columns)
    if missing:
        raise UnknownGrid(f"{table_name} has no profile {', '.join(sorted(missing))}")
    return frame


def _parts(code: str) -> tuple[str, str, str, int, bool]:
    parts = code.split("-")
    if len(parts) != 6 or parts[0] != "1" or parts[4] not in ("0", "1", "2") or parts[1] not in ("MVLV", "MV", "LV"):
        raise UnknownGrid(f"{code!r} is not a code like 1-MVLV-semiurb-5.220-2-no_sw of level MVLV, MV or LV")
    return parts[1], parts[2], parts[3], int(parts[4]), parts[5] == "no_sw"


def _hv_subnet(level: str, kind: str) -> str:
    numbers = _LV_NUMBERS if level == "LV" else _MV_NUMBERS
    if kind not in numbers:
        raise UnknownGrid(f"{kind!r} is not one of {', '.join(numbers)}")
    name = f"{'LV' if level == 'LV' else 'MV'}{numbers[kind]}"
    return f"{name}.201" if name in ("LV5", "LV6") else f"{name}.101"


def _data_folder(scenario: int) -> Path:
    spec = importlib.util.find_spec("simbench")
    if spec is None or not spec.submodule_search_locations:
        raise SimBenchMissing("the demo's grids need the package simbench: pip install 'vpp-operations[demo]'")
    return Path(spec.submodule_search_locations[0]) / "networks" / f"1-complete_data-mixed-all-{scenario}-sw"


def _read(folder: Path, name: str) -> Any:
    import pandas as pd

    return pd.read_csv(folder / f"{name}.csv", sep=";", low_memory=False)


def _lv_subnets(load: Any, hv_subnet: str, grid: str) -> tuple[str, ...]:
    """The subnets that the top grid carries as equivalents and that exist in detail."""
    equivalents = load.subnet[load.subnet.str.match(rf"{hv_subnet}_LV.*_eq$")].str.split("_").str[1].unique()
    found = tuple(sorted(equivalents)) if grid == "all" else tuple(name for name in equivalents if name == f"LV{grid}")
    if not found:
        raise UnknownGrid(f"{hv_subnet} has no subnet LV{grid}")
    return found


def _cut(table: Any, hv_subnet: str, lv_subnets: tuple[str, ...]) -> Any:
    """Rows of the subnets, without the equivalents of those that are modelled in detail."""
    subnets = table.subnet.str.split("_", n=2, expand=True).reindex(columns=[0, 1])
    inside = subnets[0].isin([hv_subnet, *lv_subnets])
    stands_for_lower = (subnets[0] == hv_subnet) & subnets[1].isin(lv_subnets)
    stands_for_upper = subnets[0].isin(lv_subnets) & (subnets[1] == hv_subnet)
    return table[inside & ~stands_for_lower & ~stands_for_upper]


def _fuse(node: Any, switch: Any, *, fuse_all: bool) -> tuple[dict[str, str], frozenset[str]]:
    """(node id -> representative, auxiliary nodes behind an open switch).

    Closed switches join their nodes; with ``fuse_all`` (the codes that end in no_sw) every bus coupler does.
    """
    auxiliary = dict(zip(node.id, node.type == "auxiliary", strict=True))
    rows = switch[switch.nodeA.isin(auxiliary) & switch.nodeB.isin(auxiliary)]
    parent = {name: name for name in node.id}

    def find(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    open_ends = set()
    for start, end, closed in zip(rows.nodeA, rows.nodeB, rows.cond == 1, strict=True):
        if not closed and (auxiliary[start] or auxiliary[end]):
            open_ends.add(start if auxiliary[start] else end)
        elif not closed and not fuse_all:
            continue
        keep, drop = sorted((find(start), find(end)), key=lambda name: (auxiliary[name], name))
        parent[drop] = keep
    return {name: find(name) for name in parent}, frozenset(open_ends)
