"""The 15-minute rollup: what the readings of one device inside one bucket say together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telemetry.kernels.batch import FloatColumn, IntColumn
from vpp.lib.units import energy_kwh

BUCKET_MINUTES = 15
BUCKET_US = BUCKET_MINUTES * 60 * 1_000_000
BUCKETS_PER_DAY = 96  # a storage day is a UTC day, so it always has 96


@dataclass(frozen=True)
class Rollup:
    """m cells, ordered by (bucket, device). All arrays are (m,).

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


def bucket_of(time_us: IntColumn) -> IntColumn:
    """(n,) start of the bucket that holds each instant; half-open, so a reading at its end belongs to the next."""
    return time_us - time_us % BUCKET_US


def roll_up(
    *,
    device_id: IntColumn,
    time_us: IntColumn,
    power_kw: FloatColumn,
    quality: NDArray[np.int16],
    first_available_us: IntColumn,
    available_us: IntColumn,
) -> Rollup:
    """Cells of n readings, which must be unique in (time, device).

    The mean is taken in order of time whatever the order of arrival, so that a shuffled repeat gives the same bits.
    """
    bucket_us = bucket_of(time_us)
    order = np.lexsort((time_us, device_id, bucket_us))
    bucket_us, device_id, power_kw = bucket_us[order], device_id[order], power_kw[order]
    new = np.ones(bucket_us.size, dtype=bool)
    new[1:] = (bucket_us[1:] != bucket_us[:-1]) | (device_id[1:] != device_id[:-1])
    first = np.flatnonzero(new)
    if first.size == bucket_us.size:  # one reading in each cell: nothing to add up
        mean_kw = min_kw = max_kw = power_kw
        count = np.ones(first.size, dtype=np.int64)
    else:
        count = np.diff(np.append(first, bucket_us.size))
        mean_kw = _mean(power_kw, first, count)
        min_kw, max_kw = np.minimum.reduceat(power_kw, first), np.maximum.reduceat(power_kw, first)
    return Rollup(
        bucket_us=bucket_us[first],
        device_id=device_id[first],
        count=count,
        energy_kwh=energy_kwh(mean_kw, BUCKET_MINUTES),
        min_kw=min_kw,
        max_kw=max_kw,
        quality=np.bitwise_or.reduceat(quality[order], first) if first.size else quality,
        first_available_us=_reduce(np.minimum, first_available_us[order], first),
        available_us=_reduce(np.maximum, available_us[order], first),
    )


def _mean(power_kw: FloatColumn, first: IntColumn, count: IntColumn) -> FloatColumn:
    """Mean per cell; dividing before adding keeps readings near the largest float finite."""
    share = power_kw / np.repeat(count, count)
    return np.add.reduceat(share, first)


def _reduce(ufunc: np.ufunc, values: IntColumn, first: IntColumn) -> IntColumn:
    if first.size in (0, values.size):
        return values
    reduced: IntColumn = ufunc.reduceat(values, first)
    return reduced
