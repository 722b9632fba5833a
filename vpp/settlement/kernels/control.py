"""Control-group baseline: what similar sites without dispatch did in the same intervals."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from vpp.settlement.kernels.adjust import adjust
from vpp.settlement.kernels.answers import BaselineAnswer, FloatArray, Status, insufficient
from vpp.settlement.kernels.profiles import AdjustmentRule
from vpp.settlement.kernels.slots import Event, Series, slots_of


def answer_control_group(
    values_kwh: FloatArray,
    control_kwh: FloatArray,
    event: Event,
    series: Series,
    adjustment: AdjustmentRule,
    other_events: Sequence[tuple[datetime, datetime]] = (),
) -> BaselineAnswer:
    """B_t = mean over the controls, adjusted to the treated group's level in the windows.

    values_kwh  : (T,) the treated site or group.
    control_kwh : (C, T) one row per control; a control with a missing slot leaves the whole mean (never patched).
    """
    slots = slots_of(event, adjustment.windows, series)
    index = series.index_of(slots.all_starts)
    actual = np.append(values_kwh, np.nan)[index]
    event_actual = actual[: slots.n_event]
    controls = np.column_stack([control_kwh, np.full(len(control_kwh), np.nan)])[:, index]
    whole = ~np.isnan(controls).any(axis=1)
    if not whole.any():
        reason = "no control has all its readings"
        return insufficient("CONTROL_GROUP", slots.starts, slots.coverage, event_actual, reason)
    mean = controls[whole].mean(axis=0)
    scale, adjusted = adjust(mean, actual, slots, adjustment, other_events)
    return BaselineAnswer(
        status=Status.OK,
        method="CONTROL_GROUP",
        starts=slots.starts,
        coverage=slots.coverage,
        unadjusted_kwh=mean[: slots.n_event],
        baseline_kwh=adjusted,
        actual_kwh=event_actual,
        adjustment=scale,
        extra={"controls_used": int(whole.sum()), "controls_left_out": int((~whole).sum())},
    )
