"""A network file (parsed JSON) to a ``NetworkDocument``, with every finding about its shape."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any

from vpp.network.kernels.document import ROW_TYPES, NetworkDocument


@dataclass(frozen=True)
class Finding:
    """What is wrong: ``rule`` is a stable code, ``section`` and ``field`` say where, ``codes`` name the rows."""

    rule: str
    section: str
    field: str
    codes: tuple[str, ...]
    message: str

    def __str__(self) -> str:
        where = f"{self.section}.{self.field}" if self.field else self.section
        return f"{where} [{', '.join(self.codes)}]: {self.message} ({self.rule})"


def parse(data: Any) -> tuple[NetworkDocument, list[Finding]]:
    """The document holds the rows that could be read; with findings it must not be used."""
    findings: list[Finding] = []
    if not isinstance(data, Mapping):
        return NetworkDocument(), [Finding("not_an_object", "", "", (), "the file must hold one JSON object")]
    for section in data.keys() - ROW_TYPES.keys():
        message = f"unknown section; known are {', '.join(ROW_TYPES)}"
        findings.append(Finding("unknown_section", str(section), "", (), message))
    sections = {name: _rows(name, row_type, data.get(name, []), findings) for name, row_type in ROW_TYPES.items()}
    return NetworkDocument(**sections), findings


def _rows(section: str, row_type: type[Any], raw: Any, findings: list[Finding]) -> list[Any]:
    if not isinstance(raw, list):
        findings.append(Finding("not_a_list", section, "", (), "must be a list of objects"))
        return []
    rows = []
    for number, item in enumerate(raw, start=1):
        row_name = str(item["code"]) if isinstance(item, Mapping) and "code" in item else f"row {number}"
        values, problems = _values(section, row_type, item, row_name)
        findings += problems
        if not problems:
            rows.append(row_type(**values))
    return rows


def _values(section: str, row_type: type[Any], item: Any, row_name: str) -> tuple[dict[str, Any], list[Finding]]:
    if not isinstance(item, Mapping):
        return {}, [Finding("not_an_object", section, "", (row_name,), "must be an object")]
    parts = {part.name: part for part in fields(row_type)}
    findings = [
        Finding("unknown_field", section, str(name), (row_name,), "unknown field")
        for name in item.keys() - parts.keys()
    ]
    values: dict[str, Any] = {}
    for name, part in parts.items():
        if name not in item:
            if part.default is MISSING:
                findings.append(Finding("missing_field", section, name, (row_name,), "is missing"))
            continue
        value, reason = _value(part, item[name])
        if reason:
            findings.append(Finding("wrong_type", section, name, (row_name,), f"{reason}, found {item[name]!r}"))
        values[name] = value
    return values, findings


def _value(part: Field[Any], raw: Any) -> tuple[Any, str]:
    """(value, reason): reason is empty if the raw value fits the field's declared type."""
    declared = str(part.type)
    if raw is None:
        return None, "" if "None" in declared else "must not be empty"
    if declared.startswith("str"):
        fits = isinstance(raw, str) and (raw or part.default == "")
        return raw, "" if fits else "must be a non-empty text"
    if declared.startswith("bool"):
        return raw, "" if isinstance(raw, bool) else "must be true or false"
    if isinstance(raw, bool) or not isinstance(raw, (int, float)) or not math.isfinite(raw):
        return raw, "must be a finite number"
    if declared.startswith("int"):
        return int(raw), "" if int(raw) == raw else "must be a whole number"
    return float(raw), ""
