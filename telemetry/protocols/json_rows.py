"""JSON, one object a reading:

{"readings": [{"device": "ea1.2016.bat-7", "time": "2016-07-01T10:15:00Z", "power_kw": -1.25, "soc_kwh": 4.0}, ...]}

`time` is RFC 3339 with an offset and is the start of the interval that the mean covers. `energy_kwh`, `soc_kwh`,
`voltage_pu` and `"correction": true` are optional. `"sign": "generation"` beside "readings" says that the sender counts
production as positive; power and energy are then turned around here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
import numpy as np

from telemetry.kernels.batch import FloatColumn, IntColumn, ReadingBatch, absent, batch_of, index_codes
from telemetry.kernels.quality import Refusal
from telemetry.protocols.bounds import refuse_too_many_rows

Sign = Literal["load", "generation"]
AwareTime = Annotated[datetime, msgspec.Meta(tz=True)]
DeviceCode = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]


class Row(msgspec.Struct, gc=False, frozen=True):
    """One reading as sent. `time` is read later: most rows of a message have the same."""

    device: DeviceCode
    time: str
    power_kw: float
    energy_kwh: float | None = None
    soc_kwh: float | None = None
    voltage_pu: float | None = None
    correction: bool = False


class RowsMessage(msgspec.Struct):
    readings: list[Row]
    sign: Sign = "load"
    columns: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class UnreadRowsMessage(msgspec.Struct):
    """The same message with its rows left as they came, to find those that can be read."""

    readings: list[msgspec.Raw]
    sign: Sign = "load"


_whole = msgspec.json.Decoder(RowsMessage)
_unread = msgspec.json.Decoder(UnreadRowsMessage)
_one = msgspec.json.Decoder(Row)


def decode(body: bytes) -> ReadingBatch:
    """Readings of a message; a row that does not fit is refused alone. Raises msgspec.DecodeError on broken JSON."""
    try:
        message = _whole.decode(body)
        time_us = moments([row.time for row in message.readings])
    except msgspec.ValidationError:
        return _decode_row_by_row(body)
    return _batch(message.readings, time_us, np.arange(time_us.size), message.sign, [])


def _decode_row_by_row(body: bytes) -> ReadingBatch:
    message = _unread.decode(body)
    refuse_too_many_rows(len(message.readings))
    rows: list[Row] = []
    places: list[int] = []
    times: list[int] = []
    refused: list[tuple[int, str]] = []
    for place, raw in enumerate(message.readings):
        try:
            row = _one.decode(raw)
            times.append(int(moments([row.time])[0]))
            rows.append(row)
            places.append(place)
        except msgspec.ValidationError:
            refused.append((place, Refusal.MALFORMED))
    return _batch(rows, np.array(times, dtype=np.int64), np.array(places, dtype=np.int64), message.sign, refused)


def moments(texts: list[str]) -> IntColumn:
    """(n,) microseconds since 1970 of RFC 3339 texts, each distinct one read once; msgspec.ValidationError if one is
    none."""
    known: dict[str, int] = dict.fromkeys(texts, 0)
    if len(known) == 1:
        return np.full(len(texts), _microsecond(texts[0]), dtype=np.int64)
    known = {text: _microsecond(text) for text in known}
    return np.fromiter(map(known.__getitem__, texts), dtype=np.int64, count=len(texts))


def _microsecond(text: str) -> int:
    return round(msgspec.convert(text, AwareTime).timestamp() * 1e6)


def microseconds(moments: list[datetime]) -> IntColumn:
    """(n,) microseconds since 1970 of aware datetimes."""
    seconds = np.fromiter((moment.timestamp() for moment in moments), dtype=np.float64, count=len(moments))
    return np.rint(seconds * 1e6).astype(np.int64)


def column(values: list[float | None]) -> FloatColumn:
    """(n,) floats, None as NaN."""
    if values.count(None) == len(values):
        return absent(len(values))
    return np.array(values, dtype=np.float64).reshape(len(values))


def turned(values: FloatColumn, sign: Sign) -> FloatColumn:
    """Values in the house's sign, consumption positive."""
    return -values if sign == "generation" else values


def _batch(
    rows: list[Row], time_us: IntColumn, places: IntColumn, sign: Sign, refused: list[tuple[int, str]]
) -> ReadingBatch:
    codes, device = index_codes([row.device for row in rows])
    return batch_of(
        codes=codes,
        device=device,
        time_us=time_us,
        power_kw=turned(column([row.power_kw for row in rows]), sign),
        energy_kwh=turned(column([row.energy_kwh for row in rows]), sign),
        soc_kwh=column([row.soc_kwh for row in rows]),
        voltage_pu=column([row.voltage_pu for row in rows]),
        correction=np.array([row.correction for row in rows], dtype=np.bool_),
        row=places,
        refused=refused,
    )
