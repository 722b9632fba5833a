"""The 15-minute rollup: what the readings of one device inside one bucket say together."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from telemetry.kernels.batch import FloatColumn, IntColumn
from telemetry.kernels.readings import Readings
from vpp.lib.units import energy_kwh

BUCKET_MINUTES = 15
BUCKET_US = BUCKET_MINUTES * 60 * 1_000_000
BUCKETS_PER_DAY = 96  # a storage day is a UTC day, so it always has 96


@dataclass(frozen=True)
class Rollup:
    """m cells, unique in (device_id, bucket_us). All arrays are (m,).

    bucket_us    : start of the bucket, microseconds since 1970.
    count        : readings in it, at least 1.
    energy_kwh   : mean power of its readings times a quarter hour, consumption positive.
    min_kw, max_kw
    quality      : all flags of its readings, together.
    first_available_us, available_us : when the first and the last of what it is made of became known.
    """

    bucket_us: IntColumn
    device_id: IntColumn
    count: IntColumn
    energy_kwh: FloatColumn
    min_kw: FloatColumn
    max_kw: FloatColumn
    quality: NDArray[np.int16]
    first_available_us: IntColumn
    available_us: IntColumn

    @property
    def size(self) -> int:
        return int(self.bucket_us.size)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Rollup:
        return Rollup(*(getattr(self, field.name)[rows] for field in fields(self)))

    def by_bucket(self) -> Rollup:
        """Ordered by (bucket, device): the order of the table's key, and of every lock on its rows."""
        return self.take(np.lexsort((self.device_id, self.bucket_us)))


def bucket_of(time_us: IntColumn) -> IntColumn:
    """(n,) start of the bucket that holds each instant; half-open, so a reading at its end belongs to the next."""
    return time_us - time_us % BUCKET_US


def roll_up(readings: Readings) -> Rollup:
    """Cells of readings, ordered by (device, bucket).

    The mean is taken in order of time whatever the order of arrival, so that a shuffled repeat gives the same bits.
    """
    readings = readings.by_device()
    bucket_us, device_id, power_kw = bucket_of(readings.time_us), readings.device_id, readings.power_kw
    new = np.ones(readings.size, dtype=bool)
    new[1:] = (bucket_us[1:] != bucket_us[:-1]) | (device_id[1:] != device_id[:-1])
    first = np.flatnonzero(new)
    if first.size == readings.size:  # one reading in each cell: nothing to add up
        mean_kw = min_kw = max_kw = power_kw
        count = np.ones(first.size, dtype=np.int64)
    else:
        count = np.diff(np.append(first, readings.size))
        mean_kw = np.add.reduceat(power_kw, first) / count
        min_kw, max_kw = np.minimum.reduceat(power_kw, first), np.maximum.reduceat(power_kw, first)
    return Rollup(
        bucket_us=bucket_us[first],
        device_id=device_id[first],
        count=count,
        energy_kwh=energy_kwh(mean_kw, BUCKET_MINUTES),
        min_kw=min_kw,
        max_kw=max_kw,
        quality=_reduce(np.bitwise_or, readings.quality, first),
        first_available_us=_reduce(np.minimum, readings.first_available_us, first),
        available_us=_reduce(np.maximum, readings.available_us, first),
    )


def _reduce(ufunc: np.ufunc, values: NDArray[Any], first: NDArray[np.intp]) -> NDArray[Any]:
    if first.size == values.size:
        return values
    reduced: NDArray[Any] = ufunc.reduceat(values, first)
    return reduced
