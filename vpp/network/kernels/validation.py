"""Is a network document a grid one can calculate on? Returns all findings, not the first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from vpp.network.kernels.document import ROW_TYPES, NetworkDocument
from vpp.network.kernels.islands import islands
from vpp.network.kernels.parsing import Finding


def validate(document: NetworkDocument, *, known: dict[str, set[str]] | None = None) -> list[Finding]:
    """Findings about codes, references, values and connectedness.

    known : codes that are stored already, by section; references to them are fine.
    """
    findings = [*_duplicates(document), *_references(document, known or {}), *_values(document)]
    if not any(finding.rule == "unknown_reference" for finding in findings):
        findings += islands(document, (known or {}).get("nodes", set()))
    return findings


def _duplicates(document: NetworkDocument) -> Iterator[Finding]:
    for section in ROW_TYPES:
        if section == "sources":
            counts = Counter(f"{row.feeder} at {row.node}" for row in document.sources)
        else:
            counts = Counter(row.code for row in getattr(document, section))
        for code, count in counts.items():
            if count > 1:
                yield Finding("duplicate_code", section, "code", (code,), f"occurs {count} times")


_REFERENCES = (
    ("feeders", "substation", "substations"),
    ("nodes", "feeder", "feeders"),
    ("branches", "feeder", "feeders"),
    ("branches", "from_node", "nodes"),
    ("branches", "to_node", "nodes"),
    ("transformers", "feeder", "feeders"),
    ("transformers", "hv_node", "nodes"),
    ("transformers", "lv_node", "nodes"),
    ("regulators", "feeder", "feeders"),
    ("regulators", "transformer", "transformers"),
    ("shunts", "feeder", "feeders"),
    ("shunts", "node", "nodes"),
    ("sources", "feeder", "feeders"),
    ("sources", "node", "nodes"),
    ("congestion_points", "feeder", "feeders"),
    ("congestion_points", "transformer", "transformers"),
    ("congestion_points", "branch", "branches"),
)


def _references(document: NetworkDocument, known: dict[str, set[str]]) -> Iterator[Finding]:
    for section, name, target in _REFERENCES:
        codes = {row.code for row in getattr(document, target)} | known.get(target, set())
        for row in getattr(document, section):
            code = getattr(row, name)
            if code is not None and code not in codes:
                yield Finding("unknown_reference", section, name, (_name(row),), f"{code!r} is not among the {target}")


def _positive(value: Any) -> bool:
    return bool(value > 0)


def _not_negative(value: Any) -> bool:
    return bool(value >= 0)


_RANGES: tuple[tuple[str, str, Callable[[Any], bool], str, str], ...] = (
    ("feeders", "power_factor", lambda value: 0 < value <= 1, "out_of_range", "must be in (0, 1]"),
    ("nodes", "nominal_kv", _positive, "not_positive", "must be positive"),
    ("nodes", "v_min_pu", _positive, "not_positive", "must be positive"),
    (
        "nodes",
        "latitude_deg",
        lambda value: value is None or -90 <= value <= 90,
        "out_of_range",
        "must be in [-90, 90]",
    ),
    (
        "nodes",
        "longitude_deg",
        lambda value: value is None or -180 <= value <= 180,
        "out_of_range",
        "must be in [-180, 180]",
    ),
    ("branches", "r_ohm", _not_negative, "negative_value", "must not be negative"),
    ("branches", "c_nf", _not_negative, "negative_value", "must not be negative"),
    ("branches", "rating_a", lambda value: value is None or value > 0, "negative_rating", "must be positive"),
    ("transformers", "rated_kva", _positive, "negative_rating", "must be positive"),
    ("transformers", "hv_kv", _positive, "not_positive", "must be positive"),
    ("transformers", "lv_kv", _positive, "not_positive", "must be positive"),
    ("transformers", "vk_percent", lambda value: 0 < value < 100, "zero_impedance", "must be in (0, 100)"),
    ("transformers", "vkr_percent", _not_negative, "negative_value", "must not be negative"),
    ("transformers", "pfe_kw", _not_negative, "negative_value", "must not be negative"),
    ("transformers", "i0_percent", lambda value: 0 <= value < 100, "out_of_range", "must be in [0, 100)"),
    ("transformers", "tap_side", lambda value: value in ("HV", "LV"), "out_of_range", "must be HV or LV"),
    ("regulators", "v_set_pu", lambda value: 0.5 < value < 1.5, "out_of_range", "must be in (0.5, 1.5)"),
    ("regulators", "v_band_pu", _positive, "not_positive", "must be positive"),
    ("sources", "v_pu", lambda value: 0.5 < value < 1.5, "out_of_range", "must be in (0.5, 1.5)"),
    ("congestion_points", "limit_kw", _positive, "negative_rating", "must be positive"),
)


def _values(document: NetworkDocument) -> Iterator[Finding]:
    for section, name, fits, rule, message in _RANGES:
        for row in getattr(document, section):
            value = getattr(row, name)
            if not fits(value):
                yield Finding(rule, section, name, (_name(row),), f"{message}, found {value}")
    for node in document.nodes:
        if node.v_min_pu >= node.v_max_pu:
            yield Finding("out_of_range", "nodes", "v_max_pu", (node.code,), "must be above v_min_pu")
        if (node.latitude_deg is None) != (node.longitude_deg is None):
            message = "latitude_deg and longitude_deg belong together"
            yield Finding("missing_field", "nodes", "longitude_deg", (node.code,), message)
    for branch in document.branches:
        if branch.r_ohm == 0 and branch.x_ohm == 0:
            yield Finding("zero_impedance", "branches", "x_ohm", (branch.code,), "r_ohm and x_ohm are both 0")
        if branch.from_node == branch.to_node:
            yield Finding("same_node", "branches", "to_node", (branch.code,), "both ends at one node")
    for transformer in document.transformers:
        if transformer.vkr_percent > transformer.vk_percent:
            message = "must not exceed vk_percent"
            yield Finding("out_of_range", "transformers", "vkr_percent", (transformer.code,), message)
    for point in document.congestion_points:
        if point.transformer is not None and point.branch is not None:
            message = "name a transformer or a branch, not both"
            yield Finding("two_elements", "congestion_points", "branch", (point.code,), message)
    yield from _taps(document)
    yield from _phases(document)


def _taps(document: NetworkDocument) -> Iterator[Finding]:
    """A regulator needs a range, steps to move by, and a transformer that nobody else moves."""
    by_code = {row.code: row for row in document.transformers}
    owners: dict[str, str] = {}
    for row in document.regulators:
        if row.tap_min >= row.tap_max:
            yield Finding("out_of_range", "regulators", "tap_max", (row.code,), "must be above tap_min")
        moved = by_code.get(row.transformer)
        if moved is not None and moved.tap_step_percent <= 0:
            message = f"transformer {moved.code} has no tap steps"
            yield Finding("not_positive", "regulators", "transformer", (row.code,), message)
        first = owners.setdefault(row.transformer, row.code)
        if first != row.code:
            message = f"transformer {row.transformer} is regulated twice"
            yield Finding("two_elements", "regulators", "transformer", (first, row.code), message)


def _phases(document: NetworkDocument) -> Iterator[Finding]:
    """A, B, C in that order; an element carries no phase that one of its ends does not have."""
    for section in ("nodes", "branches", "transformers"):
        for row in getattr(document, section):
            if row.phases not in ("A", "B", "C", "AB", "AC", "BC", "ABC"):
                message = f"must be some of A, B, C in that order, found {row.phases!r}"
                yield Finding("out_of_range", section, "phases", (row.code,), message)
    at_node = {row.code: set(row.phases) for row in document.nodes}
    ends = [("branches", row, row.from_node, row.to_node) for row in document.branches]
    ends += [("transformers", row, row.hv_node, row.lv_node) for row in document.transformers]  # type: ignore[misc]
    for section, row, *nodes in ends:
        for code in nodes:
            if lacking := sorted(set(row.phases) - at_node.get(code, set("ABC"))):
                message = f"carries {', '.join(lacking)}, which node {code} does not have"
                yield Finding("phase_mismatch", section, "phases", (row.code,), message)


def _name(row: Any) -> str:
    return str(row.code) if hasattr(row, "code") else f"{row.feeder} at {row.node}"
