"""XML from outside, read with suspicion: UTF-8 without document type or entities, up to a size, parts by name."""

from __future__ import annotations

from xml.etree import ElementTree

from bidding.kernels.exchange import BadExchangeFile

LARGEST_BYTES = 5_000_000


def parsed(data: bytes, wanted: str) -> ElementTree.Element:
    if len(data) > LARGEST_BYTES:
        raise BadExchangeFile(f"{len(data)} bytes, at most {LARGEST_BYTES} are read")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadExchangeFile(f"not UTF-8: {error}") from None
    if "\0" in text or "<!doctype" in text.lower() or "<!entity" in text.lower():
        raise BadExchangeFile("document types and entities are not read")
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise BadExchangeFile(f"not XML: {error}") from None
    if name_of(root) != wanted:
        raise BadExchangeFile(f"a {name_of(root)}, want {wanted}")
    return root


def name_of(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def children_of(parent: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [element for element in parent if name_of(element) == name]


def text_of(parent: ElementTree.Element, name: str) -> str:
    found = children_of(parent, name)
    text = (found[0].text or "").strip() if found else ""
    if not text:
        raise BadExchangeFile(f"{name_of(parent)}: {name} is missing")
    return text
