"""Baselines that were said before: a constant schedule (an idle battery) or a nomination."""

from datetime import datetime

import numpy as np

from vpp.settlement.kernels.answers import BaselineAnswer, FloatArray, Status, insufficient
from vpp.settlement.kernels.slots import Event, Series, event_intervals


def answer_schedule(
    values_kwh: FloatArray, event: Event, series: Series, schedule_kwh: FloatArray, name: str = "SCHEDULE"
) -> BaselineAnswer:
    """The scheduled energy per interval as baseline.

    schedule_kwh : (E,) one value per interval the event touches, or (1,) for a constant; NaN is insufficient.
    """
    starts, coverage = event_intervals(event, series)
    actual = np.append(values_kwh, np.nan)[series.index_of(starts)]
    if schedule_kwh.size not in (1, starts.size):
        raise ValueError(f"schedule of {schedule_kwh.size} values for {starts.size} intervals")
    baseline = np.broadcast_to(schedule_kwh, starts.shape).astype(np.float64)
    if np.isnan(baseline).any():
        return insufficient(name, starts, coverage, actual, "the schedule has no value for an interval")
    return BaselineAnswer(Status.OK, name, starts, coverage, baseline, baseline.copy(), actual)


def answer_nomination(
    values_kwh: FloatArray,
    event: Event,
    series: Series,
    nomination_kwh: FloatArray | None,
    submitted_at: datetime | None,
    gate_at: datetime,
) -> BaselineAnswer:
    """A nominated profile, accepted only if it was submitted before its gate."""
    starts, coverage = event_intervals(event, series)
    actual = np.append(values_kwh, np.nan)[series.index_of(starts)]
    if nomination_kwh is None or submitted_at is None:
        return insufficient("NOMINATION", starts, coverage, actual, "no nomination was submitted")
    if submitted_at >= gate_at:
        return insufficient("NOMINATION", starts, coverage, actual, "the nomination came after its gate")
    return answer_schedule(values_kwh, event, series, nomination_kwh, "NOMINATION")
