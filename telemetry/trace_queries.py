"""The readings behind an answer, one by one and as checksums; asked through `telemetry.queries`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import numpy as np

from telemetry.kernels.batch import IntColumn
from telemetry.kernels.readings import Readings
from telemetry.storage import raw
from telemetry.storage.copying import known_us, micros, moment

DeviceIds: TypeAlias = Sequence[int] | IntColumn


@dataclass(frozen=True)
class ReadingKey:
    """A reading in the version that held: its natural key and its power."""

    ts: datetime
    device_id: int
    available_at: datetime
    power_kw: float


def readings(device_ids: DeviceIds, start: datetime, end: datetime, as_of: datetime | None = None) -> Readings:
    """Every reading in [start, end) in the version known at `as_of`, ordered by (device, time)."""
    distinct = np.unique(np.asarray(device_ids, dtype=np.int64))
    return raw.known_readings(distinct, micros(start), micros(end), known_us(as_of))


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
