"""Commands out, acknowledgements in. Only encodes and decodes.

A device has topics of its own, `vpp/v1/{site}/{device}/command|ack`. A gateway of many devices has one pair,
`vpp/v1/{gateway}/commands|acks`, with the columns and the answer of the HTTP poll.
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote, unquote

import msgspec

ACKS = "vpp/v1/+/+/ack"
BULK_ACKS = "vpp/v1/+/acks"


class Command(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a device is to do from `interval_start` until a newer command or `expires`, when it falls back by itself.

    The newer (interval_start, sequence) wins; a command that is not newer than the last is answered and not acted on.
    target_kw: consumption positive. released: real power returns to the device's own control. target_kvar: reactive
    power, injection positive, released or not; without it reactive power is the device's own.
    """

    id: int
    interval_start: datetime
    sequence: int
    target_kw: float
    released: bool
    issued: datetime
    expires: datetime
    target_kvar: float | None = None


class Commands(msgspec.Struct, frozen=True, omit_defaults=True):
    """Commands for devices of one gateway, as columns; each row means what a Command means. target_kvar is left out
    where no row has one."""

    issued: datetime
    id: list[int]
    device: list[str]
    interval_start: list[datetime]
    sequence: list[int]
    target_kw: list[float]
    released: list[bool]
    expires: list[datetime]
    target_kvar: list[float | None] | None = None


class Ack(msgspec.Struct, frozen=True):
    """A device's answer to the command with this id. kvar: the reactive power that it gives, injection positive."""

    id: int
    accepted: bool = True
    reason: str = ""
    kvar: float | None = None


class Refusal(msgspec.Struct, frozen=True):
    id: int
    reason: str = ""


class Acks(msgspec.Struct, frozen=True):
    """A gateway's answer to commands of its devices. kvar: as in an Ack, by id."""

    accepted: list[int] = []
    refused: list[Refusal] = []
    kvar: dict[int, float] = {}


class Unreadable(ValueError):
    """A message that is no acknowledgement of ours; `why` says what is wrong."""

    def __init__(self, topic: str, why: str) -> None:
        super().__init__(f"{topic}: {why}")


_encode = msgspec.json.Encoder().encode
_decode_ack = msgspec.json.Decoder(Ack).decode
_decode_acks = msgspec.json.Decoder(Acks).decode


def command_topic(site: str, device: str) -> str:
    """Codes may hold what topics may not: `/`, `+` and `#` are percent-encoded."""
    return f"vpp/v1/{quote(site, safe='')}/{quote(device, safe='')}/command"


def commands_topic(gateway: str) -> str:
    return f"vpp/v1/{quote(gateway, safe='')}/commands"


def encode(message: Command | Commands) -> bytes:
    return _encode(message)


def is_bulk(topic: str) -> bool:
    return topic.endswith("/acks")


def read_ack(topic: str, payload: bytes) -> tuple[str, Ack]:
    """The device's code and its answer. Raises Unreadable."""
    parts = topic.split("/")
    if len(parts) != 5 or parts[4] != "ack":
        raise Unreadable(topic, "want vpp/v1/SITE/DEVICE/ack")
    try:
        return unquote(parts[3]), _decode_ack(payload)
    except msgspec.MsgspecError as error:
        raise Unreadable(topic, str(error)) from error


def read_acks(topic: str, payload: bytes) -> tuple[str, Acks]:
    """The gateway's code and its answers. Raises Unreadable."""
    parts = topic.split("/")
    if len(parts) != 4 or parts[3] != "acks":
        raise Unreadable(topic, "want vpp/v1/GATEWAY/acks")
    try:
        return unquote(parts[2]), _decode_acks(payload)
    except msgspec.MsgspecError as error:
        raise Unreadable(topic, str(error)) from error
