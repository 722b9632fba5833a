"""JSON of what meters' registers showed, one object a showing:

{"registers": [{"device": "meter-7", "time": "2016-07-01T10:15:00Z", "register_kwh": 48211.375}, ...]}

"sign": "generation" beside "registers" says that the registers count production. The energy from one showing of a
device to the next makes a reading.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from telemetry.kernels.batch import index_codes
from telemetry.kernels.quality import Refusal
from telemetry.kernels.registers import Showings
from telemetry.protocols.bounds import refuse_too_many_rows
from telemetry.protocols.json_rows import AwareTime, DeviceCode, Sign, microseconds, turned


class Showing(msgspec.Struct, gc=False, frozen=True):
    """`device` is that of the topic over MQTT."""

    time: AwareTime
    register_kwh: float
    device: DeviceCode = "-"


class NamedShowing(Showing, gc=False, frozen=True):
    device: DeviceCode


class RegistersMessage(msgspec.Struct):
    """The showings are read one by one, as meters send few of them."""

    registers: list[msgspec.Raw]
    sign: Sign = "load"


_message = msgspec.json.Decoder(RegistersMessage)
_named = msgspec.json.Decoder(NamedShowing)


def decode(body: bytes) -> Showings:
    """A showing that does not fit is refused alone. Raises msgspec.DecodeError on broken JSON."""
    message = _message.decode(body)
    refuse_too_many_rows(len(message.registers))
    found, places, refused = [], [], []
    for place, raw in enumerate(message.registers):
        try:
            found.append(_named.decode(raw))
            places.append(place)
        except msgspec.ValidationError:
            refused.append((place, Refusal.MALFORMED))
    return showings_of(found, [each.device for each in found], message.sign, places, refused)


def showings_of(
    found: Sequence[Showing],
    codes: Sequence[str],
    sign: Sign = "load",
    rows: Sequence[int] | None = None,
    refused: list[tuple[int, str]] | None = None,
) -> Showings:
    """`codes` : the device of each; `rows` : its place in the message, default in order."""
    distinct, device = index_codes(codes)
    return Showings(
        codes=distinct,
        device=device,
        time_us=microseconds([each.time for each in found]),
        register_kwh=turned(np.array([each.register_kwh for each in found], dtype=np.float64), sign),
        row=np.array(range(len(found)) if rows is None else rows, dtype=np.int64),
        refused=refused or [],
    )
