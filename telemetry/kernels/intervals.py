"""Readings of intervals that are not ours: longer than a quarter hour, or in two directions apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from telemetry.kernels.batch import VALUE_COLUMNS, IntColumn, ReadingBatch, batch_of
from telemetry.kernels.quality import Quality
from telemetry.kernels.rollup import BUCKET_US

QUARTER_S = BUCKET_US // 1_000_000


def spread(batch: ReadingBatch, duration_s: IntColumn) -> ReadingBatch:
    """The same, with a reading of several whole quarter hours as one reading in each of them, flagged SPREAD.

    duration_s : (n,) length of each reading's interval; its mean power holds in every quarter, its energy is divided.
    Other lengths stay as they are.
    """
    whole = (duration_s > QUARTER_S) & (duration_s % QUARTER_S == 0)
    parts = np.where(whole, duration_s // QUARTER_S, 1)
    if not whole.any():
        return batch
    source = np.repeat(np.arange(batch.size), parts)
    place = np.arange(source.size) - np.repeat(np.cumsum(parts) - parts, parts)
    return replace(
        batch,
        device=batch.device[source],
        time_us=batch.time_us[source] + place * BUCKET_US,
        power_kw=batch.power_kw[source],
        energy_kwh=batch.energy_kwh[source] / parts[source],
        soc_kwh=batch.soc_kwh[source],
        voltage_pu=batch.voltage_pu[source],
        correction=batch.correction[source],
        row=batch.row[source],
        quality=batch.quality[source] | np.where(whole[source], np.int16(Quality.SPREAD), np.int16(0)),
    )


def net_of(batches: Sequence[ReadingBatch], codes: Sequence[str]) -> ReadingBatch:
    """One batch of batches over the same codes; readings of one device and instant (a meter that counts consumption and
    production apart, each with its sign) are added up, their flags joined. The row is that of the first."""
    names = ("device", "time_us", "row", "quality", *VALUE_COLUMNS)
    columns = {name: np.concatenate([getattr(batch, name) for batch in batches]) for name in names}
    order = np.lexsort((columns["time_us"], columns["device"]))
    columns = {name: values[order] for name, values in columns.items()}
    new = np.ones(order.size, dtype=bool)
    new[1:] = (np.diff(columns["device"]) != 0) | (np.diff(columns["time_us"]) != 0)
    first = np.flatnonzero(new)
    if first.size:
        for name in ("power_kw", "energy_kwh"):
            columns[name] = np.add.reduceat(columns[name], first)
        columns["quality"] = np.bitwise_or.reduceat(columns["quality"], first)
        for name in ("device", "time_us", "row", "soc_kwh", "voltage_pu"):
            columns[name] = columns[name][first]
    return batch_of(codes=codes, refused=[each for batch in batches for each in batch.refused], **columns)
