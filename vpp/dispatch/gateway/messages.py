"""Commands out, acknowledgements in: `vpp/v1/{site}/{device}/command|ack`. Only encodes and decodes."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote, unquote

import msgspec

ACKS = "vpp/v1/+/+/ack"


class Command(msgspec.Struct, frozen=True):
    """What a device is to do from `interval_start` until a newer command or `expires`, when it falls back by itself.

    The newer (interval_start, sequence) wins; a command that is not newer than the last is answered and not acted on.
    target_kw: consumption positive. released: the device returns to its own control.
    """

    id: int
    interval_start: datetime
    sequence: int
    target_kw: float
    released: bool
    issued: datetime
    expires: datetime


class Ack(msgspec.Struct, frozen=True):
    """A device's answer to the command with this id."""

    id: int
    accepted: bool = True
    reason: str = ""


class Unreadable(ValueError):
    """A message that is no acknowledgement of ours; `why` says what is wrong."""

    def __init__(self, topic: str, why: str) -> None:
        super().__init__(f"{topic}: {why}")


_encode = msgspec.json.Encoder().encode
_decode_ack = msgspec.json.Decoder(Ack).decode


def command_topic(site: str, device: str) -> str:
    """Codes may hold what topics may not: `/`, `+` and `#` are percent-encoded."""
    return f"vpp/v1/{quote(site, safe='')}/{quote(device, safe='')}/command"


def encode(command: Command) -> bytes:
    return _encode(command)


def read_ack(topic: str, payload: bytes) -> tuple[str, Ack]:
    """The device's code and its answer. Raises Unreadable."""
    parts = topic.split("/")
    if len(parts) != 5 or parts[4] != "ack":
        raise Unreadable(topic, "want vpp/v1/SITE/DEVICE/ack")
    try:
        return unquote(parts[3]), _decode_ack(payload)
    except msgspec.MsgspecError as error:
        raise Unreadable(topic, str(error)) from error
