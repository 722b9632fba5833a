"""The specification's own XSD files, where the installation has them (VPP_UFTP_XSD_FOLDER)."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

XSD = "{http://www.w3.org/2001/XMLSchema}"


def check_official_schema(data: bytes, element: str) -> None:
    """Raises BadForm where a schema of the folder declares the element and the message does not fit it."""
    if not settings.UFTP_XSD_FOLDER:
        return
    schema = _schemas(settings.UFTP_XSD_FOLDER).get(element)
    if schema is None:
        return
    from lxml import etree

    from vpp.uftp.codec import BadForm

    document = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
    if not schema.validate(document):
        raise BadForm(f"{element}: {str(schema.error_log.last_error.message)[:200]}")


@cache
def _schemas(folder: str) -> dict[str, Any]:
    """Element name: compiled schema, of every file in the folder; included files are found beside it."""
    from lxml import etree

    found: dict[str, Any] = {}
    for path in sorted(Path(folder).glob("*.xsd")):
        tree = etree.parse(str(path))
        names = [node.get("name") for node in tree.getroot().findall(f"{XSD}element")]
        if names:
            schema = etree.XMLSchema(tree)
            found |= dict.fromkeys(names, schema)
    return found
