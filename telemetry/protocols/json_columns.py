"""JSON, one list a column, all of the same length:

{"columns": {"device": ["bat-7", ...], "time": ["2016-07-01T10:15:00Z", ...], "power_kw": [-1.25, ...]}}

The meaning of each column is that of `json_rows`. `device` and `time` may be a single value that holds for all rows.
A value of the wrong type spoils the message, not its row: who packs columns checks them.
"""

from __future__ import annotations

import msgspec
import numpy as np

from telemetry.kernels.batch import ReadingBatch, batch_of, index_codes
from telemetry.protocols.errors import MalformedBody
from telemetry.protocols.json_rows import AwareTime, DeviceCode, Sign, column, microseconds, turned


class Columns(msgspec.Struct):
    device: list[DeviceCode] | DeviceCode
    time: list[AwareTime] | AwareTime
    power_kw: list[float | None]
    energy_kwh: list[float | None] | None = None
    soc_kwh: list[float | None] | None = None
    voltage_pu: list[float | None] | None = None
    correction: bool = False


class ColumnsMessage(msgspec.Struct):
    columns: Columns
    sign: Sign = "load"


_decoder = msgspec.json.Decoder(ColumnsMessage)


def decode(body: bytes) -> ReadingBatch:
    """Raises msgspec.DecodeError if the message does not fit, MalformedBody if its columns differ in length."""
    message = _decoder.decode(body)
    columns = message.columns
    count = len(columns.power_kw)
    devices = columns.device if isinstance(columns.device, list) else [columns.device] * count
    times = columns.time if isinstance(columns.time, list) else [columns.time] * count
    lists = (devices, times, columns.energy_kwh, columns.soc_kwh, columns.voltage_pu)
    if any(values is not None and len(values) != count for values in lists):
        raise MalformedBody(f"columns differ in length from the {count} values of power_kw")
    codes, device = index_codes(devices)
    return batch_of(
        codes=codes,
        device=device,
        time_us=microseconds(times),
        power_kw=turned(column(columns.power_kw), message.sign),
        energy_kwh=None if columns.energy_kwh is None else turned(column(columns.energy_kwh), message.sign),
        soc_kwh=None if columns.soc_kwh is None else column(columns.soc_kwh),
        voltage_pu=None if columns.voltage_pu is None else column(columns.voltage_pu),
        correction=np.full(count, columns.correction),
    )
