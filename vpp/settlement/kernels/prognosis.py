"""D-prognoses (UFTP): the schedule that a portfolio sent ahead is its baseline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from vpp.lib.periods import as_datetime64
from vpp.settlement.kernels.answers import BaselineAnswer, FloatArray, insufficient
from vpp.settlement.kernels.calendar import local_date
from vpp.settlement.kernels.schedule import answer_schedule
from vpp.settlement.kernels.slots import Event, Series, event_intervals, local_midnight

WATT_HOURS_PER_KWH = 1000.0


@dataclass(frozen=True, slots=True)
class Prognosis:
    """One message: (first ISP counted from 1, number of ISPs, W), load positive, on the event's local date."""

    reference: str
    sent_at: datetime
    isps: Sequence[tuple[int, int, float]]
    accepted: bool = True


def answer_prognosis(
    values_kwh: FloatArray,
    event: Event,
    series: Series,
    zone: ZoneInfo,
    prognoses: Sequence[Prognosis],
    ordered_at: datetime,
    isp_minutes: int,
) -> BaselineAnswer:
    """The baseline is the latest accepted prognosis sent before the order (UFTP specification, D-prognosis).

    ordered_at : when flexibility was ordered; a later prognosis is no baseline.
    """
    starts, coverage = event_intervals(event, series)
    actual = np.append(values_kwh, np.nan)[series.index_of(starts)]
    usable = [one for one in prognoses if one.accepted and one.sent_at < ordered_at]
    if not usable:
        return insufficient("D_PROGNOSIS", starts, coverage, actual, "no accepted prognosis came before the order")
    latest = max(usable, key=lambda one: (one.sent_at, one.reference))
    schedule = _interval_kwh(latest, event, series, zone, isp_minutes)
    answer = answer_schedule(values_kwh, event, series, schedule, "D_PROGNOSIS")
    answer.extra["prognosis"] = latest.reference
    return answer


def _interval_kwh(prognosis: Prognosis, event: Event, series: Series, zone: ZoneInfo, isp_minutes: int) -> FloatArray:
    """(E,) kWh of each event interval from mean W per ISP; NaN where an interval is not wholly covered by ISPs."""
    starts, _ = event_intervals(event, series)
    midnight = as_datetime64(local_midnight(local_date(event.start, zone), zone))
    begin_s = (starts - midnight).astype("timedelta64[s]").astype(np.int64)
    covered_s = np.zeros(starts.size)
    watt_seconds = np.zeros(starts.size)
    for first, count, power_w in prognosis.isps:
        low, high = (first - 1) * isp_minutes * 60, (first - 1 + count) * isp_minutes * 60
        overlap = np.maximum(np.minimum(begin_s + series.step_s, high) - np.maximum(begin_s, low), 0)
        covered_s += overlap
        watt_seconds += overlap * power_w
    kwh = watt_seconds / 3600 / WATT_HOURS_PER_KWH
    return np.asarray(np.where(covered_s == series.step_s, kwh, np.nan), dtype=np.float64)
