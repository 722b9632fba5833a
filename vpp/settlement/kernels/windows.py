"""Baselines made of the event day itself: meter before / meter after, and means of windows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from vpp.settlement.kernels.answers import BaselineAnswer, FloatArray, Status, insufficient
from vpp.settlement.kernels.profiles import Window
from vpp.settlement.kernels.slots import Event, Series, Slots, event_intervals, slots_of

OtherEvents = Sequence[tuple[datetime, datetime]]

SHAPES = ("before", "linear", "min", "mean")


@dataclass(frozen=True, slots=True)
class MbmaRule:
    """Meter before / meter after: `intervals` in each window, `gap_intervals` of ramp left out on each side.

    shape           : before = mean before; linear = line between the centres of both windows; min = the lower of both
                      means (signed, import positive); mean = half of both.
    after_intervals : length of the window after, where it differs.
    """

    shape: str
    intervals: int = 4
    gap_intervals: int = 0
    after_intervals: int | None = None

    def __post_init__(self) -> None:
        least = min(self.intervals, self.after)
        if self.shape not in SHAPES or least < 1 or self.gap_intervals < 0:
            raise ValueError(f"meter before/after {self.shape!r}, {least} intervals, gap {self.gap_intervals}")

    @property
    def after(self) -> int:
        """Intervals of the window after."""
        return self.intervals if self.after_intervals is None else self.after_intervals


def mbma_rule(params: Mapping[str, Any], event: Event, series: Series) -> MbmaRule:
    """A rule from its JSON form: {shape, intervals | hours, after_intervals | after_hours, gap_intervals | gap_hours}.

    `hours` may be "event": a window is as long as the event, at most `max_hours`.
    """

    def count(field: str, hours_field: str) -> int | None:
        if params.get(hours_field) == "event":
            event_h = (event.end - event.start).total_seconds() / 3600
            return max(1, round(min(event_h, float(params.get("max_hours") or event_h)) * 3600 / series.step_s))
        if params.get(hours_field) is not None:
            return round(float(params[hours_field]) * 3600 / series.step_s)
        return None if params.get(field) is None else int(params[field])

    before, after = count("intervals", "hours"), count("after_intervals", "after_hours")
    return MbmaRule(
        str(params["shape"]), 4 if before is None else before, count("gap_intervals", "gap_hours") or 0, after
    )


def answer_mbma(
    values_kwh: FloatArray, event: Event, series: Series, rule: MbmaRule, other_events: OtherEvents = ()
) -> BaselineAnswer:
    """Baseline from the windows before and after the event; a window with a missing reading, or touched by another
    event, is insufficient.

    values_kwh : (T,) energy per interval, import positive, NaN missing.
    """
    starts, coverage = event_intervals(event, series)
    padded = np.append(values_kwh, np.nan)
    actual = padded[series.index_of(starts)]
    step = np.timedelta64(series.step_s, "s")
    before_starts = starts[0] - (np.arange(1, rule.intervals + 1) + rule.gap_intervals) * step
    after_starts = starts[-1] + (np.arange(1, rule.after + 1) + rule.gap_intervals) * step
    before, after = padded[series.index_of(before_starts)], padded[series.index_of(after_starts)]
    name = f"MBMA_{rule.shape.upper()}"
    only_before = rule.shape == "before"
    if np.isnan(before).any() or (not only_before and np.isnan(after).any()):
        return insufficient(name, starts, coverage, actual, "a reading of the window before or after is missing")
    read = before_starts if only_before else np.concatenate([before_starts, after_starts])
    if Slots(starts, coverage, read, series.step_s).overlaps(other_events):
        return insufficient(name, starts, coverage, actual, "another event lies in the window before or after")
    baseline = _shape(float(before.mean()), float(after.mean()), starts.size, rule)
    return BaselineAnswer(Status.OK, name, starts, coverage, baseline, baseline.copy(), actual)


def _shape(before: float, after: float, size: int, rule: MbmaRule) -> FloatArray:
    if rule.shape == "before":
        return np.full(size, before)
    if rule.shape == "min":
        return np.full(size, min(before, after))
    if rule.shape == "mean":
        return np.full(size, 0.5 * (before + after), dtype=np.float64)
    # linear; positions in intervals from the centre of the first event interval
    lead = rule.gap_intervals + 0.5 * (rule.intervals + 1)
    trail = rule.gap_intervals + 0.5 * (rule.after + 1)
    span = lead + size - 1 + trail
    return np.asarray(before + (after - before) * (np.arange(size) + lead) / span, dtype=np.float64)


def answer_window_mean(
    values_kwh: FloatArray,
    event: Event,
    series: Series,
    windows: tuple[Window, ...],
    name: str = "WINDOW_MEAN",
    other_events: OtherEvents = (),
) -> BaselineAnswer:
    """Constant baseline: the mean of the windows' readings (PJM same-day 3+2 and the like)."""
    slots = slots_of(event, windows, series)
    padded = np.append(values_kwh, np.nan)
    actual = padded[series.index_of(slots.starts)]
    read = padded[series.index_of(slots.window_starts)]
    if read.size == 0 or np.isnan(read).any():
        return insufficient(name, slots.starts, slots.coverage, actual, "a reading of a window is missing")
    if slots.overlaps(other_events):
        return insufficient(name, slots.starts, slots.coverage, actual, "another event lies in a window")
    baseline = np.full(slots.n_event, float(read.mean()))
    return BaselineAnswer(Status.OK, name, slots.starts, slots.coverage, baseline, baseline.copy(), actual)
