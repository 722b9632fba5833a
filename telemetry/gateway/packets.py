"""MQTT 5.0 packets as bytes: the few that a subscriber with QoS 1 sends and understands (OASIS standard, 7 March 2019).

Written for rate: one device's reading is one PUBLISH, and a general client library spends many times what it costs to
store the reading. Everything here is a function of bytes; sockets are in `session`.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

CONNACK, PUBLISH, SUBACK, PINGRESP, DISCONNECT = 2, 3, 9, 13, 14
PINGREQ = b"\xc0\x00"
LEAVE = b"\xe0\x00"  # DISCONNECT, normal
FAILURE = 0x80  # reason codes from here on

# Properties by the width of their value (section 2.2.2.2); None: text or bytes with a length before it.
WIDTH: dict[int, int | None] = dict.fromkeys((0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2A), 1)
WIDTH |= dict.fromkeys((0x13, 0x21, 0x22, 0x23), 2) | dict.fromkeys((0x02, 0x11, 0x18, 0x27), 4)
WIDTH |= dict.fromkeys((0x03, 0x08, 0x09, 0x12, 0x15, 0x16, 0x1A, 0x1C, 0x1F), None)
SESSION_EXPIRY, SERVER_KEEP_ALIVE, RECEIVE_MAXIMUM, LARGEST_PACKET, USER_PROPERTY = 0x11, 0x13, 0x21, 0x27, 0x26


class BrokenProtocol(Exception):
    """The broker sent what no broker sends; the connection is of no more use."""


class Message(NamedTuple):
    """A PUBLISH. `mid` is 0 where the sender asked for no acknowledgement."""

    topic: bytes
    payload: bytes
    mid: int


@dataclass
class Parsed:
    """What a piece of the stream held: messages, other packets as (type, body), and the start of the next packet."""

    messages: list[Message] = field(default_factory=list)
    others: list[tuple[int, bytes]] = field(default_factory=list)
    rest: bytes = b""


def parse(stream: bytes) -> Parsed:
    """All whole packets of a piece of the stream. Raises BrokenProtocol."""
    found = Parsed()
    messages, place, size = found.messages, 0, len(stream)
    while size - place >= 2:
        length, begin = stream[place + 1], place + 2
        if length > 127:
            varint = _varint(stream, place + 1)
            if varint is None:
                break
            length, begin = varint
        end = begin + length
        if end > size:
            break
        if stream[place] >> 4 == PUBLISH:
            messages.append(_message(stream, stream[place], begin, end))
        else:
            found.others.append((stream[place] >> 4, stream[begin:end]))
        place = end
    found.rest = stream[place:]
    return found


def first(stream: bytes) -> tuple[int, bytes, bytes] | None:
    """(type, body, rest of the stream) of the first packet; None where it is not whole yet. Raises BrokenProtocol."""
    varint = _varint(stream, 1)
    if varint is None or len(stream) < sum(varint):
        return None
    return stream[0] >> 4, stream[varint[1] : sum(varint)], stream[sum(varint) :]


def _message(stream: bytes, head: int, begin: int, end: int) -> Message:
    at = begin + 2 + (stream[begin] << 8 | stream[begin + 1]) if end - begin > 2 else end
    mid = 0
    topic = stream[begin + 2 : at]
    if head & 6 and at + 2 < end:
        mid = stream[at] << 8 | stream[at + 1]
        at += 2
    if at >= end:
        raise BrokenProtocol("a PUBLISH that ends early")
    properties = stream[at]
    at += 1
    if properties:
        varint = _varint(stream, at - 1)
        if varint is None:
            raise BrokenProtocol("a PUBLISH that ends early")
        at = varint[0] + varint[1]
        if at > end:
            raise BrokenProtocol("a PUBLISH that ends early")
    return Message(topic, stream[at:end], mid)


def _varint(stream: bytes, place: int) -> tuple[int, int] | None:
    """(value, place after it) of a variable byte integer; None where the stream ends inside it."""
    value = 0
    for count in range(4):
        if place + count >= len(stream):
            return None
        byte = stream[place + count]
        value |= (byte & 127) << 7 * count
        if byte < 128:
            return value, place + count + 1
    raise BrokenProtocol("a length of more than four bytes")


def connect(
    client_id: str,
    username: str | None,
    password: str | None,
    *,
    keep_alive_s: int,
    session_s: int,
    in_flight: int,
    largest: int,
) -> bytes:
    """CONNECT that takes up the session of this client id where the broker has kept it."""
    flags = (0x80 if username is not None else 0) | (0x40 if password is not None else 0)
    properties = struct.pack(">BIBHBI", SESSION_EXPIRY, session_s, RECEIVE_MAXIMUM, in_flight, LARGEST_PACKET, largest)
    body = _text("MQTT") + struct.pack(">BBH", 5, flags, keep_alive_s) + _length(len(properties)) + properties
    return _packet(0x10, body + b"".join(_text(text) for text in (client_id, username, password) if text is not None))


def subscribe(mid: int, topics: Sequence[str]) -> bytes:
    """SUBSCRIBE with QoS 1."""
    return _packet(0x82, struct.pack(">HB", mid, 0) + b"".join(_text(topic) + b"\x01" for topic in topics))


def acknowledgements(messages: Sequence[Message]) -> bytes:
    """A PUBACK (success) for each message that wants one."""
    mids = [message.mid for message in messages if message.mid]
    return b"".join([b"\x40\x02" + mid.to_bytes(2, "big") for mid in mids])


@dataclass(frozen=True)
class Connected:
    """CONNACK: whether the broker kept our session, why it refuses (0: it does not), how often it wants to hear us."""

    session_kept: bool
    reason: int
    keep_alive_s: int | None


def connected(body: bytes) -> Connected:
    """Raises BrokenProtocol."""
    try:
        properties = _properties(body[2:])
        return Connected(bool(body[0] & 1), body[1], properties.get(SERVER_KEEP_ALIVE))
    except (IndexError, KeyError, struct.error) as error:
        raise BrokenProtocol(f"a CONNACK of {body[:40].hex()}") from error


def refused_topics(body: bytes) -> list[int]:
    """Reason codes of SUBACK that are failures."""
    varint = _varint(body, 2)
    if varint is None:
        raise BrokenProtocol("a SUBACK that ends early")
    return [code for code in body[sum(varint) :] if code >= FAILURE]


def _properties(body: bytes) -> dict[int, int]:
    """Numbers by property; texts are passed over."""
    varint = _varint(body, 0)
    if varint is None:
        raise BrokenProtocol("a packet that ends early")
    place, found = varint[1], {}
    end = place + varint[0]
    while place < end:
        name = body[place]
        texts = 2 if name == USER_PROPERTY else 1
        width = None if name == USER_PROPERTY else WIDTH[name]
        place += 1
        if width is not None:
            found[name] = int.from_bytes(body[place : place + width], "big")
            place += width
        else:
            for _ in range(texts):
                place += 2 + struct.unpack_from(">H", body, place)[0]
    return found


def _text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack(">H", len(encoded)) + encoded


def _length(value: int) -> bytes:
    """A variable byte integer."""
    encoded = b""
    while True:
        value, low = divmod(value, 128)
        encoded += bytes([low | (128 if value else 0)])
        if not value:
            return encoded


def _packet(head: int, body: bytes) -> bytes:
    return bytes([head]) + _length(len(body)) + body
