"""Control-group baseline: what similar sites without dispatch did in the same intervals."""

import numpy as np

from vpp.settlement.kernels.answers import Adjustment, BaselineAnswer, FloatArray, Status, insufficient
from vpp.settlement.kernels.grid import Event, Series, event_intervals, window_intervals
from vpp.settlement.kernels.profiles import Window


def answer_control_group(
    values_kwh: FloatArray, control_kwh: FloatArray, event: Event, series: Series, windows: tuple[Window, ...] = ()
) -> BaselineAnswer:
    """B_t = mean over the controls, with windows scaled by treated mean / control mean over them.

    values_kwh  : (T,) the treated site or group.
    control_kwh : (C, T) one row per control; a control with a missing slot leaves the whole mean (never patched).
    """
    starts, coverage = event_intervals(event, series)
    padded = np.append(values_kwh, np.nan)
    actual = padded[series.index_of(starts)]
    window_index = series.index_of(window_intervals(event, windows, series))
    index = np.concatenate([series.index_of(starts), window_index])
    controls = np.column_stack([control_kwh, np.full(len(control_kwh), np.nan)])[:, index]
    whole = ~np.isnan(controls).any(axis=1)
    if not whole.any():
        return insufficient("CONTROL_GROUP", starts, coverage, actual, "no control has all its readings")
    mean = controls[whole].mean(axis=0)
    unadjusted = mean[: starts.size]
    adjustment = (
        _scale(padded[window_index], mean[starts.size :]) if windows else Adjustment("none", "none", np.nan, 1.0)
    )
    return BaselineAnswer(
        status=Status.OK,
        method="CONTROL_GROUP",
        starts=starts,
        coverage=coverage,
        unadjusted_kwh=unadjusted,
        baseline_kwh=unadjusted * adjustment.applied,
        actual_kwh=actual,
        adjustment=adjustment,
        extra={"controls_used": int(whole.sum()), "controls_left_out": int((~whole).sum())},
    )


def _scale(treated: FloatArray, control: FloatArray) -> Adjustment:
    if np.isnan(treated).any():
        return Adjustment("multiplicative", "window_missing", float("nan"), 1.0)
    if control.mean() <= 0:
        return Adjustment("multiplicative", "window_baseline_not_positive", float("nan"), 1.0)
    if treated.mean() < 0:
        return Adjustment("multiplicative", "window_actual_negative", float("nan"), 1.0)
    ratio = float(treated.mean() / control.mean())
    return Adjustment("multiplicative", "applied", ratio, ratio)
