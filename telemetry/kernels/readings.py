"""Stored readings as numpy columns, and the orders in which they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from telemetry.kernels.batch import FloatColumn, IntColumn
from telemetry.kernels.judge import DAY_US, SECOND_US


@dataclass(frozen=True)
class Readings:
    """n readings, unique in (device_id, time_us). All arrays are (n,); power and energy are consumption positive.

    time_us            : instant, microseconds since 1970.
    energy_kwh, soc_kwh, voltage_pu : NaN where not given.
    quality            : bits of `Quality`.
    first_available_us : when any version of the reading was first known.
    available_us       : when the version that stands here became known.
    """

    device_id: IntColumn
    time_us: IntColumn
    power_kw: FloatColumn
    energy_kwh: FloatColumn
    soc_kwh: FloatColumn
    voltage_pu: FloatColumn
    quality: NDArray[np.int16]
    first_available_us: IntColumn
    available_us: IntColumn

    @property
    def size(self) -> int:
        return int(self.time_us.size)

    @property
    def day(self) -> IntColumn:
        """(n,) UTC day of each reading, in days since 1970."""
        return self.time_us // DAY_US

    def days(self) -> list[int]:
        """The distinct UTC days, in order."""
        if self.size == 0:
            return []
        first, last = int(self.time_us.min()) // DAY_US, int(self.time_us.max()) // DAY_US
        return [first] if first == last else np.unique(self.day).tolist()

    def device_runs(self) -> NDArray[np.bool_]:
        """(n,) True where a new device begins; each device once if the readings are ordered by device."""
        new = np.ones(self.size, dtype=bool)
        new[1:] = self.device_id[1:] != self.device_id[:-1]
        return new

    def in_pairs(self, keys: IntColumn) -> NDArray[np.bool_]:
        """(n,) True where the reading's (day, device) is among `pair_keys`."""
        if keys.size == 0:
            return np.zeros(self.size, dtype=bool)
        return np.isin(pair_keys(self.day, self.device_id), keys)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Readings:
        if rows.dtype == np.bool_ and rows.all():
            return self
        return Readings(*(getattr(self, field.name)[rows] for field in fields(self)))

    def by_device(self) -> Readings:
        """Ordered by (device, time); itself if it already is."""
        if in_order(self.device_id, self.time_us):
            return self
        return self.take(np.lexsort((self.time_us, self.device_id)))


def in_order(major: IntColumn, minor: IntColumn) -> bool:
    """Whether (major, minor) rises strictly from row to row."""
    step = np.diff(major)
    return bool(((step > 0) | ((step == 0) & (np.diff(minor) > 0))).all())


def join(parts: Sequence[Readings]) -> Readings:
    """All parts, one after the other."""
    return Readings(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Readings)))


def no_readings() -> Readings:
    none_int, none_float = np.empty(0, dtype=np.int64), np.empty(0)
    values = (none_float, none_float, none_float, none_float)
    return Readings(none_int, none_int, *values, np.empty(0, dtype=np.int16), none_int, none_int)


def same_values(left: Readings, right: Readings) -> NDArray[np.bool_]:
    """(n,) whether both report the same; two absent values are the same."""
    same = np.ones(left.size, dtype=bool)
    for name in ("power_kw", "energy_kwh", "soc_kwh", "voltage_pu"):
        one, other = getattr(left, name), getattr(right, name)
        same &= (one == other) | (np.isnan(one) & np.isnan(other))
    return same


def places_of(device_id: IntColumn, time_us: IntColumn, sorted_readings: Readings) -> IntColumn:
    """(n,) index of each key in readings that are ordered by (device, time), -1 where there is none."""
    known = sorted_readings
    if known.size == 0 or time_us.size == 0:
        return np.full(time_us.size, -1, dtype=np.int64)
    if np.array_equal(device_id, known.device_id) and np.array_equal(time_us, known.time_us):
        return np.arange(known.size)
    devices = np.unique(known.device_id[known.device_runs()])
    rank = np.searchsorted(devices, device_id)
    rank[rank == devices.size] = 0
    first_us = min(int(known.time_us.min()), int(time_us.min()))
    span = max(int(known.time_us.max()), int(time_us.max())) // SECOND_US - first_us // SECOND_US + 1
    keys = np.searchsorted(devices, known.device_id) * span + (known.time_us - first_us) // SECOND_US
    wanted = rank * span + (time_us - first_us) // SECOND_US
    places = np.searchsorted(keys, wanted)
    places[places == keys.size] = 0
    return np.where((known.device_id[places] == device_id) & (known.time_us[places] == time_us), places, -1)


def pair_keys(day: IntColumn, device_id: IntColumn) -> IntColumn:
    """(n,) one number for each (UTC day, device)."""
    return (day << 44) | device_id


def once(readings: Readings) -> tuple[NDArray[np.intp] | None, int, NDArray[np.intp]]:
    """Rows with each key once by (device, time), how many repeats were left out, and the contradicting rows.

    None for the rows when they are in that order already.

    Of rows with the same key the first in the message holds; the others either repeat it or contradict it.
    """
    if readings.by_device() is readings:
        return None, 0, np.empty(0, dtype=np.intp)
    order = np.lexsort((readings.time_us, readings.device_id))  # stable, so the first of a key stays first
    ordered = readings.take(order)
    new = np.ones(order.size, dtype=bool)
    new[1:] = (ordered.device_id[1:] != ordered.device_id[:-1]) | (ordered.time_us[1:] != ordered.time_us[:-1])
    holder = np.flatnonzero(new)[np.cumsum(new) - 1]
    repeat = same_values(ordered, ordered.take(holder)) & ~new
    return order[new], int(repeat.sum()), order[~new & ~repeat]
