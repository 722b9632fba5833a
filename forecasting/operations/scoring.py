"""Score a delivered day against its readings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from forecasting import queries
from forecasting.models import Accuracy, Forecast, ForecastRun
from forecasting.operations.drift import watch_bands
from forecasting.operations.inputs import holidays_around
from telemetry import queries as telemetry
from vpp.enrollment.models import Device
from vpp.lib.periods import DeliveryDay, as_datetime64

FloatArray = NDArray[np.float64]

ROWS_PER_READ = 2000
SILENT_SHARE = 0.05
SCORES = ("naive_mae_kw", "challenger_mae_kw", "pinball_kw", "crps_kw", "coverage")


def score_day(*, zone_code: str, delivery_date: date, at: datetime) -> int:
    """Write the accuracy rows of a zone's delivered day, from the runs that were known before it, and mind the alarms.

    Readings as known at `at`. Safe to repeat: the day's rows are replaced, so that late readings count. Returns the
    number of rows; 0 where the day was not forecast.
    """
    runs = _runs_of(zone_code, delivery_date)
    if not runs:
        return 0
    day = DeliveryDay(delivery_date, runs[0].time_zone, runs[0].step_minutes)
    kind_of_day = _day_type(zone_code, delivery_date)
    rows: list[Accuracy] = []
    for run in runs:
        if run.portfolio_id is not None:
            rows += _devices(run, day, at)
        rows += _total(run, day, at)
    rows += _classes([row for row in rows if row.scope == Accuracy.Scope.DEVICE])
    for row in rows:
        row.zone_code, row.delivery_date, row.day_type, row.available_at = zone_code, delivery_date, kind_of_day, at
    with transaction.atomic():
        Accuracy.objects.filter(zone_code=zone_code, delivery_date=delivery_date).delete()
        Accuracy.objects.bulk_create(rows, batch_size=ROWS_PER_READ)
        watch_bands(zone_code, delivery_date)
    return len(rows)


def _runs_of(zone_code: str, delivery_date: date) -> list[ForecastRun]:
    """The newest run of each portfolio and feeder that was made before the day's end."""
    runs = ForecastRun.objects.filter(zone_code=zone_code, delivery_date=delivery_date).order_by("version", "pk")
    newest = {(run.portfolio_id, run.feeder_code): run for run in runs}
    return list(newest.values())


def _day_type(zone_code: str, delivery_date: date) -> int:
    from forecasting.kernels.calendar import day_types

    holidays = holidays_around(zone_code, delivery_date)
    return int(day_types(np.array([delivery_date], dtype="datetime64[D]"), holidays)[0])


def _devices(run: ForecastRun, day: DeliveryDay, at: datetime) -> list[Accuracy]:
    from forecasting.kernels.classes import class_of
    from forecasting.kernels.scores import daily_scores

    forecasts = Forecast.objects.filter(run=run, scope=Forecast.Scope.DEVICE).exclude(device__kind=Device.Kind.BATTERY)
    written: list[Accuracy] = []
    for part in _in_parts(forecasts.select_related("device").order_by("device_id")):
        ids = np.array([row.device_id for row in part], dtype=np.int64)
        mean, levels = np.array([row.mean_kw for row in part], dtype=np.float64), np.array(part[0].levels)
        quantiles = np.array([row.quantiles_kw for row in part], dtype=np.float64).reshape(*mean.shape, -1)
        challenger = np.array([row.mean_kw if row.challenger_kw is None else row.challenger_kw for row in part])
        others = {"naive": _week_before(ids, day, at), "challenger": challenger.astype(np.float64)}
        median = _median_of(mean, quantiles, levels)
        scores = daily_scores(_undispatched(ids, day, at), median, quantiles, levels, others)
        for place in np.flatnonzero(scores["intervals"]):
            row = part[place]
            kind = class_of(row.device.kind).name if row.device else ""
            one = _row(Accuracy.Scope.DEVICE, kind, scores, int(place))
            one.device_id, one.rungs = row.device_id, {row.rung: 1}
            written.append(one)
    return written


def _median_of(mean_kw: FloatArray, quantiles_kw: FloatArray, levels: FloatArray) -> FloatArray:
    """(N, H) the point forecast whose absolute error is least: the median, or the mean where no median is stored."""
    middle = np.flatnonzero(np.isclose(levels, 0.5))
    return quantiles_kw[..., middle[0]] if len(middle) else mean_kw


def _total(run: ForecastRun, day: DeliveryDay, at: datetime) -> list[Accuracy]:
    """A portfolio or feeder against the sum of its measured devices; intervals that the plant moved are left out."""
    from forecasting.kernels.scores import daily_scores

    row = Forecast.objects.filter(run=run, scope__in=[Forecast.Scope.PORTFOLIO, Forecast.Scope.FEEDER]).first()
    ids = np.array(sorted(row.member_ids), dtype=np.int64) if row is not None else np.zeros(0, dtype=np.int64)
    if row is None or not len(ids):
        return []
    observed, before = _sums(ids, day, at)
    levels = np.array(row.levels)
    scores = daily_scores(
        observed[None],
        np.asarray(row.mean_kw, dtype=np.float64)[None],
        queries.quantiles_kw(row)[None] if len(levels) else None,
        levels,
        {"naive": before[None]},
    )
    if not scores["intervals"][0]:
        return []
    one = _row(Accuracy.Scope(row.scope), row.scope.lower(), scores, 0)
    one.portfolio_id, one.feeder_code, one.rungs = run.portfolio_id, run.feeder_code, {row.rung: 1}
    return [one]


def _sums(ids: NDArray[np.int64], day: DeliveryDay, at: datetime) -> tuple[FloatArray, FloatArray]:
    """(H,) sum of the day and of the week before, NaN where more than 5 % of the devices have no say.

    The few others stand in with their week before, else with nothing.
    """
    observed, before, silent, unknown = (np.zeros(day.n_intervals) for _ in range(4))
    for first in range(0, len(ids), ROWS_PER_READ):
        part = ids[first : first + ROWS_PER_READ]
        now, week = _undispatched(part, day, at), _week_before(part, day, at)
        silent += np.isnan(now).sum(axis=0)
        unknown += np.isnan(week).sum(axis=0)
        observed += np.nan_to_num(np.where(np.isnan(now), week, now)).sum(axis=0)
        before += np.nan_to_num(week).sum(axis=0)
    most = SILENT_SHARE * len(ids)
    return np.where(silent <= most, observed, np.nan), np.where(unknown <= most, before, np.nan)


def _undispatched(ids: NDArray[np.int64], day: DeliveryDay, at: datetime) -> FloatArray:
    """(N, H) measured power, NaN where there is none or the plant moved the device."""
    observed = telemetry.interval_power_kw(ids, day.start, day.end, at, day.step_minutes).astype(np.float64)
    row_of, starts = {int(one): place for place, one in enumerate(ids)}, day.starts64()
    for device_id, since, until in queries.dispatched_periods(ids, day.start, day.end, at):
        inside = (starts >= as_datetime64(since)) & (starts < as_datetime64(until))
        observed[row_of[device_id], inside] = np.nan
    return observed


def _week_before(ids: NDArray[np.int64], day: DeliveryDay, at: datetime) -> FloatArray:
    """(N, H) measured power of the same slots a week before; NaN for slots which that day did not have."""
    week = day.shifted(-7)
    found = np.full((len(ids), day.n_intervals), np.nan)
    known = telemetry.interval_power_kw(ids, week.start, week.end, at, day.step_minutes)
    slots = min(day.n_intervals, week.n_intervals)
    found[:, :slots] = known[:, :slots]
    return found


def _row(scope: Accuracy.Scope, kind: str, scores: dict[str, FloatArray], place: int) -> Accuracy:
    row = Accuracy(scope=scope, class_name=kind, mae_kw=float(scores["mae_kw"][place]))
    row.intervals = int(scores["intervals"][place])
    for name in SCORES:
        value = float(scores[name][place]) if name in scores else np.nan
        setattr(row, name, value if np.isfinite(value) else None)
    return row


def _classes(devices: list[Accuracy]) -> list[Accuracy]:
    """One row per class: means over its series, each with the weight of its intervals."""
    written = []
    for name in sorted({row.class_name for row in devices}):
        rows = [row for row in devices if row.class_name == name]
        one = Accuracy(scope=Accuracy.Scope.CLASS, class_name=name, series=len(rows))
        one.intervals = sum(row.intervals for row in rows)
        for score in ("mae_kw", *SCORES):
            have = [(getattr(row, score), row.intervals) for row in rows if getattr(row, score) is not None]
            weight = sum(intervals for _, intervals in have)
            setattr(one, score, sum(value * part for value, part in have) / weight if weight else None)
        rungs: Counter[str] = Counter()
        for row in rows:
            rungs.update(row.rungs)
        one.rungs = dict(rungs)
        written.append(one)
    return written


def _in_parts(forecasts: Any) -> Iterable[list[Forecast]]:
    part: list[Forecast] = []
    for row in forecasts.iterator(chunk_size=ROWS_PER_READ):
        part.append(row)
        if len(part) == ROWS_PER_READ:
            yield part
            part = []
    if part:
        yield part
