"""The specification's own XSD files, where the installation has them (VPP_UFTP_XSD_FOLDER)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

XSD = "{http://www.w3.org/2001/XMLSchema}"
REFERS = (f"{XSD}include", f"{XSD}import", f"{XSD}redefine")
#: Where the schema forbids what the standard's prose, or the market, wants: (element, finding of the schema).
CONTRADICTIONS = (
    ("FlexSettlement", r"Missing child element\(s\)\. Expected is .*ContractSettlement"),
    ("FlexSettlement", r"attribute 'Result' is required but missing"),
    ("FlexOrder Unsolicited", r"attribute 'FlexOfferMessageID' is required but missing"),
    ("Metering", r"attribute 'EAN': .*'[Ee][0-9]{18}'"),
)
_one_at_a_time = Lock()  # a compiled schema keeps the findings of its last document


class BadForm(ValueError):
    """Not XML, not of the schema, or with a document type."""


def check_official_schema(data: bytes, element: str) -> None:
    """Raises BadForm where a schema of the folder declares the element and the message does not fit it."""
    if not settings.UFTP_XSD_FOLDER:
        return
    schema = compiled(settings.UFTP_XSD_FOLDER).get(element)
    if schema is None:
        return
    from lxml import etree

    document = etree.fromstring(data, _parser())
    with _one_at_a_time:
        findings = [] if schema.validate(document) else [str(entry.message) for entry in schema.error_log]
    findings = [finding for finding in findings if not _contradicts_the_prose(document, finding)]
    if findings:
        raise BadForm(f"{element}: {findings[0][:200]}")


def _contradicts_the_prose(document: Any, finding: str) -> bool:
    asked_for = document.get("Unsolicited") in ("true", "1")
    kinds = (document.tag, f"{document.tag} Unsolicited" if asked_for else document.tag)
    return any(kind in kinds and re.search(pattern, finding) for kind, pattern in CONTRADICTIONS)


@cache
def compiled(folder: str) -> dict[str, Any]:
    """Element name: schema, of every file in the folder. Raises ImproperlyConfigured where one cannot be used."""
    from lxml import etree

    files = sorted(Path(folder).glob("*.xsd"))
    if not files:
        raise ImproperlyConfigured(f"VPP_UFTP_XSD_FOLDER: {folder} holds no *.xsd")
    trees = {path: _read(path) for path in files}
    found: dict[str, Any] = {}
    for path, tree in trees.items():
        names = [node.get("name") for node in tree.getroot().findall(f"{XSD}element")]
        if twice := sorted(set(names) & found.keys()):
            raise ImproperlyConfigured(f"{path}: {', '.join(twice)} stands in another file of the folder too")
        if names:
            try:
                found |= dict.fromkeys(names, etree.XMLSchema(tree))
            except etree.XMLSchemaParseError as error:
                raise ImproperlyConfigured(f"{path}: {error}") from error
    return found


def _read(path: Path) -> Any:
    """The file, which may take others of its own folder in and nothing from anywhere else."""
    from lxml import etree

    try:
        tree = etree.parse(str(path), _parser())
    except etree.XMLSyntaxError as error:
        raise ImproperlyConfigured(f"{path}: {error}") from error
    if tree.docinfo.doctype:
        raise ImproperlyConfigured(f"{path}: a document type is not accepted")
    for place in _references(tree):
        if place != Path(place).name or not (path.parent / place).is_file():
            raise ImproperlyConfigured(f"{path}: {place!r} is not in its folder")
    return tree


def _references(tree: Any) -> Iterator[str]:
    for node in tree.getroot().iter(*REFERS):
        if place := node.get("schemaLocation"):
            yield str(place)


def _parser() -> Any:
    from lxml import etree

    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
