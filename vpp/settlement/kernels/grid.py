"""Where an event's slots lie in a series, on the event day and on every reference day.

The grid depends on zone, event and series only, so that many sites share one: per site only values are gathered.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from vpp.lib.periods import as_datetime64
from vpp.settlement.kernels.answers import FloatArray
from vpp.settlement.kernels.calendar import day_slots_utc, local_date, wall_clock
from vpp.settlement.kernels.profiles import Window
from vpp.settlement.kernels.slots import (
    Event,
    IntArray,
    Series,
    Slots,
    event_intervals,
    local_midnight,
    window_intervals,
)


@dataclass(frozen=True, slots=True)
class EventGrid:
    """Index arrays into a series; -1 is missing.

    starts, coverage : (E,) event intervals and the share of each inside the event.
    window_starts    : (W,) adjustment-window intervals.
    actual           : (E + W,) positions on the event day.
    dates            : D reference dates, most recent first.
    first, second    : (D, E + W) positions on each reference day; second only in a repeated hour.
    touched          : the day offsets that the event's slots touch.
    reach            : the day offsets that any slot, of event or window, touches.
    """

    event_date: date
    starts: NDArray[np.datetime64]
    coverage: FloatArray
    window_starts: NDArray[np.datetime64]
    actual: IntArray
    dates: tuple[date, ...]
    first: IntArray
    second: IntArray
    touched: tuple[int, ...]
    reach: tuple[int, ...]
    series: Series
    zone: ZoneInfo

    @property
    def n_event(self) -> int:
        """How many slots belong to the event; the others are window slots."""
        return self.coverage.size

    @property
    def slots(self) -> Slots:
        """The slots of the event day."""
        return Slots(self.starts, self.coverage, self.window_starts, self.series.step_s)

    def midnight_index(self, day: date) -> int:
        """Position of a local midnight in the series; may lie outside it."""
        midnight = as_datetime64(local_midnight(day, self.zone))
        return int((midnight - self.series.start).astype("timedelta64[s]").astype(int)) // self.series.step_s

    def actual_values(self, values: FloatArray) -> FloatArray:
        """(E + W,) values of the event day."""
        return np.append(values, np.nan)[self.actual]

    def reference_values(self, values: FloatArray) -> FloatArray:
        """(D, E + W) values of the reference days, the repeated hour as the mean of both intervals."""
        padded = np.append(values, np.nan)
        taken = padded[self.first]
        repeated = self.second >= 0
        if repeated.any():
            taken[repeated] = 0.5 * (taken[repeated] + padded[self.second[repeated]])
        return taken


def build_grid(
    *,
    event: Event,
    series: Series,
    zone: ZoneInfo,
    windows: tuple[Window, ...],
    first_day: int,
    last_day: int,
    window_starts: NDArray[np.datetime64] | None = None,
) -> EventGrid:
    """The grid of an event over the reference days day-first_day (most recent) to day-last_day.

    window_starts : (W,) window slots given one by one instead of by `windows`.
    """
    starts, coverage = event_intervals(event, series)
    if window_starts is None:
        window_starts = window_intervals(event, windows, series)
    slots = np.concatenate([starts, window_starts])
    event_date = local_date(event.start, zone)
    walls = [wall_clock(slot, zone) for slot in slots]
    offsets = np.array([(wall.date() - event_date).days for wall in walls], dtype=np.int64)
    # whole minutes: the grids of all markets are; a zone with odd seconds would only make slots missing
    minutes = np.array([wall.hour * 60 + wall.minute for wall in walls], dtype=np.int64)
    dates = tuple(event_date - timedelta(days=back) for back in range(first_day, last_day + 1))
    first, second = _places(dates, offsets, minutes, series, zone)
    return EventGrid(
        event_date=event_date,
        starts=starts,
        coverage=coverage,
        window_starts=window_starts,
        actual=series.index_of(slots),
        dates=dates,
        first=first,
        second=second,
        touched=tuple(int(offset) for offset in np.unique(offsets[: starts.size])),
        reach=tuple(int(offset) for offset in np.unique(offsets)),
        series=series,
        zone=zone,
    )


def _places(
    dates: tuple[date, ...],
    offsets: NDArray[np.int64],
    minutes: NDArray[np.int64],
    series: Series,
    zone: ZoneInfo,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(D, E + W) places in the series of each day's slots, and of their second pass where an hour is repeated; -1 for
    none.
    """
    instants = [day_slots_utc(day, offsets, minutes, zone) for day in dates]
    shape = (len(dates), offsets.size)
    first = series.index_of(np.array([pair[0] for pair in instants]).reshape(-1)).reshape(shape)
    second = series.index_of(np.array([pair[1] for pair in instants]).reshape(-1)).reshape(shape)
    twice = ~np.isnat(np.array([pair[1] for pair in instants])).reshape(shape)
    first[twice & (second < 0)] = -1  # half of a repeated hour is not that hour
    return first, second
