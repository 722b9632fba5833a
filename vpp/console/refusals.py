"""Refusals in the reader's language. Rooms refuse in plain English, filled with codes and numbers; here those sentences
are collected as texts with numbered places, and found again in what was said."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext as _

from vpp.console import translations, units
from vpp.lib.errors import DomainError

#: Modules whose refusals pages show.
SOURCES = (
    *(f"bidding/operations/{name}.py" for name in ("desk", "bids", "awards", "book", "order_forms")),
    *(f"bidding/operations/{name}.py" for name in ("replay", "replay_reports")),
    *(f"bidding/distribution/{name}.py" for name in ("asks", "ordering", "rules", "contracts", "contract_use")),
    *(f"vpp/settlement/operations/{name}.py" for name in ("statements", "disputes", "review")),
    "bidding/grid/injections.py", "vpp/enrollment/onboarding.py", "vpp/enrollment/handover.py",
    "vpp/network/operations/screening.py", "vpp/network/queries.py", "vpp/console/views/enrollment.py",
    # files of enrollment and of readings
    *(f"vpp/enrollment/{name}.py" for name in ("cells", "files", "checks", "operations")),
    *(f"telemetry/protocols/csv_{name}.py" for name in ("narrow", "wide", "cells")),
    *(f"telemetry/protocols/{name}.py" for name in ("files", "file_types", "file_columns", "file_times")),
    "telemetry/ingest/files.py",
    # what a nightly run finds
    *(f"bidding/operations/{name}.py" for name in ("nightly_steps", "optimising", "gather", "fleet", "admission")),
    *(f"bidding/operations/{name}.py" for name in ("problem_parts", "replanning", "replan_jobs", "results")),
    "bidding/wholesale/queries.py", "bidding/grid/envelopes.py", "bidding/distribution/real.py",
)  # fmt: skip
FOUND = ("findings", "found", "notes")  # names of lists of sentences, and of single ones
KEPT = ("told", "SAVE_AS")
PLACES = (gettext_noop("%(1)s, row %(2)s"), gettext_noop("%(1)s, column %(2)s"))  # of a file that was refused
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?([+-]\d\d:\d\d|Z)")
CODE = re.compile(r"[A-Z][A-Z_]+")
DECIMAL = re.compile(r"-?\d+\.\d+")


def told(error: DomainError | str, zone: str = "UTC") -> str:
    """What was refused, in the reader's language, with moments in `zone`; what nobody collected stays as it is."""
    message = error if isinstance(error, str) else error.message
    if (get_language() or "en").startswith("en"):
        return _moments(message, zone)
    return _translated(message, zone)


def _translated(message: str, zone: str) -> str:
    """The whole as one sentence, else what stands before a colon and after it, or before a semicolon and after it."""
    if (known := _(message)) != message:
        return known
    for pattern, text in _patterns(get_language() or "en"):
        if found := pattern.fullmatch(message):
            filled = {f"{number + 1}": _word(value, zone) for number, value in enumerate(found.groups())}
            return _(text) % filled
    for mark in (": ", "; "):
        first, between, rest = message.partition(mark)
        if between:
            return f"{_translated(first, zone)}{mark}{_translated(rest, zone)}"
    return _moments(message, zone)


def _word(value: str, zone: str) -> str:
    """What stood in a place: a state as its label, a number as it is written, a sentence in turn, anything else as it
    is."""
    if DECIMAL.fullmatch(value):
        return value.replace(".", ",")
    return _(value.lower().replace("_", " ")) if CODE.fullmatch(value) else _translated(value, zone)


def _moments(text: str, zone: str) -> str:
    return MOMENT.sub(lambda found: units.local(datetime.fromisoformat(found.group()), zone), text)


@lru_cache(maxsize=8)
def _patterns(language: str) -> list[tuple[re.Pattern[str], str]]:
    """The collected sentences with places, those with most words of their own first."""
    path = translations.catalogue(language.split("-")[0])
    keys = [key for key in translations.read_po(path) if "%(1)s" in key] if path.exists() else []
    keys.sort(key=lambda key: -len(re.sub(r"%\(\d+\)s", "", key)))
    return [(re.compile(re.sub(r"%\\\(\d+\\\)s", "(.+?)", re.escape(key)), re.DOTALL), key) for key in keys]


def texts(root: Path) -> Iterator[tuple[str, str]]:
    """(place, sentence) of every refusal of SOURCES, its filled-in values as %(1)s, %(2)s, ..."""
    for name in SOURCES:
        for node in ast.walk(ast.parse((root / name).read_text(encoding="utf-8"))):
            for said in _said(node):
                text = _sentence(said)
                if re.search("[a-z]{2} [a-z]", text):
                    yield name, text


def _said(node: ast.AST) -> Sequence[ast.AST]:
    """Where sentences stand: in what is raised (a file refused names itself first), returned, found or judged, or kept
    in a table of rules."""
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
        return node.exc.args[:2]
    if isinstance(node, ast.Dict):
        lists = [one.elts for one in node.values if isinstance(one, ast.List)]
        return [one for elements in lists for one in elements]
    if isinstance(node, ast.Return):
        return [node.value.body, node.value.orelse] if isinstance(node.value, ast.IfExp) else [node.value or node]
    if isinstance(node, ast.Assign | ast.AugAssign) and isinstance(node.value, ast.List | ast.ListComp):
        names = node.targets if isinstance(node, ast.Assign) else [node.target]
        listed = node.value.elts if isinstance(node.value, ast.List) else [node.value.elt]
        return listed if any(isinstance(one, ast.Name) and one.id in FOUND for one in names) else []
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.JoinedStr | ast.Constant):
        return [node.value] if any(isinstance(one, ast.Name) and one.id in KEPT for one in node.targets) else []
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        named = [one.value for one in node.keywords if one.arg == "what"]
        return [*node.args, *named] if name in ("append", "Verdict", "fault", "Fault", "_ask") else named
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
        kept = [one.id for one in node.targets if isinstance(one, ast.Name)]
        return node.value.values if "RULES" in kept else []
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.IfExp):
        return [node.value.body, node.value.orelse]
    return []


def _sentence(said: ast.AST) -> str:
    if isinstance(said, ast.Constant):
        return said.value if isinstance(said.value, str) else ""
    if not isinstance(said, ast.JoinedStr):
        return ""
    text, number = "", 0
    for part in said.values:
        if isinstance(part, ast.Constant):
            text += str(part.value).replace("%", "%%")
        else:
            number += 1
            text += f"%({number})s"
    return text
