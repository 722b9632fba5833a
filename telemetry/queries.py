"""Read-only questions about readings, answered as numpy arrays for many devices at once.

All power is in kW and all energy in kWh, consumption positive. Moments are aware datetimes; `as_of=None` asks for what
is known now. None of the functions cares whether a day is open (rows) or closed (packed).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from telemetry.alarm_queries import OpenAlarm as OpenAlarm
from telemetry.alarm_queries import open_alarms as open_alarms
from telemetry.changes import changed_days as changed_days  # part of this room's questions
from telemetry.kernels.batch import FloatColumn, IntColumn
from telemetry.kernels.gaps import fill_gaps
from telemetry.kernels.rollup import BUCKET_MINUTES, BUCKET_US
from telemetry.storage import cells, raw
from telemetry.storage.copying import known_us, micros
from telemetry.trace_queries import ReadingKey as ReadingKey
from telemetry.trace_queries import interval_checksum as interval_checksum
from telemetry.trace_queries import interval_checksums as interval_checksums
from telemetry.trace_queries import reading_keys as reading_keys
from telemetry.trace_queries import readings as readings
from telemetry.trace_queries import traced_readings as traced_readings
from vpp.lib.units import mean_power_kw

DeviceIds: TypeAlias = Sequence[int] | IntColumn


@dataclass(frozen=True)
class LatestReadings:
    """The newest reading of N devices, in the order asked for; NaN and NaT where a device has none. All arrays (N,).

    ts, available_at : datetime64[us], naive UTC.
    """

    device_id: IntColumn
    ts: NDArray[np.datetime64]
    available_at: NDArray[np.datetime64]
    power_kw: FloatColumn
    energy_kwh: FloatColumn
    soc_kwh: FloatColumn
    voltage_pu: FloatColumn
    quality: NDArray[np.int16]


def interval_power_kw(
    device_ids: DeviceIds, start: datetime, end: datetime, as_of: datetime | None = None, step_minutes: int = 15
) -> FloatColumn:
    """(N, T) mean power per interval of [start, end), in the order of `device_ids`; NaN where a reading is missing.

    Wider steps than 15 minutes are means of whole quarter hours, NaN if one of them is missing.
    Raises ValueError if start or end is off the grid.
    """
    start_us, end_us = _grid(start, end, step_minutes)
    wanted = np.asarray(device_ids, dtype=np.int64)
    distinct, back = np.unique(wanted, return_inverse=True)
    energy_kwh = cells.read_energy(distinct, start_us, end_us, known_us(as_of)).values
    if distinct.size != wanted.size or not (distinct == wanted).all():
        energy_kwh = energy_kwh[back]
    power_kw = mean_power_kw(energy_kwh, BUCKET_MINUTES)
    if step_minutes == BUCKET_MINUTES:
        return power_kw
    return power_kw.reshape(wanted.size, -1, step_minutes // BUCKET_MINUTES).mean(axis=2)


def filled_power_kw(
    device_ids: DeviceIds, start: datetime, end: datetime, as_of: datetime | None = None
) -> tuple[FloatColumn, NDArray[np.bool_]]:
    """(N, T) mean power per quarter hour with gaps filled, and (N, T) True (`Quality.FILLED`) where a value was put in.

    For operations only: a settlement asks `interval_power_kw`. The rule is `kernels.gaps.fill_gaps` with the seven days
    before.
    """
    power_kw = interval_power_kw(device_ids, start, end, as_of)
    if not np.isnan(power_kw).any():
        return power_kw, np.zeros(power_kw.shape, dtype=bool)
    before = [
        interval_power_kw(device_ids, start - timedelta(days=days), end - timedelta(days=days), as_of)
        for days in range(1, 8)
    ]
    return fill_gaps(power_kw, np.stack(before))


def interval_quality(device_ids: DeviceIds, start: datetime, end: datetime) -> NDArray[np.int16]:
    """(N, T) flags of `telemetry.kernels.quality.Quality` per quarter hour, as they stand now."""
    start_us, end_us = _grid(start, end, BUCKET_MINUTES)
    distinct, back = np.unique(np.asarray(device_ids, dtype=np.int64), return_inverse=True)
    return cells.read_quality(distinct, start_us, end_us)[back]


def latest(device_ids: DeviceIds) -> LatestReadings:
    """The newest reading of each device."""
    wanted = np.asarray(device_ids, dtype=np.int64)
    found = raw.latest(np.unique(wanted))
    places = np.searchsorted(found.device_id, wanted)
    places[places == found.size] = 0
    there = found.device_id[places] == wanted if found.size else np.zeros(wanted.size, dtype=bool)

    def column(name: str, fill: float) -> NDArray:
        values = getattr(found, name)
        filled = np.full(wanted.size, fill, dtype=values.dtype)
        filled[there] = values[places[there]]
        return filled

    no_time = np.iinfo(np.int64).min  # NaT
    return LatestReadings(
        device_id=wanted,
        ts=column("time_us", no_time).view("datetime64[us]"),
        available_at=column("available_us", no_time).view("datetime64[us]"),
        power_kw=column("power_kw", np.nan),
        energy_kwh=column("energy_kwh", np.nan),
        soc_kwh=column("soc_kwh", np.nan),
        voltage_pu=column("voltage_pu", np.nan),
        quality=column("quality", 0),
    )


def _grid(start: datetime, end: datetime, step_minutes: int) -> tuple[int, int]:
    """Both ends in microseconds; refuses what the quarter-hour rollup cannot answer."""
    start_us, end_us = micros(start), micros(end)
    if step_minutes <= 0 or step_minutes % BUCKET_MINUTES:
        raise ValueError(f"step of {step_minutes} min is no whole number of quarter hours")
    if start_us % BUCKET_US or (end_us - start_us) % (step_minutes * 60_000_000):
        raise ValueError(f"[{start.isoformat()}, {end.isoformat()}) is not on the grid of {step_minutes} min")
    if end_us < start_us:
        raise ValueError(f"end {end.isoformat()} is before start {start.isoformat()}")
    return start_us, end_us
