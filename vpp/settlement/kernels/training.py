"""What baselines that learn from the past have in common: which intervals they may learn from, and their answer."""

from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from vpp.lib.periods import as_datetime64
from vpp.settlement.kernels.adjust import adjust
from vpp.settlement.kernels.answers import BaselineAnswer, FloatArray, Status, insufficient
from vpp.settlement.kernels.calendar import local_date, wall_clock
from vpp.settlement.kernels.circumstances import Circumstances
from vpp.settlement.kernels.profiles import AdjustmentRule
from vpp.settlement.kernels.slots import Event, IntArray, Series, Slots, local_midnight, slots_of


@dataclass(frozen=True, slots=True)
class Frame:
    """One question to a learning method.

    values_kwh   : (T,) energy per interval of `series`, import positive, NaN missing.
    adjustment   : optional same-day adjustment of what was learnt.
    temperature_f: (T,) outdoor temperature, degrees Fahrenheit, NaN missing; None where there is none.
    """

    values_kwh: FloatArray
    event: Event
    series: Series
    zone: ZoneInfo
    circumstances: Circumstances
    adjustment: AdjustmentRule = field(default_factory=AdjustmentRule)
    temperature_f: FloatArray | None = None

    @property
    def slots(self) -> Slots:
        """Event and window slots."""
        return slots_of(self.event, self.adjustment.windows, self.series)

    @property
    def slot_index(self) -> IntArray:
        """(E + W,) positions of the slots; -1 outside the series."""
        return self.series.index_of(self.slots.all_starts)

    @property
    def starts(self) -> NDArray[np.datetime64]:
        """(T,) interval starts, UTC."""
        return self.series.start + (np.arange(self.series.size) * self.series.step_s).astype("timedelta64[s]")


def training_span(frame: Frame, lookback_days: int) -> NDArray[np.bool_]:
    """(T,) intervals before the event's local day, at most `lookback_days` back, outside event and outage days."""
    event_date = local_date(frame.event.start, frame.zone)
    starts = frame.starts
    days = [event_date - timedelta(days=back) for back in range(lookback_days + 1)]
    bounds = [as_datetime64(local_midnight(day, frame.zone)) for day in days]
    allowed = (starts >= bounds[-1]) & (starts < bounds[0])
    barred = frame.circumstances.event_days | frame.circumstances.outage_days
    for later, day in enumerate(days[1:]):
        if day in barred:
            allowed &= ~((starts >= bounds[later + 1]) & (starts < bounds[later]))
    return np.asarray(allowed, dtype=np.bool_)


def local_clock(starts: NDArray[np.datetime64], zone: ZoneInfo) -> tuple[IntArray, IntArray, IntArray]:
    """(minutes after local midnight, weekday, ordinal of the local date) of UTC instants, each (K,)."""
    walls = [wall_clock(start, zone) for start in starts]
    minutes = np.array([wall.hour * 60 + wall.minute for wall in walls], dtype=np.int64)
    weekdays = np.array([wall.weekday() for wall in walls], dtype=np.int64)
    return minutes, weekdays, np.array([wall.toordinal() for wall in walls], dtype=np.int64)


def refused(frame: Frame, method: str, reason: str) -> BaselineAnswer:
    """The answer that pays nothing."""
    slots = frame.slots
    actual = np.append(frame.values_kwh, np.nan)[frame.slot_index][: slots.n_event]
    return insufficient(method, slots.starts, slots.coverage, actual, reason)


def learnt_answer(frame: Frame, method: str, predicted_kwh: FloatArray, extra: dict[str, object]) -> BaselineAnswer:
    """The answer from a prediction of every slot; a slot without one is insufficient.

    predicted_kwh : (E + W,) of the event's and the windows' slots; not clipped.
    """
    slots = frame.slots
    if np.isnan(predicted_kwh[: slots.n_event]).any():
        return refused(frame, method, "an event interval has no prediction")
    actual = np.append(frame.values_kwh, np.nan)[frame.slot_index]
    adjustment, adjusted = adjust(predicted_kwh, actual, slots, frame.adjustment, frame.circumstances.other_events)
    return BaselineAnswer(
        status=Status.OK,
        method=method,
        starts=slots.starts,
        coverage=slots.coverage,
        unadjusted_kwh=predicted_kwh[: slots.n_event],
        baseline_kwh=adjusted,
        actual_kwh=actual[: slots.n_event],
        adjustment=adjustment,
        extra=extra,
    )
