"""Rows of a network document to tables, by code, in bulk. The caller holds the transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vpp.network.models import (
    Branch,
    CongestionPoint,
    Feeder,
    Node,
    Regulator,
    Shunt,
    Source,
    Substation,
    Transformer,
)

if TYPE_CHECKING:
    from vpp.accounts.models import Participant
    from vpp.network.kernels.document import NetworkDocument
    from vpp.network.kernels.parsing import Finding

BATCH = 2000
MODELS: dict[str, Any] = {
    "substations": Substation,
    "feeders": Feeder,
    "nodes": Node,
    "branches": Branch,
    "transformers": Transformer,
    "regulators": Regulator,
    "shunts": Shunt,
    "congestion_points": CongestionPoint,
}
_REFERENCES: dict[str, dict[str, Any]] = {
    "substations": {},
    "feeders": {"substation": Substation},
    "nodes": {"feeder": Feeder},
    "branches": {"feeder": Feeder, "from_node": Node, "to_node": Node},
    "transformers": {"feeder": Feeder, "hv_node": Node, "lv_node": Node},
    "regulators": {"feeder": Feeder, "transformer": Transformer},
    "shunts": {"feeder": Feeder, "node": Node},
    "sources": {"feeder": Feeder, "node": Node},
    "congestion_points": {"feeder": Feeder, "transformer": Transformer, "branch": Branch},
}
_OWNED = ("substations", "feeders", "congestion_points")  # these carry the utility themselves


def known_codes(utility: Participant) -> dict[str, set[str]]:
    """Codes that the utility has stored, by section."""
    return {
        section: set(model.objects.filter(**{model.objects.all().utility_path: utility}).values_list("code", flat=True))
        for section, model in MODELS.items()
    }


def foreign(document: NetworkDocument, utility: Participant) -> list[Finding]:
    """Codes of the document that another utility holds."""
    from vpp.network.kernels.parsing import Finding

    findings = []
    for section, model in MODELS.items():
        codes = [row.code for row in getattr(document, section)]
        others = model.objects.filter(code__in=codes).exclude(**{model.objects.all().utility_path: utility})
        for code in others.values_list("code", flat=True):
            findings.append(Finding("foreign_code", section, "code", (code,), "belongs to another utility"))
    return findings


def touched_feeders(document: NetworkDocument) -> set[str]:
    """Feeders of which the document holds anything that a calculation sees."""
    sections = ("nodes", "branches", "transformers", "regulators", "shunts", "sources")
    return {row.code for row in document.feeders} | {
        row.feeder for section in sections for row in getattr(document, section)
    }


def store(document: NetworkDocument, utility: Participant) -> tuple[dict[str, int], dict[str, int]]:
    """Insert or update every row; (rows, new rows) by section."""
    rows, made = {}, {}
    for section in MODELS:
        given = getattr(document, section)
        rows[section], made[section] = len(given), _upsert(section, given, utility)
    rows["sources"], made["sources"] = len(document.sources), _upsert_sources(document)
    return rows, made


def _upsert(section: str, given: list[Any], utility: Participant) -> int:
    if not given:
        return 0
    model, references = MODELS[section], _REFERENCES[section]
    before = model.objects.count()
    owned = {"utility_id": utility.pk} if section in _OWNED else {}
    ids = _ids(references, given)
    objects = [model(**_columns(row, references, ids), **owned) for row in given]
    names = [name for name in type(given[0]).__dataclass_fields__ if name != "code"]
    model.objects.bulk_create(
        objects, batch_size=BATCH, update_conflicts=True, unique_fields=["code"], update_fields=names
    )
    return int(model.objects.count() - before)


def _upsert_sources(document: NetworkDocument) -> int:
    references = _REFERENCES["sources"]
    ids = _ids(references, document.sources)
    before = Source.objects.count()
    Source.objects.bulk_create(
        [Source(**_columns(row, references, ids)) for row in document.sources],
        update_conflicts=True,
        unique_fields=["feeder", "node"],
        update_fields=["v_pu"],
    )
    return Source.objects.count() - before


def _ids(references: dict[str, Any], given: list[Any]) -> dict[str, dict[str, int]]:
    """For every reference: code -> id of the rows that the given ones name."""
    found = {}
    for name, target in references.items():
        codes = {getattr(row, name) for row in given} - {None}
        found[name] = dict(target.objects.filter(code__in=codes).values_list("code", "pk"))
    return found


def _columns(row: Any, references: dict[str, Any], ids: dict[str, dict[str, int]]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for name in type(row).__dataclass_fields__:
        value = getattr(row, name)
        if name in references:
            columns[f"{name}_id"] = None if value is None else ids[name][value]
        else:
            columns[name] = value
    return columns
