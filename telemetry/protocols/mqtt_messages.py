"""Readings as MQTT messages (docs/telemetry.md):

vpp/v1/{site}/{device}/state : JSON, one reading of that device or a list of them, without "device"
vpp/v1/{site}/readings       : readings of any devices of the site, in any form that the API takes (JSON or MessagePack)
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np

from telemetry.kernels.batch import VALUE_COLUMNS, IntColumn, ReadingBatch, batch_of
from telemetry.kernels.quality import Refusal
from telemetry.protocols.bounds import MAX_BODY_BYTES, refuse_too_many_commas, refuse_too_many_rows
from telemetry.protocols.decode import MSGPACK_TYPES, decode
from telemetry.protocols.errors import BodyTooLarge, MalformedBody
from telemetry.protocols.json_rows import DeviceCode, column, moments

ROOT = "vpp/v1"
SUBSCRIPTIONS = (f"{ROOT}/+/+/state", f"{ROOT}/+/readings")


class State(msgspec.Struct, gc=False, frozen=True):
    """`json_rows.Row` of the device in the topic."""

    time: str
    power_kw: float
    energy_kwh: float | None = None
    soc_kwh: float | None = None
    voltage_pu: float | None = None
    correction: bool = False


_states = msgspec.json.Decoder(State | list[State])


@dataclass(frozen=True)
class SiteReadings:
    """Readings that one message brought for one site, at most ten thousand."""

    site: str
    batch: ReadingBatch


def read(topic: str, payload: bytes) -> SiteReadings:
    """Raises DomainError if nothing of the message can be read."""
    parts = topic.split("/")
    if parts[:2] != ROOT.split("/") or len(parts) not in (4, 5):
        raise MalformedBody(f"topic {topic!r}")
    if len(payload) > MAX_BODY_BYTES:
        raise BodyTooLarge(f"more than {MAX_BODY_BYTES} bytes: send smaller batches")
    try:
        site = msgspec.convert(parts[2], DeviceCode)
        if len(parts) == 5:
            return SiteReadings(site, _of_device(msgspec.convert(parts[3], DeviceCode), payload))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedBody(f"the message cannot be read: {error}") from error
    is_json = payload.lstrip()[:1] in (b"{", b"[", b"")
    return SiteReadings(site, decode(payload, content_type="application/json" if is_json else MSGPACK_TYPES[0]))


def _of_device(code: str, payload: bytes) -> ReadingBatch:
    refuse_too_many_commas(payload)
    message = _states.decode(payload)
    states = message if isinstance(message, list) else [message]
    refuse_too_many_rows(len(states))
    return batch_of(
        codes=[code],
        device=np.zeros(len(states), dtype=np.int64),
        time_us=moments([state.time for state in states]),
        power_kw=column([state.power_kw for state in states]),
        energy_kwh=column([state.energy_kwh for state in states]),
        soc_kwh=column([state.soc_kwh for state in states]),
        voltage_pu=column([state.voltage_pu for state in states]),
        correction=np.array([state.correction for state in states], dtype=np.bool_),
    )


def join(messages: list[SiteReadings]) -> tuple[ReadingBatch, list[str]]:
    """One batch of all messages' readings and the site of each of its codes; rows count through all messages."""
    places: dict[tuple[str, str], int] = {}
    device: list[IntColumn] = []
    refused: list[tuple[int, str]] = []
    for message in messages:
        keys = [places.setdefault((message.site, code), len(places)) for code in message.batch.codes]
        device.append(np.array(keys, dtype=np.int64)[message.batch.device])
        refused += [(-1, Refusal.MALFORMED) for _ in message.batch.refused]
    batches = [message.batch for message in messages]
    columns = {name: np.concatenate([getattr(batch, name) for batch in batches]) for name in VALUE_COLUMNS}
    batch = batch_of(
        codes=[code for _, code in places],
        device=np.concatenate(device),
        time_us=np.concatenate([batch.time_us for batch in batches]),
        correction=np.concatenate([batch.correction for batch in batches]),
        refused=refused,
        **columns,
    )
    return batch, [site for site, _ in places]
