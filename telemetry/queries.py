"""Read-only questions about readings, answered as numpy arrays for many devices at once.

All power is in kW and all energy in kWh, consumption positive. Moments are aware datetimes; `as_of=None` asks for what
is known now. None of the functions cares whether a day is open (rows) or closed (packed).
"""

from __future__ import annotations

import hashlib
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
from telemetry.kernels.readings import Readings
from telemetry.kernels.rollup import BUCKET_MINUTES, BUCKET_US
from telemetry.storage import cells, raw
from telemetry.storage.copying import moment
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


@dataclass(frozen=True)
class ReadingKey:
    """A reading in the version that held: its natural key and its power."""

    ts: datetime
    device_id: int
    available_at: datetime
    power_kw: float


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
    energy_kwh = cells.read_energy(distinct, start_us, end_us, _as_of_us(as_of)).values
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


def readings(device_ids: DeviceIds, start: datetime, end: datetime, as_of: datetime | None = None) -> Readings:
    """Every reading in [start, end) in the version known at `as_of`, ordered by (device, time)."""
    distinct = np.unique(np.asarray(device_ids, dtype=np.int64))
    return raw.known_readings(distinct, _us(start), _us(end), _as_of_us(as_of))


def reading_keys(device_id: int, start: datetime, end: datetime, as_of: datetime | None = None) -> list[ReadingKey]:
    """The readings that a settlement of [start, end) rests on, for its trace."""
    found = readings([device_id], start, end, as_of)
    return [
        ReadingKey(moment(ts), device_id, moment(available), float(power_kw))
        for ts, available, power_kw in zip(found.time_us, found.available_us, found.power_kw, strict=True)
    ]


def interval_checksums(
    device_ids: DeviceIds, start: datetime, end: datetime, as_of: datetime | None = None
) -> list[str]:
    """SHA-256 per device over (instant, available, power) of its readings, in the order of `device_ids`.

    Equal checksums mean that the same readings in the same versions were used.
    """
    return _checksums(readings(device_ids, start, end, as_of), device_ids)


def traced_readings(
    device_ids: DeviceIds, start: datetime, end: datetime, as_of: datetime | None = None, *, most_listed: int = 100
) -> tuple[list[str], list[ReadingKey]]:
    """`interval_checksums` of all devices and the reading keys of the first `most_listed`, read once for a trace."""
    found = readings(device_ids, start, end, as_of)
    keys = [
        ReadingKey(
            moment(found.time_us[row]),
            int(found.device_id[row]),
            moment(found.available_us[row]),
            float(found.power_kw[row]),
        )
        for row in np.flatnonzero(np.isin(found.device_id, np.asarray(device_ids[:most_listed])))
    ]
    return _checksums(found, device_ids), keys


def _checksums(found: Readings, device_ids: DeviceIds) -> list[str]:
    packed = np.stack([found.time_us, found.available_us, found.power_kw.view(np.int64)], axis=1).astype("<i8")
    distinct, first = np.unique(found.device_id, return_index=True)
    parts = np.split(packed, first[1:]) if distinct.size else []
    sums = {
        int(device): hashlib.sha256(part.tobytes()).hexdigest() for device, part in zip(distinct, parts, strict=True)
    }
    nothing = hashlib.sha256(b"").hexdigest()
    return [sums.get(int(device), nothing) for device in device_ids]


def interval_checksum(device_id: int, start: datetime, end: datetime, as_of: datetime | None = None) -> str:
    """`interval_checksums` of one device."""
    return interval_checksums([device_id], start, end, as_of)[0]


def _us(at: datetime) -> int:
    if at.tzinfo is None:
        raise ValueError(f"{at!r} has no time zone")
    return round(at.timestamp() * 1e6)


def _as_of_us(as_of: datetime | None) -> int:
    return raw.FOREVER_US if as_of is None else _us(as_of)


def _grid(start: datetime, end: datetime, step_minutes: int) -> tuple[int, int]:
    """Both ends in microseconds; refuses what the quarter-hour rollup cannot answer."""
    start_us, end_us = _us(start), _us(end)
    if step_minutes <= 0 or step_minutes % BUCKET_MINUTES:
        raise ValueError(f"step of {step_minutes} min is no whole number of quarter hours")
    if start_us % BUCKET_US or (end_us - start_us) % (step_minutes * 60_000_000):
        raise ValueError(f"[{start.isoformat()}, {end.isoformat()}) is not on the grid of {step_minutes} min")
    if end_us < start_us:
        raise ValueError(f"end {end.isoformat()} is before start {start.isoformat()}")
    return start_us, end_us
