"""MessagePack with packed columns, the leanest way in (application/msgpack). A map of:

codes      : array of device codes.
device     : bin, int32 little-endian, (n,) index into `codes`.
time_s     : bin, int64 little-endian, (n,) seconds since 1970-01-01 UTC.
power_kw   : bin, float64 little-endian, (n,).
energy_kwh, soc_kwh, voltage_pu : the same, optional; NaN where a row has no value.
correction : bool for the whole message; sign : "load" (default) or "generation".
"""

from __future__ import annotations

from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray

from telemetry.kernels.batch import FloatColumn, ReadingBatch, batch_of
from telemetry.kernels.quality import Refusal
from telemetry.protocols.bounds import MAX_ROWS
from telemetry.protocols.errors import MalformedBody
from telemetry.protocols.json_rows import DeviceCode, Sign, turned

LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z


class Packed(msgspec.Struct):
    codes: Annotated[list[DeviceCode], msgspec.Meta(max_length=MAX_ROWS)]
    device: bytes
    time_s: bytes
    power_kw: bytes
    energy_kwh: bytes | None = None
    soc_kwh: bytes | None = None
    voltage_pu: bytes | None = None
    correction: bool = False
    sign: Sign = "load"


_decoder = msgspec.msgpack.Decoder(Packed)
_encoder = msgspec.msgpack.Encoder()


def _unpack(name: str, packed: bytes, dtype: str, count: int) -> NDArray:
    if len(packed) != count * np.dtype(dtype).itemsize:
        raise MalformedBody(f"{name} has {len(packed)} bytes, want {count} values of type {dtype}")
    return np.frombuffer(packed, dtype=dtype)


def _unpack_floats(name: str, packed: bytes | None, count: int) -> FloatColumn | None:
    return None if packed is None else _unpack(name, packed, "<f8", count)


def decode(body: bytes) -> ReadingBatch:
    """Raises msgspec.DecodeError if the message does not fit, MalformedBody if its columns differ in length."""
    message = _decoder.decode(body)
    count = len(message.power_kw) // 8
    device = _unpack("device", message.device, "<i4", count).astype(np.int64)
    time_s = _unpack("time_s", message.time_s, "<i8", count)
    power_kw = turned(_unpack("power_kw", message.power_kw, "<f8", count), message.sign)
    energy_kwh = _unpack_floats("energy_kwh", message.energy_kwh, count)
    soc_kwh = _unpack_floats("soc_kwh", message.soc_kwh, count)
    voltage_pu = _unpack_floats("voltage_pu", message.voltage_pu, count)
    fits = (device >= 0) & (device < len(message.codes)) & (time_s >= 0) & (time_s <= LAST_SECOND)
    rows = np.flatnonzero(fits)
    return batch_of(
        codes=message.codes,
        device=device[rows],
        time_us=time_s[rows] * 1_000_000,
        power_kw=power_kw[rows],
        energy_kwh=None if energy_kwh is None else turned(energy_kwh, message.sign)[rows],
        soc_kwh=None if soc_kwh is None else soc_kwh[rows],
        voltage_pu=None if voltage_pu is None else voltage_pu[rows],
        correction=np.full(rows.size, message.correction),
        row=rows,
        refused=[(int(place), Refusal.MALFORMED) for place in np.flatnonzero(~fits)],
    )


def encode(batch: ReadingBatch) -> bytes:
    """The message of a batch, for gateways written in Python and for tests; one correction mark for all rows."""
    return _encoder.encode(
        Packed(
            codes=list(batch.codes),
            device=batch.device.astype("<i4").tobytes(),
            time_s=(batch.time_us // 1_000_000).astype("<i8").tobytes(),
            power_kw=batch.power_kw.astype("<f8").tobytes(),
            correction=bool(batch.correction.any()),
            energy_kwh=_pack_given(batch.energy_kwh),
            soc_kwh=_pack_given(batch.soc_kwh),
            voltage_pu=_pack_given(batch.voltage_pu),
        )
    )


def _pack_given(values: FloatColumn) -> bytes | None:
    return None if np.isnan(values).all() else values.astype("<f8").tobytes()
