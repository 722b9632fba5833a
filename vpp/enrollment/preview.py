"""What an import would do, before it does it: per table what is new, what changes, and every fault."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from vpp.accounts.models import Participant
from vpp.enrollment import checks
from vpp.enrollment.files import Fault
from vpp.enrollment.models import Contract, Device, Portfolio, Site
from vpp.enrollment.operations import read_folder
from vpp.enrollment.tables import COLUMNS

#: Table -> model and, per column of the file, the attribute that holds it now.
STORED: dict[str, tuple[Any, dict[str, str]]] = {
    "owners": (Participant, {"name": "name"}),
    "sites": (Site, {"name": "name", "owner": "owner__code", "time_zone": "time_zone", "zone": "zone_code",
                     "feeder": "feeder_code", "node": "node_code", "import_limit_kw": "import_limit_kw",
                     "export_limit_kw": "export_limit_kw", "baseline_method": "baseline_method"}),
    "devices": (Device, {"site": "site__code", **{column.name: column.name for column in COLUMNS["devices"]
                                                  if column.name not in {"code", "site"}}}),
    "portfolios": (Portfolio, {"name": "name", "zone": "zone_code", "feeder": "feeder_code", "time_zone": "time_zone",
                               "min_kw": "min_kw"}),
    "contracts": (Contract, {name: name for name in ("split_rule", "owner_share_pu", "fee_per_event",
                                                     "floor_per_event", "tariff_per_kwh", "currency")}),
}  # fmt: skip


@dataclass(frozen=True)
class Change:
    """A row that differs from what is stored: column, before, after."""

    row: int
    code: str
    cells: list[tuple[str, Any, Any]]


@dataclass
class TablePreview:
    name: str
    rows: int
    new: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    same: int = 0
    dated: int = 0  # rows that hold from a moment on (terms, enrollments): stored beside what held before


@dataclass(frozen=True)
class ImportPreview:
    tables: list[TablePreview]
    faults: list[Fault]


def preview_files(files: dict[str, bytes]) -> ImportPreview:
    """`files`: name (owners.csv, sites.json, ...) -> content. Raises ImportRefused where no name is known."""
    with TemporaryDirectory(prefix="vpp-import-") as folder:
        write_files(files, Path(folder))
        tables = read_folder(Path(folder))
        faults = [fault for table in tables.values() for fault in table.faults] or checks.cross_check(tables)
    return ImportPreview([_compare(name, table.rows) for name, table in tables.items()], faults)


def is_table(name: str) -> bool:
    stem, _, suffix = name.rpartition(".")
    return stem in COLUMNS and suffix in ("csv", "json")


def write_files(files: dict[str, bytes], folder: Path) -> None:
    """Only names that an import knows; a path in a name leads nowhere."""
    for name, content in files.items():
        if is_table(name):
            (folder / name).write_bytes(content)


def _compare(name: str, rows: list[dict[str, Any]]) -> TablePreview:
    preview = TablePreview(name, len(rows))
    if name not in STORED:
        preview.dated = len(rows)
        return preview
    model, columns = STORED[name]
    stored = {
        values[0]: values[1:]
        for values in model.objects.filter(code__in=[row["code"] for row in rows]).values_list(
            "code", *columns.values()
        )
    }
    for row in rows:
        before = stored.get(row["code"])
        if before is None:
            preview.new.append(row["code"])
            continue
        cells = [(column, old, row[column]) for column, old in zip(columns, before, strict=True) if old != row[column]]
        if cells:
            preview.changes.append(Change(row["_row"], row["code"], cells))
        else:
            preview.same += 1
    return preview
