"""From bytes to a message of the reference library; what does not have the standard's form is refused here.

The library parses leniently (entities, patterns, unknown attributes, numbers that are none), so all of that is checked
around it. Its import is slow and happens on first use.
"""

from __future__ import annotations

import io
import re
from collections.abc import Hashable, Iterator
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, cast, get_args, get_type_hints
from xml.etree import ElementTree

from vpp.uftp.schema import BadForm, check_official_schema

PATTERN_CHANGES = {"EAN": r"[Ee]([0-9]{16}|[0-9]{18})"}  # one schema says 16 digits, the library 18
DECIMALS = {"Price": 4, "Penalty": 4, "NetSettlement": 4, "MinActivationFactor": 2, "ActivationFactor": 2}
DECLARATION = re.compile(r"^\ufeff?\s*<\?xml[^>]*encoding\s*=\s*[\"']([^\"']+)[\"']", re.IGNORECASE)


@cache
def classes() -> dict[str, type]:
    """Element name: class, of every message; a FlexSettlement may be without contracts, as the prose allows."""
    from shapeshifter_uftp import uftp

    found: dict[str, type] = {"SignedMessage": uftp.SignedMessage}
    for value in vars(uftp).values():
        if isinstance(value, type) and issubclass(value, uftp.PayloadMessage) and is_dataclass(value):
            meta = value.__dict__.get("Meta")
            found[getattr(meta, "name", value.__name__)] = value
    for abstract in ("PayloadMessage", "PayloadMessageResponse", "FlexMessage"):
        found.pop(abstract, None)
    found["FlexSettlement"] = _lenient_settlement()
    return found


def _lenient_settlement() -> type:
    from dataclasses import dataclass as make

    from shapeshifter_uftp import uftp

    class FlexSettlement(uftp.FlexSettlement):
        class Meta:
            name = "FlexSettlement"

        def __post_init__(self) -> None:
            if not self.flex_order_settlements:
                raise ValueError("a FlexSettlement has at least one FlexOrderSettlement")

    return make(kw_only=True)(FlexSettlement)


@cache
def _parser() -> Any:
    from xsdata.formats.dataclass.context import XmlContext
    from xsdata.formats.dataclass.parsers import XmlParser
    from xsdata.formats.dataclass.parsers.config import ParserConfig

    config = ParserConfig(
        fail_on_unknown_properties=True, fail_on_unknown_attributes=True, fail_on_converter_warnings=True
    )
    return XmlParser(context=XmlContext(), config=config)


def parse(data: bytes, allowed: set[str]) -> Any:
    from xsdata.exceptions import ConverterError, ParserError

    root = _tree(data)
    if root.tag not in allowed or root.tag not in classes():
        raise BadForm(f"a {root.tag[:60]} is not expected here")
    _check_result(root)
    _check_decimals(root)
    check_official_schema(data, root.tag)
    try:
        message = _parser().from_bytes(data, classes()[root.tag])
    except (ParserError, ConverterError, TypeError, ValueError, ArithmeticError) as error:
        raise BadForm(f"{root.tag}: {str(error)[:200]}") from error
    if findings := list(_findings(message)):
        raise BadForm(f"{root.tag}: {findings[0]}")
    return message


def _tree(data: bytes) -> ElementTree.Element:
    """The elements; only UTF-8, and no document type, whose entities could grow without end."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadForm("not UTF-8") from error
    declared = DECLARATION.match(text)
    if declared and declared.group(1).lower() not in ("utf-8", "utf8", "us-ascii", "ascii"):
        raise BadForm("the encoding must be UTF-8")
    if re.search(r"<!\s*(DOCTYPE|ENTITY|ELEMENT|ATTLIST)", text, re.IGNORECASE):
        raise BadForm("a document type is not accepted")
    try:
        return ElementTree.parse(io.BytesIO(data)).getroot()
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise BadForm(f"not XML: {error}") from error


def _check_result(root: ElementTree.Element) -> None:
    """The library takes a missing one for Accepted. Early schemas of TestMessageResponse have none."""
    if root.tag.endswith("Response") and root.tag != "TestMessageResponse" and "Result" not in root.attrib:
        raise BadForm(f"{root.tag}: Result is missing")


def _check_decimals(root: ElementTree.Element) -> None:
    for node in root.iter():
        for name, digits in DECIMALS.items():
            value = node.attrib.get(name)
            if value is not None and not re.fullmatch(rf"[+-]?\d{{1,12}}(\.\d{{0,{digits}}})?", value.strip()):
                raise BadForm(f"{name} {value[:30]!r} is no number with at most {digits} decimals")


@cache
def _choices(kind: type) -> dict[str, list[str]]:
    """Field: allowed words, of a class's enumerations, which the library's parser takes for any text."""
    found = {}
    for name, hint in get_type_hints(kind).items():
        for part in (hint, *get_args(hint)):
            if isinstance(part, type) and issubclass(part, StrEnum):
                found[name] = [str(member) for member in part]
    return found


def _findings(message: Any) -> Iterator[str]:
    """What the library's own field descriptions (those of the schema) do not allow."""
    choices = _choices(cast("Hashable", type(message)))
    for item in fields(message):
        value, about = getattr(message, item.name), item.metadata
        name = about.get("name", item.name)
        if value is not None and item.name in choices and value not in choices[item.name]:
            yield f"{name} {str(value)[:60]!r} is none of {', '.join(choices[item.name])}"
        elif value is None:
            if about.get("required"):
                yield f"{name} is missing"
        elif isinstance(value, list):
            for part in value:
                if is_dataclass(part):
                    yield from _findings(part)
        elif isinstance(value, str):
            pattern = PATTERN_CHANGES.get(name, about.get("pattern"))
            if pattern and not re.fullmatch(pattern, value):
                yield f"{name} {value[:60]!r} is not of its form"
            elif len(value) > 1000:
                yield f"{name} is too long"
        elif isinstance(value, int | Decimal):
            if "min_inclusive" in about and value < about["min_inclusive"]:
                yield f"{name} is below {about['min_inclusive']}"
            if "max_inclusive" in about and value > about["max_inclusive"]:
                yield f"{name} is above {about['max_inclusive']}"
            if name in ("Start", "Duration") and value < 1:
                yield f"{name} is below 1"
            if isinstance(value, int) and abs(value) > 10**12:
                yield f"{name} is out of range"
