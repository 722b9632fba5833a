"""The network file as a folder of tables: nodes.csv, branches.csv and so on, one column per field."""

from __future__ import annotations

import csv
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from vpp.network.kernels.document_rows import ROW_TYPES
from vpp.network.kernels.parsing import Finding

_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")


def read_csv_folder(folder: Path) -> tuple[dict[str, Any], list[Finding]]:
    """Every table that is there; an empty cell leaves the field out. Cells that are not what the field wants stay text,
    and parsing names them."""
    if not any((folder / f"{section}.csv").exists() for section in ROW_TYPES):
        return {}, [Finding("unreadable", str(folder), "", (), f"none of {', '.join(ROW_TYPES)}.csv is there")]
    data: dict[str, Any] = {}
    findings: list[Finding] = []
    for section, row_type in ROW_TYPES.items():
        path = folder / f"{section}.csv"
        if not path.exists():
            continue
        parts = {part.name: part for part in fields(row_type)}
        try:
            with path.open(encoding="utf-8-sig", newline="") as stream:
                data[section] = [_row(row, parts) for row in csv.DictReader(stream)]
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            findings.append(Finding("unreadable", section, "", (), str(error)))
    return data, findings


def _row(row: dict[Any, Any], parts: dict[str, Field[Any]]) -> dict[str, Any]:
    values = {}
    for name, cell in row.items():
        if name is None:  # more cells than the header has
            values["(beyond the header)"] = cell
        elif cell is not None and cell.strip():
            values[name] = _value(cell.strip(), str(parts[name].type) if name in parts else "str")
    return values


def _value(cell: str, declared: str) -> Any:
    if declared.startswith("bool"):
        word = cell.lower()
        return True if word in _TRUE else False if word in _FALSE else cell
    if declared.startswith(("float", "int")):
        try:
            return float(cell)
        except ValueError:
            return cell
    return cell
