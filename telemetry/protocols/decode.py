"""Picks the codec of a message and keeps its size within bounds."""

from __future__ import annotations

import zlib

import msgspec

from telemetry.kernels.batch import ReadingBatch
from telemetry.kernels.registers import Showings
from telemetry.protocols import json_columns, json_registers, json_rows, msgpack_columns
from telemetry.protocols.bounds import MAX_BODY_BYTES, refuse_too_many_commas, refuse_too_many_rows
from telemetry.protocols.errors import BodyTooLarge, MalformedBody, UnsupportedMedia

MSGPACK_TYPES = ("application/msgpack", "application/vnd.msgpack", "application/x-msgpack")


class _Shape(msgspec.Struct):
    """Which of the JSON forms a message has; the contents stay unread."""

    readings: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    columns: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    registers: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_shape = msgspec.json.Decoder(_Shape)


def inflate(body: bytes, content_encoding: str) -> bytes:
    """The body without its gzip; bounded, so that a small message cannot unpack into all our memory."""
    if content_encoding in ("", "identity"):
        plain = body
    elif content_encoding == "gzip":
        unpacker = zlib.decompressobj(wbits=31)
        try:
            plain = unpacker.decompress(body, MAX_BODY_BYTES + 1)
        except zlib.error as error:
            raise MalformedBody(f"not gzip: {error}") from error
        if len(plain) <= MAX_BODY_BYTES and not unpacker.eof:
            raise MalformedBody("the gzip stream ends early")
    else:
        raise UnsupportedMedia(f"Content-Encoding {content_encoding!r}: want gzip or none")
    if len(plain) > MAX_BODY_BYTES:
        raise BodyTooLarge(f"more than {MAX_BODY_BYTES} bytes: send smaller batches")
    return plain


def decode(body: bytes, *, content_type: str, content_encoding: str = "") -> ReadingBatch | Showings:
    """Readings of a message of any form, or what registers showed. Raises a DomainError that says what is wrong."""
    plain = inflate(body, content_encoding.strip().lower())
    media_type = content_type.partition(";")[0].strip().lower()
    try:
        batch: ReadingBatch | Showings
        if media_type in MSGPACK_TYPES:
            batch = msgpack_columns.decode(plain)
        elif media_type == "application/json":
            batch = _decode_json(plain)
        else:
            raise UnsupportedMedia(f"Content-Type {media_type!r}: want application/json or application/msgpack")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedBody(f"the message cannot be read: {error}") from error
    refuse_too_many_rows(batch.size + len(batch.refused))
    return batch


def _decode_json(body: bytes) -> ReadingBatch | Showings:
    refuse_too_many_commas(body)
    shape = _shape.decode(body)  # a quick walk past the contents
    if shape.readings is not msgspec.UNSET:
        return json_rows.decode(body)
    if shape.columns is not msgspec.UNSET:
        return json_columns.decode(body)
    if shape.registers is not msgspec.UNSET:
        return json_registers.decode(body)
    raise MalformedBody('want {"readings": [...]}, {"columns": {...}} or {"registers": [...]}')
