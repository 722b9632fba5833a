"""The quarter hours of a closed day of a device as packed columns, all devices of one width."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from telemetry.kernels.day_arrays import PackedColumn, PackedDays, pack_bytes
from telemetry.kernels.judge import DAY_US
from telemetry.kernels.rollup import BUCKET_US, BUCKETS_PER_DAY, Rollup


def pack_rollup(rollup: Rollup) -> PackedDays:
    """Device-days of rollup cells, which must be ordered by (device, bucket) inside each day."""
    day, bucket = rollup.bucket_us // DAY_US, rollup.bucket_us % DAY_US // BUCKET_US
    new = np.ones(rollup.size, dtype=bool)
    new[1:] = (day[1:] != day[:-1]) | (rollup.device_id[1:] != rollup.device_id[:-1])
    first, row = np.flatnonzero(new), np.cumsum(new) - 1
    shape = (first.size, BUCKETS_PER_DAY)

    def spread(values: NDArray, fill: float, dtype: str) -> NDArray:
        cells = np.full(shape, fill, dtype=dtype)
        cells[row, bucket] = values
        return cells

    counts = spread(rollup.count, 0, "<i2")
    single = np.asarray((counts <= 1).all(axis=1))
    quality = spread(rollup.quality, 0, "<i2")
    known_us = np.maximum.reduceat(rollup.available_us, first)
    uniform = np.minimum.reduceat(rollup.available_us, first) == known_us
    columns = {
        "energy_kwh": PackedColumn(
            pack_bytes(spread(rollup.energy_kwh, np.nan, "<f8"), "<f8"), np.zeros(first.size, dtype=bool)
        ),
        "min_kw": PackedColumn(pack_bytes(spread(rollup.min_kw, np.nan, "<f8"), "<f8"), single),
        "max_kw": PackedColumn(pack_bytes(spread(rollup.max_kw, np.nan, "<f8"), "<f8"), single),
        "count": PackedColumn(pack_bytes(counts, "<i2"), single),
        "quality": PackedColumn(pack_bytes(quality, "<i2"), (quality == 0).all(axis=1)),
        "available_us": PackedColumn(pack_bytes(spread(rollup.available_us, 0, "<i8"), "<i8"), uniform),
    }
    return PackedDays(
        day=day[first],
        device_id=rollup.device_id[first],
        count=np.add.reduceat(rollup.count, first),
        first_available_us=np.minimum.reduceat(rollup.first_available_us, first),
        available_us=known_us,
        columns=columns,
    )
