"""Between bytes and the messages of the reference library. What does not have the standard's form is refused here.

The library parses leniently (entities, patterns, unknown attributes, numbers that are none), so all of that is checked
around it. Its import is slow and happens on first use.
"""

from __future__ import annotations

import io
import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, cast, get_args, get_type_hints
from xml.etree import ElementTree

from vpp.uftp.schema import check_official_schema

REQUEST_ID_FIELD = "{}_message_id"  # 3.1.0 names the reference per type; the unreleased line has one name for all
PATTERN_CHANGES = {"EAN": r"[Ee]([0-9]{16}|[0-9]{18})"}  # one schema says 16 digits, the library 18
DECIMALS = {"Price": 4, "Penalty": 4, "NetSettlement": 4, "MinActivationFactor": 2, "ActivationFactor": 2}
DECLARATION = re.compile(r"^\ufeff?\s*<\?xml[^>]*encoding\s*=\s*[\"']([^\"']+)[\"']", re.IGNORECASE)


class BadForm(ValueError):
    """Not XML, not of the schema, or with a document type."""


@dataclass(frozen=True)
class Envelope:
    """The signed wrapper."""

    sender_domain: str
    sender_role: str
    body: bytes


def read_envelope(data: bytes) -> Envelope:
    """Raises BadForm."""
    message = _parse(data, {"SignedMessage"})
    return Envelope(message.sender_domain, str(message.sender_role), message.body)


def open_seal(body: bytes, public_keys: list[str]) -> bytes | None:
    """The inner message, if one of the keys made its seal."""
    from base64 import b64decode

    from nacl.bindings import crypto_sign_open
    from nacl.exceptions import CryptoError

    for key in public_keys:
        try:
            return bytes(crypto_sign_open(body, b64decode(key)))
        except (CryptoError, ValueError):
            continue
    return None


def read_message(data: bytes) -> Any:
    """A payload message of the library. Raises BadForm."""
    return _parse(data, {name for name in _classes() if name != "SignedMessage"})


def write_message(message: Any) -> str:
    from shapeshifter_uftp import transport

    return str(transport.to_xml(message))


def seal(xml: str, *, private_key: str, sender_domain: str) -> bytes:
    """The envelope around an inner message, signed in the role AGR."""
    from shapeshifter_uftp import transport
    from shapeshifter_uftp.uftp import SignedMessage, UsefRole

    body = transport.seal_message(read_message(xml.encode()), private_key)
    return str(
        transport.to_xml(SignedMessage(sender_domain=sender_domain, sender_role=UsefRole.AGR, body=body))
    ).encode()


def kind_of(message: Any) -> str:
    """The element name, as FlexRequest or D-Prognosis."""
    meta = type(message).__dict__.get("Meta")
    return str(getattr(meta, "name", type(message).__name__))


def answer_class(kind: str) -> type | None:
    """The class that answers a message of this kind; None for answers themselves."""
    name = "TestMessageResponse" if kind == "TestMessage" else f"{kind}Response"
    return None if kind.endswith("Response") else _classes().get(name)


def reference_field(kind: str) -> str:
    """The field of an answer that names the message it answers."""
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.replace("D-P", "DP").replace("DP", "D_P")).lower()
    return REQUEST_ID_FIELD.format(snake)


def canonical(data: bytes) -> bytes:
    """The same for the same content, however it was written."""
    return ElementTree.canonicalize(data.decode(), strip_text=True).encode()


@cache
def _classes() -> dict[str, type]:
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


def _parse(data: bytes, allowed: set[str]) -> Any:
    from xsdata.exceptions import ConverterError, ParserError

    root = _tree(data)
    if root.tag not in allowed or root.tag not in _classes():
        raise BadForm(f"a {root.tag[:60]} is not expected here")
    _check_decimals(root)
    check_official_schema(data, root.tag)
    try:
        message = _parser().from_bytes(data, _classes()[root.tag])
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
            if isinstance(value, int) and abs(value) > 10**12:
                yield f"{name} is out of range"
