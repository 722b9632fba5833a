"""The import files of enrollment: tables that a person can write by hand, with every fault named by row and column.

A table is a CSV file with a header, or a JSON file with a list of objects; docs/files.md describes each column.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vpp.enrollment.cells import Parse

SAVE_AS = "save it as “CSV UTF-8”"


@dataclass(frozen=True)
class Fault:
    """One thing wrong with one cell (or, with column "", with a row or a file)."""

    file: str
    row: int
    column: str
    reason: str

    def __str__(self) -> str:
        place = f"{self.file}, row {self.row}" + (f", column {self.column}" if self.column else "")
        return f"{place}: {self.reason}"


@dataclass(frozen=True)
class Column:
    """How a column is read. A column without a default must be there and must not be empty."""

    name: str
    parse: Parse
    default: Any = ...

    @property
    def required(self) -> bool:
        return self.default is ...


@dataclass
class Table:
    """The good rows of one file, each with its row number (the header is row 1), and the faults of the others."""

    file: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def fault(self, row: dict[str, Any], column: str, reason: str) -> None:
        self.faults.append(Fault(self.file, row["_row"], column, reason))


def read_table(path: Path, columns: tuple[Column, ...]) -> Table:
    """Read a .csv or .json file; never raises for what stands in it: faults are collected."""
    table = Table(path.name)
    try:
        raw_rows = list(_raw_rows(path))
    except UnicodeDecodeError as error:
        table.faults.append(Fault(path.name, 0, "", f"is not UTF-8 text (byte {error.start}); {SAVE_AS}"))
        return table
    except (OSError, ValueError, csv.Error) as error:
        table.faults.append(Fault(path.name, 0, "", f"cannot be read: {error}"))
        return table
    if raw_rows and (
        header_faults := _header_faults(path.name, {name for name in raw_rows[0][1] if name is not None}, columns)
    ):
        table.faults.extend(header_faults)
        return table
    for number_, cells in raw_rows:
        if None in cells:  # where csv keeps cells that no column claims
            table.faults.append(
                Fault(path.name, number_, "", "has more cells than the first row; quote commas in a cell")
            )
            continue
        _read_row(table, number_, cells, columns)
    return table


def _raw_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    if path.suffix == ".json":
        rows = json.loads(path.read_text(encoding="utf-8-sig"))
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ValueError("want a list of objects")
        yield from enumerate(rows, start=1)
        return
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file, strict=True)
        yield from enumerate(reader, start=2)


def _header_faults(file: str, names: set[str], columns: tuple[Column, ...]) -> list[Fault]:
    if len(names) == 1 and ";" in str(*names):
        return [Fault(file, 1, "", f"its cells are parted by semicolons; {SAVE_AS} with commas between the cells")]
    known = {column.name for column in columns}
    missing = [column.name for column in columns if column.required and column.name not in names]
    unknown = sorted(str(name) for name in names - known)
    return [Fault(file, 1, name, "is missing") for name in missing] + [
        Fault(file, 1, name, f"is not a column of this file; known are {', '.join(sorted(known))}") for name in unknown
    ]


def _read_row(table: Table, number_: int, cells: dict[str, Any], columns: tuple[Column, ...]) -> None:
    row: dict[str, Any] = {"_row": number_}
    good = True
    for column in columns:
        cell = cells.get(column.name)
        written = "" if cell is None else str(cell).strip()
        if not written:
            if column.required:
                table.fault(row, column.name, "is empty")
                good = False
            row[column.name] = None if column.required else column.default
            continue
        try:
            row[column.name] = column.parse(written)
        except ValueError as error:
            table.fault(row, column.name, f"{written[:60]!r}: {error}")
            good = False
    if good:
        table.rows.append(row)
