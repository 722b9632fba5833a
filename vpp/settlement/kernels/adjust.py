"""The same-day adjustment: the baseline meets the event day's own level."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from vpp.settlement.kernels.answers import NO_ADJUSTMENT, Adjustment, FloatArray
from vpp.settlement.kernels.profiles import AdjustmentRule
from vpp.settlement.kernels.slots import Slots


def adjust(
    mean_kwh: FloatArray,
    actual_kwh: FloatArray,
    grid: Slots,
    rule: AdjustmentRule,
    other_events: Sequence[tuple[datetime, datetime]],
) -> tuple[Adjustment, FloatArray]:
    """The adjustment and the (E,) adjusted baseline.

    mean_kwh, actual_kwh : (E + W,) baseline and readings in the event's and the window's slots.
    grid                 : where those slots lie.

    Where no adjustment is possible the factor is 1 or the addend 0, and the status says why.
    """
    unadjusted = mean_kwh[: grid.n_event]
    if rule.kind == "none":
        return NO_ADJUSTMENT, unadjusted.copy()
    base_window, actual_window = mean_kwh[grid.n_event :], actual_kwh[grid.n_event :]
    neutral = 1.0 if rule.kind == "multiplicative" else 0.0
    hindrance = _hindrance(base_window, actual_window, grid, rule, other_events)
    if hindrance:
        return Adjustment(rule.kind, hindrance, float("nan"), neutral), unadjusted.copy()
    base, actual = float(base_window.mean()), float(actual_window.mean())
    raw = actual / base if rule.kind == "multiplicative" else actual - base
    applied = min(max(raw, _or(rule.minimum, -np.inf)), _or(rule.maximum, np.inf))
    status = "applied" if applied == raw else "capped"
    adjusted = unadjusted * applied if rule.kind == "multiplicative" else unadjusted + applied
    return Adjustment(rule.kind, status, raw, applied), adjusted


def _or(value: float | None, default: float) -> float:
    return default if value is None else float(value)


def _hindrance(
    base_window: FloatArray,
    actual_window: FloatArray,
    grid: Slots,
    rule: AdjustmentRule,
    other_events: Sequence[tuple[datetime, datetime]],
) -> str:
    if base_window.size == 0 or np.isnan(actual_window).any() or np.isnan(base_window).any():
        return "window_missing"
    if grid.overlaps(other_events):
        return "window_overlaps_event"
    if rule.kind == "multiplicative":
        if base_window.mean() <= 0:
            return "window_baseline_not_positive"
        if actual_window.mean() < 0:
            return "window_actual_negative"
    return ""
