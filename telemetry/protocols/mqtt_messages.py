"""Readings as MQTT messages (docs/telemetry.md):

vpp/v1/{site}/{device}/state : JSON, one reading of that device or a list of them, without "device"
vpp/v1/{site}/{device}/register : JSON, what the device's register showed: {"time", "register_kwh"}, or a list of them
vpp/v1/{site}/readings       : readings of any devices of the site, in any form that the API takes (JSON or MessagePack)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

import msgspec
import numpy as np

from telemetry.kernels.batch import VALUE_COLUMNS, ReadingBatch, batch_of
from telemetry.kernels.quality import Refusal
from telemetry.kernels.registers import Showings
from telemetry.protocols.bounds import MAX_BODY_BYTES, refuse_too_many_commas, refuse_too_many_rows
from telemetry.protocols.decode import MSGPACK_TYPES, decode
from telemetry.protocols.errors import BodyTooLarge, MalformedBody
from telemetry.protocols.json_registers import Showing, showings_of
from telemetry.protocols.json_rows import AwareTime, DeviceCode, column, microseconds
from vpp.lib.errors import DomainError

ROOT = "vpp/v1"
STATE, REGISTER = "state", "register"
SUBSCRIPTIONS = (f"{ROOT}/+/+/{STATE}", f"{ROOT}/+/+/{REGISTER}", f"{ROOT}/+/readings")


class State(msgspec.Struct, gc=False, frozen=True):
    """`json_rows.Row` of the device in the topic."""

    time: AwareTime
    power_kw: float
    energy_kwh: float | None = None
    soc_kwh: float | None = None
    voltage_pu: float | None = None
    correction: bool = False


_states = msgspec.json.Decoder(State | list[State])
_showings = msgspec.json.Decoder(Showing | list[Showing])
CHANNELS = {4: ("readings",), 5: (STATE, REGISTER)}  # by the number of levels in the topic
MOST_REMEMBERED = 200_000  # topics, about 300 bytes each


@dataclass(frozen=True)
class Address:
    """Whom a topic speaks for, and of what; `device` is None for readings of any devices of the site."""

    site: str
    device: str | None
    channel: str


@dataclass
class Messages:
    """Readings of many messages as one batch. `sites` : the site that speaks, for each code of the batch.

    showings : of registers, all together; showing_sites : the site that speaks, for each of their codes.
    refused : (topic, what is wrong) of messages of which nothing could be read.
    """

    batch: ReadingBatch
    sites: list[str]
    showings: Showings
    showing_sites: list[str]
    refused: list[tuple[str, DomainError]]


_addresses: dict[bytes, Address] = {}


def address_of(topic: bytes) -> Address:
    """Raises MalformedBody. Remembered: a device says the same topic for years."""
    if (known := _addresses.get(topic)) is not None:
        return known
    try:
        parts = topic.decode().split("/")
        if parts[:2] != ROOT.split("/") or len(parts) not in (4, 5) or parts[-1] not in CHANNELS[len(parts)]:
            raise MalformedBody(f"topic {'/'.join(parts)!r}")
        codes = [msgspec.convert(part, DeviceCode) for part in parts[2:-1]]
    except (msgspec.ValidationError, UnicodeDecodeError) as error:
        raise MalformedBody(f"the topic cannot be read: {error}") from error
    if len(_addresses) >= MOST_REMEMBERED:
        _addresses.clear()
    found = _addresses[topic] = Address(codes[0], codes[1] if len(codes) == 2 else None, parts[-1])
    return found


def read(messages: Iterable[tuple[bytes, bytes]]) -> Messages:
    """(topic, payload) of each message, in the order of arrival, which the batch keeps; its rows count through all."""
    places: dict[tuple[str, str], int] = {}
    refused: list[tuple[str, DomainError]] = []
    parts: list[ReadingBatch] = []
    states: list[State] = []
    devices: list[int] = []
    showings: list[tuple[Showings, str]] = []
    for topic, payload in messages:
        try:
            address = address_of(topic)
            if address.device is not None and address.channel == STATE:
                found = _listed(_states, payload)
                states += found
                devices += [places.setdefault((address.site, address.device), len(places))] * len(found)
                continue
            batch = _of_site(payload) if address.device is None else _of_register(address.device, payload)
        except DomainError as error:
            refused.append((topic.decode(errors="replace"), error))
            continue
        if isinstance(batch, Showings):
            showings.append((batch, address.site))
            continue
        parts.append(_of_devices(states, devices))
        parts.append(_placed(batch, address.site, places))
        states, devices = [], []
    parts.append(_of_devices(states, devices))
    whole = _joined(parts, [code for _, code in places])
    return Messages(whole, [site for site, _ in places], *_together(showings), refused)


Listed = TypeVar("Listed", State, Showing)


def _listed(decoder: msgspec.json.Decoder[Listed | list[Listed]], payload: bytes) -> list[Listed]:
    """One or a list of them."""
    _refuse_large(payload)
    try:
        refuse_too_many_commas(payload)
        message = decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedBody(f"the message cannot be read: {error}") from error
    found = message if isinstance(message, list) else [message]
    refuse_too_many_rows(len(found))
    return found


def _of_register(device: str, payload: bytes) -> Showings:
    found = _listed(_showings, payload)
    return showings_of(found, [device] * len(found))


def _of_site(payload: bytes) -> ReadingBatch | Showings:
    _refuse_large(payload)
    is_json = payload.lstrip()[:1] in (b"{", b"[", b"")
    return decode(payload, content_type="application/json" if is_json else MSGPACK_TYPES[0])


def _refuse_large(payload: bytes) -> None:
    if len(payload) > MAX_BODY_BYTES:
        raise BodyTooLarge(f"more than {MAX_BODY_BYTES} bytes: send smaller batches")


def _together(showings: list[tuple[Showings, str]]) -> tuple[Showings, list[str]]:
    """One of many, and the site of each of its codes."""
    places: dict[tuple[str, str], int] = {}
    device = []
    for each, site in showings:
        keys = [places.setdefault((site, code), len(places)) for code in each.codes]
        device.append(np.array(keys, dtype=np.int64)[each.device])
    none = np.empty(0, dtype=np.int64)
    return Showings(
        codes=[code for _, code in places],
        device=np.concatenate([none, *device]),
        time_us=np.concatenate([none, *(each.time_us for each, _ in showings)]),
        register_kwh=np.concatenate([none.astype(np.float64), *(each.register_kwh for each, _ in showings)]),
        row=np.concatenate([none, *(each.row for each, _ in showings)]),
        refused=[refused for each, _ in showings for refused in each.refused],
    ), [site for site, _ in places]


def _of_devices(states: list[State], devices: list[int]) -> ReadingBatch:
    return batch_of(
        codes=(),
        device=np.array(devices, dtype=np.int64),
        time_us=microseconds([state.time for state in states]),
        power_kw=column([state.power_kw for state in states]),
        energy_kwh=column([state.energy_kwh for state in states]),
        soc_kwh=column([state.soc_kwh for state in states]),
        voltage_pu=column([state.voltage_pu for state in states]),
        correction=np.array([state.correction for state in states], dtype=np.bool_),
    )


def _placed(batch: ReadingBatch, site: str, places: dict[tuple[str, str], int]) -> ReadingBatch:
    """The same with devices counted through all messages."""
    keys = [places.setdefault((site, code), len(places)) for code in batch.codes]
    return replace(batch, device=np.array(keys, dtype=np.int64)[batch.device])


def _joined(parts: list[ReadingBatch], codes: list[str]) -> ReadingBatch:
    names = ("device", "time_us", "correction", *VALUE_COLUMNS)
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return batch_of(codes=codes, refused=[(-1, Refusal.MALFORMED) for part in parts for _ in part.refused], **columns)
