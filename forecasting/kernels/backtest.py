"""Forecast past days as they would have been, and score them against the same slot of last week."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.kernels.scores import coverage, crps_from_quantiles, mean_absolute_error
from forecasting.kernels.series import PRICE, class_of_series, regular

Array = NDArray[np.float64]

DECILES = np.arange(1, 10) / 10
ISSUE_HOURS_BEFORE = 14
NAIVE_DAYS = 28
ALARM_DAYS = 7
ALARM_BELOW, ALARM_ABOVE = 0.70, 0.90


@dataclass(frozen=True)
class SeriesScore:
    """Mean scores of one series over the days; ratios to the same slot of last week, below 1 is better.

    drift : days at which the coverage of the 80 % band over the last seven days had left 0.70 to 0.90.
    """

    series: str
    days: int
    mae: float
    mae_ratio: float
    crps_ratio: float
    coverage: float
    drift: int


def backtest(
    history: pd.DataFrame,
    exog: pd.DataFrame | None,
    *,
    first: date,
    last: date,
    every_days: int,
    zone: str,
    step_minutes: int,
    forecast: Callable[..., pd.DataFrame],
    name_zone: bool = True,
) -> list[SeriesScore]:
    """Every `every_days`-th local day from first to last, issued at 10:00 the day before; worst series first.

    name_zone : tell the forecast the time zone; without it, it finds the local clock by itself.
    """
    whole = regular(history, step_minutes=step_minutes)
    frame = pd.DataFrame(whole.values.T, pd.DatetimeIndex(whole.starts).tz_localize("UTC"), whole.names)
    scores: dict[str, list[tuple[float, ...]]] = {name: [] for name in whole.names}
    kinds = {
        name: class_of_series(name, values, whole.starts)
        for name, values in zip(whole.names, whole.values, strict=True)
    }
    for day in _days(first, last, every_days):
        target = _local_day(day, zone, step_minutes)
        issue = target[0] - pd.Timedelta(hours=ISSUE_HOURS_BEFORE)
        for price in (False, True):
            names = [name for name, kind in kinds.items() if (kind == PRICE) == price]
            if not names:
                continue
            known = frame.loc[frame.index < (target[0] if price else issue), names]
            known.attrs["time_zone"] = zone if name_zone else ""
            found = forecast(known, issue, target, DECILES.tolist(), exog)
            for name in names:
                scores[name] += _scored(frame[name], found[name].to_numpy(), target, step_minutes)
    rows = [_summary(name, np.array(of_days)) for name, of_days in scores.items() if of_days]
    return sorted(rows, key=lambda row: -row.crps_ratio)


def _days(first: date, last: date, every_days: int) -> Iterator[date]:
    while first <= last:
        yield first
        first += timedelta(days=every_days)


def _local_day(day: date, zone: str, step_minutes: int) -> pd.DatetimeIndex:
    start, end = (pd.Timestamp(one, tz=zone) for one in (day, day + timedelta(days=1)))
    return pd.date_range(
        start.tz_convert("UTC"), end.tz_convert("UTC"), freq=f"{step_minutes}min", inclusive="left", name="time"
    )


def _scored(series: pd.Series, found: Array, target: pd.DatetimeIndex, step_minutes: int) -> list[tuple[float, ...]]:
    """One row (mae, naive mae, crps, naive crps, coverage), or none where the day was not measured."""
    actual, naive = series.reindex(target).to_numpy(), _naive(series, target, step_minutes)
    both = np.isfinite(actual) & np.isfinite(naive).all(axis=1)
    if not both.any():
        return []
    actual, naive, found = actual[both], naive[both], found[both]
    return [
        (
            mean_absolute_error(actual, found[:, 4]),
            mean_absolute_error(actual, series.reindex(target[both] - pd.Timedelta(days=7)).to_numpy()),
            crps_from_quantiles(actual, found, DECILES),
            crps_from_quantiles(actual, naive, DECILES),
            coverage(actual, found[:, 0], found[:, 8]),
        )
    ]


def _naive(series: pd.Series, target: pd.DatetimeIndex, step_minutes: int) -> Array:
    """(H, 9) deciles of the weekly naive: last week plus its errors of 28 days, each slot with its two neighbours."""
    week, per_day = pd.Timedelta(days=7), 1440 // step_minutes
    base = series.reindex(target - week).to_numpy()
    past = pd.date_range(end=target[0] - pd.Timedelta(hours=24), periods=NAIVE_DAYS * per_day, freq=target.freq)
    errors = series.reindex(past).to_numpy() - series.reindex(past - week).to_numpy()
    slot = (past.hour * 60 + past.minute) // step_minutes
    out = np.repeat(base[:, None], len(DECILES), axis=1)
    for place, one in enumerate((target.hour * 60 + target.minute) // step_minutes):
        near = errors[np.isin(slot, [(one - 1) % per_day, one, (one + 1) % per_day])]
        near = near[np.isfinite(near)]
        if len(near):
            out[place] += np.quantile(near, DECILES)
    return out


def _summary(name: str, of_days: Array) -> SeriesScore:
    mae, naive, crps, naive_crps, covered = of_days.mean(axis=0)
    recent = np.array(
        [of_days[max(end - ALARM_DAYS, 0) : end, 4].mean() for end in range(ALARM_DAYS, len(of_days) + 1)]
    )
    drift = int(((recent < ALARM_BELOW) | (recent > ALARM_ABOVE)).sum())
    return SeriesScore(name, len(of_days), mae, _ratio(mae, naive), _ratio(crps, naive_crps), covered, drift)


def _ratio(ours: float, theirs: float) -> float:
    """1 where both are without error, infinite where only the other is."""
    if theirs > 0:
        return ours / theirs
    return 1.0 if ours <= 0 else float("inf")
