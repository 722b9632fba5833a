"""Readings of a zone's devices as the forecast may know them: read part by part, when a part is forecast."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from forecasting import queries
from telemetry import queries as telemetry
from vpp.enrollment.queries import DeviceTable
from vpp.lib.periods import as_datetime64, interval_starts64

STEP_MINUTES = 15
DEVICES_AT_ONCE = 2000  # so many are held in memory; a larger fleet is read again for each of its parts


@dataclass(frozen=True)
class StoredHistory:
    """Mean power (n, T) of the asked rows of a device table, NaN where missing or dispatched, as known at as_of."""

    table: DeviceTable
    start: datetime
    end: datetime
    as_of: datetime

    @property
    def starts(self) -> NDArray[np.datetime64]:
        return interval_starts64(self.start, self.end, STEP_MINUTES)

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        ids = self.table.device_id[rows]
        known = telemetry.interval_power_kw(ids, self.start, self.end, self.as_of, STEP_MINUTES)
        power_kw: NDArray[np.float32] = known.astype(np.float32)
        row_of, starts = {int(one): row for row, one in enumerate(ids)}, self.starts
        for device_id, since, until in queries.dispatched_periods(ids, self.start, self.end, self.as_of):
            inside = (starts >= as_datetime64(since)) & (starts < as_datetime64(until))
            power_kw[row_of[device_id], inside] = np.nan
        return power_kw


def history_of(
    table: DeviceTable, start: datetime, end: datetime, as_of: datetime
) -> tuple[StoredHistory | NDArray[np.float32], NDArray[np.datetime64]]:
    """Histories and their starts (T,), the days before the first reading left out; batteries have none.

    A small fleet comes as an array; of a large one the first reading of a sample says where history begins.
    """
    measured = np.flatnonzero(~table.of_kind("BATTERY"))
    stored = StoredHistory(table, start, end, as_of)
    sample = measured[:: -(-len(measured) // DEVICES_AT_ONCE) or 1]
    known, starts = stored[sample], stored.starts
    seen = np.flatnonzero(np.isfinite(known).any(axis=0))
    first = int(seen[0]) if len(seen) else max(len(starts) - 1, 0)
    if len(sample) < len(measured):
        begin = starts[first].astype("datetime64[s]").item().replace(tzinfo=end.tzinfo)
        return StoredHistory(table, begin, end, as_of), starts[first:]
    power_kw = np.full((len(table), len(starts) - first), np.nan, dtype=np.float32)
    power_kw[measured] = known[:, first:]
    return power_kw, starts[first:]
