"""Accuracy of the nightly ladder on public data: `python -m tests.benchmarks.nightly_accuracy FOLDER simbench --days 28`.

The same files, days and ratios as `forecast_accuracy`, but forecast by `forecast_fleet`, as the nightly run does it, from
its 56 days of history and with the country's holidays. Beside each class stands the share of series whose MAE over the
days is at most 1.02 of the best naive's: last week, the latest day, the mean of seven days.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import holidays
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.kernels.fleet import FleetInput, forecast_fleet
from forecasting.kernels.gradient import LEVELS
from forecasting.kernels.ladder import HISTORY_DAYS
from forecasting.kernels.scores import coverage, crps_from_quantiles, mean_absolute_error
from tests.benchmarks.forecast_accuracy import CASES, Case, class_name, fewer, in_utc
from vpp.lib.periods import DeliveryDay

KINDS = {"pv": "PV", "wind": "WIND", "ev": "EV_CHARGER", "heat pump": "HEAT_PUMP"}
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Night:
    """Scores (N,) of one delivery day: MAE of mean, median and profile, and of three naive forecasts (3, N)."""

    mae: Array
    median: Array
    profile: Array
    naive: Array
    crps: Array
    covered: Array


def fleet_of(case: Case, day: date) -> tuple[FleetInput, DeliveryDay]:
    """What the nightly run would be given at 10:00 on the day before."""
    delivery = DeliveryDay(day, case.zone, case.step_minutes)
    target = delivery.starts64()
    issue = target[0] - np.timedelta64(14, "h")
    first = issue - np.timedelta64(HISTORY_DAYS, "D")
    frame = in_utc_frame(case.history)
    starts = frame.index.tz_localize(None).to_numpy().astype("datetime64[s]")
    known = (starts >= first) & (starts + np.timedelta64(case.step_minutes, "m") <= issue)
    kinds = [KINDS.get(class_name(str(name)), "LOAD") for name in frame]
    sign = np.array([-1.0 if kind in ("PV", "WIND") else 1.0 for kind in kinds])
    power = sign[:, None] * frame.to_numpy(float)[known].T
    none = np.zeros(len(kinds))
    peak = 1.3 * np.nanmax(np.abs(frame.to_numpy(float)), axis=0)  # the nameplate of an enrolled device
    return FleetInput(
        power_kw=power.astype(np.float32),
        starts=starts[known],
        kinds=kinds,
        max_consumption_kw=np.where(sign > 0, peak, none),
        max_production_kw=np.where(sign < 0, peak, none),
        issue=issue,
        target_starts=target,
        zone=case.zone,
        portfolio=np.full(len(kinds), -1),
        feeder=np.full(len(kinds), -1),
        site=np.arange(len(kinds)),
        step_minutes=case.step_minutes,
        holidays=frozenset(holidays.country_holidays(case.country, years=[day.year - 1, day.year, day.year + 1])),
        seed=1,
    ), delivery


def in_utc_frame(frame: pd.DataFrame) -> pd.DataFrame:
    return frame if frame.index.tz else frame.tz_localize("UTC")


def score_night(case: Case, day: date) -> Night:
    fleet, delivery = fleet_of(case, day)
    found = forecast_fleet(fleet)
    sign = np.where(fleet.max_production_kw > 0, -1.0, 1.0)
    mean = sign[:, None] * found.on_intervals(found.mean_kw)
    profile = sign[:, None] * found.on_intervals(found.profile_kw)
    bands = np.sort(sign[:, None, None] * found.on_intervals(found.quantiles_kw), axis=2)
    index = pd.DatetimeIndex(delivery.starts64()).tz_localize("UTC")
    rows: list[list[float]] = []
    naive: list[list[float]] = []
    issue = index[0] - pd.Timedelta(hours=14)
    for place, name in enumerate(case.history):
        series = in_utc(case.history[name])
        actual = series.reindex(index).to_numpy(float)
        rows.append(
            [
                mean_absolute_error(actual, mean[place]),
                mean_absolute_error(actual, bands[place, :, 1].astype(float)),
                mean_absolute_error(actual, profile[place]),
                crps_from_quantiles(actual, bands[place].astype(float), LEVELS),
                coverage(actual, bands[place, :, 0], bands[place, :, 2]),
            ]
        )
        naive.append([mean_absolute_error(actual, one) for one in naive_of(series, index, issue)])
    columns = np.array(rows).T
    return Night(columns[0], columns[1], columns[2], np.array(naive).T, columns[3], columns[4])


def naive_of(series: pd.Series, index: pd.DatetimeIndex, issue: pd.Timestamp) -> list[Array]:
    """Last week, the latest day known at the issue, the mean of the last seven complete days."""
    day = pd.Timedelta(days=1)
    lag = np.where(index - day < issue - (index[1] - index[0]) + pd.Timedelta(seconds=1), 1, 2)
    latest = series.reindex(index - pd.to_timedelta(lag, unit="D")).to_numpy(float)
    week = np.array([series.reindex(index - lags * day).to_numpy(float) for lags in range(2, 9)])
    return [series.reindex(index - 7 * day).to_numpy(float), latest, week.mean(axis=0)]


def table(case: Case, nights: list[Night]) -> str:
    names = [class_name(str(name)) for name in case.history]
    mae, median, profile, crps, covered = (
        np.nanmean([getattr(one, key) for one in nights], axis=0)
        for key in ("mae", "median", "profile", "crps", "covered")
    )
    naive = np.nanmean([one.naive for one in nights], axis=0)
    best = np.array(naive.min(axis=0))
    lines = ["class      series    mean  median profile  best naive  CRPS/MAE  cov80  never lose: mean  median"]
    for name in [*sorted(set(names)), "all"]:
        rows = [place for place, one in enumerate(names) if name in (one, "all") and naive[0, place] > 0]
        if not rows:
            continue
        ratios = [float(np.mean(part[rows] / naive[0, rows])) for part in (mae, median, profile, best, crps)]
        kept = [float((part[rows] <= 1.02 * best[rows]).mean()) for part in (mae, median)]
        lines.append(
            f"{name:12} {len(rows):4d} {ratios[0]:7.3f} {ratios[1]:7.3f} {ratios[2]:7.3f} {ratios[3]:11.3f} "
            f"{ratios[4]:9.3f} {covered[rows].mean():6.3f} {kept[0]:17.3f} {kept[1]:7.3f}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("case", choices=[name for name in CASES if name not in ("belgium", "germany")])
    parser.add_argument("--days", type=int, default=28)
    parser.add_argument("--classes", nargs="*", default=[], help="only series of these classes")
    parser.add_argument("--series", type=int, default=0, help="at most so many series, evenly chosen")
    options = parser.parse_args()
    case = fewer(CASES[options.case](options.folder), options.series, options.classes)
    every = max((case.last - case.first).days // options.days, 1)
    days = [case.first + timedelta(days=n) for n in range(0, (case.last - case.first).days + 1, every)]
    began, nights = time.process_time(), []
    for place, day in enumerate(days, start=1):
        nights.append(score_night(case, day))
        sys.stderr.write(f"\r{place} of {len(days)} days ")
    spent = (time.process_time() - began) / len(days)
    sys.stdout.write(
        f"\n{table(case, nights)}\n{len(days)} days, {spent:.1f} s CPU a day, load {os.getloadavg()[0]:.1f}\n"
    )


if __name__ == "__main__":
    main()
