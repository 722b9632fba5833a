"""Between bytes and the messages of the reference library, sealed and open."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from vpp.uftp.form import classes, parse

REQUEST_ID_FIELD = "{}_message_id"  # 3.1.0 names the reference per type; the unreleased line has one name for all


@dataclass(frozen=True)
class Envelope:
    """The signed wrapper."""

    sender_domain: str
    sender_role: str
    body: bytes


def read_envelope(data: bytes) -> Envelope:
    """Raises BadForm."""
    message = parse(data, {"SignedMessage"})
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
    return parse(data, {name for name in classes() if name != "SignedMessage"})


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
    return None if kind.endswith("Response") else classes().get(name)


def reference_field(kind: str) -> str:
    """The field of an answer that names the message it answers."""
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.replace("D-P", "DP").replace("DP", "D_P")).lower()
    return REQUEST_ID_FIELD.format(snake)


def canonical(data: bytes) -> bytes:
    """The same for the same content, however it was written."""
    return ElementTree.canonicalize(data.decode(), strip_text=True).encode()
