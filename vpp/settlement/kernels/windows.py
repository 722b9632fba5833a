"""Baselines made of the event day itself: meter before / meter after, and means of windows."""

from dataclasses import dataclass

import numpy as np

from vpp.settlement.kernels.answers import BaselineAnswer, FloatArray, Status, insufficient
from vpp.settlement.kernels.grid import Event, Series, event_intervals, window_intervals
from vpp.settlement.kernels.profiles import Window

SHAPES = ("before", "linear", "min", "mean")


@dataclass(frozen=True, slots=True)
class MbmaRule:
    """Meter before / meter after: `intervals` in each window, `gap_intervals` of ramp left out on each side.

    shape : before = mean before; linear = line between the centres of both windows; min = the lower of both means
            (signed, import positive); mean = half of both.
    """

    shape: str
    intervals: int = 4
    gap_intervals: int = 0

    def __post_init__(self) -> None:
        if self.shape not in SHAPES or self.intervals < 1 or self.gap_intervals < 0:
            raise ValueError(f"meter before/after {self.shape!r}, {self.intervals} intervals, gap {self.gap_intervals}")


def answer_mbma(values_kwh: FloatArray, event: Event, series: Series, rule: MbmaRule) -> BaselineAnswer:
    """Baseline from the windows before and after the event; a missing reading in a needed window is insufficient.

    values_kwh : (T,) energy per interval, import positive, NaN missing.
    """
    starts, coverage = event_intervals(event, series)
    index = series.index_of(starts)
    padded = np.append(values_kwh, np.nan)
    actual = padded[index]
    step = np.timedelta64(series.step_s, "s")
    reach = np.arange(1, rule.intervals + 1) + rule.gap_intervals
    before = padded[series.index_of(starts[0] - reach * step)]
    after = padded[series.index_of(starts[-1] + reach * step)]
    name = f"MBMA_{rule.shape.upper()}"
    needed = before if rule.shape == "before" else np.concatenate([before, after])
    if np.isnan(needed).any():
        return insufficient(name, starts, coverage, actual, "a reading of the window before or after is missing")
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
    half = rule.gap_intervals + 0.5 * (rule.intervals + 1)
    span = 2 * half + size - 1
    return np.asarray(before + (after - before) * (np.arange(size) + half) / span, dtype=np.float64)


def answer_window_mean(
    values_kwh: FloatArray, event: Event, series: Series, windows: tuple[Window, ...], name: str = "WINDOW_MEAN"
) -> BaselineAnswer:
    """Constant baseline: the mean of the windows' readings (PJM same-day 3+2 and the like)."""
    starts, coverage = event_intervals(event, series)
    padded = np.append(values_kwh, np.nan)
    actual = padded[series.index_of(starts)]
    read = padded[series.index_of(window_intervals(event, windows, series))]
    if read.size == 0 or np.isnan(read).any():
        return insufficient(name, starts, coverage, actual, "a reading of a window is missing")
    baseline = np.full(starts.size, float(read.mean()))
    return BaselineAnswer(Status.OK, name, starts, coverage, baseline, baseline.copy(), actual)
