"""Accuracy of `forecast_day` on public data: `python -m tests.benchmarks.forecast_accuracy FOLDER homes --days 36`.

FOLDER holds the files named below, none of which belongs to this repository. Issued at 10:00 the day before, days spread
evenly over the span; ratios to the same slot of last week, mean over the series of a class.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.kernels.backtest import SeriesScore, backtest
from forecasting.kernels.day_ahead import forecast_day

HOMES = "homes_fontana_2016_2017_hourly.parquet"
TEXAS = ("homes_texas_sim2018_hourly.parquet", "weather_texas_2018_hourly.parquet")
SIMBENCH = "simbench_2016_15min_part_a.parquet"
BELGIUM = "price_be_2015_2016_hourly_with_published_forecasts.csv"
GERMANY = "price_de_2012_2016h1_hourly.csv"
CLASSES = {"G": "commerce", "H0": "home", "L": "farm", "HLS": "ev", "APLS": "ev", "HS": "industry", "PV": "pv",
           "WP": "wind", "Air": "heat pump", "Soil": "heat pump", "lv": "network", "mv": "network"}  # fmt: skip


@dataclass(frozen=True)
class Case:
    history: pd.DataFrame
    zone: str
    step_minutes: int
    first: date
    last: date
    exog: pd.DataFrame | None = None
    published: pd.Series | None = None
    country: str = ""


def homes(folder: Path) -> Case:
    found = pd.read_parquet(folder / HOMES).pivot(index="time", columns="building", values="load_kwh")
    found["sum"] = found.sum(axis=1)
    return Case(found, "America/Los_Angeles", 60, date(2016, 11, 1), date(2017, 7, 20), country="US")


def roofs(folder: Path) -> Case:
    found = pd.read_parquet(folder / HOMES).pivot(index="time", columns="building", values="pv_w_per_kwp")
    return Case(found.add_prefix("pv "), "America/Los_Angeles", 60, date(2016, 11, 1), date(2017, 7, 20), country="US")


def texas(folder: Path) -> Case:
    """Heat and cold at a coefficient of performance of 3; temperature with an error of 1.5 K, autocorrelation 0.9."""
    read, weather = pd.read_parquet(folder / TEXAS[0]), pd.read_parquet(folder / TEXAS[1])
    read["load"] = read["non_shiftable_load"] + read["dhw_demand"]
    read["load"] += (read["cooling_demand"] + read["heating_demand"]) / 3
    found = read.pivot(index="time", columns="building", values="load").add_prefix("home ")
    found["total"] = found.sum(axis=1)
    random, error = np.random.default_rng(0), np.zeros(len(weather))
    for place in range(1, len(error)):
        error[place] = 0.9 * error[place - 1] + 1.5 * np.sqrt(1 - 0.81) * random.normal()
    warmth = weather["outdoor_dry_bulb_temperature"].to_numpy() + error
    exog = pd.DataFrame({"temperature": warmth}, index=pd.DatetimeIndex(weather["time"]))
    return Case(found, "America/Chicago", 60, date(2018, 3, 20), date(2018, 12, 20), exog, country="US")


def simbench(folder: Path, *, hourly: bool = False) -> Case:
    found = pd.read_parquet(folder / SIMBENCH).set_index("time_utc")
    found = found.resample("1h").mean() if hourly else found
    return Case(found, "Europe/Berlin", 60 if hourly else 15, date(2016, 3, 10), date(2016, 12, 10), country="DE")


def belgium(folder: Path) -> Case:
    read = pd.read_csv(folder / BELGIUM)
    read.index = pd.DatetimeIndex(read["time_local"]).tz_localize("UTC")
    prices = read[["price_eur_mwh"]].rename(columns={"price_eur_mwh": "price"})
    return Case(prices, "UTC", 60, date(2016, 1, 10), date(2016, 12, 20), published=read["lear_ensemble"])


def germany(folder: Path) -> Case:
    read = pd.read_csv(folder / GERMANY)
    read.index = pd.DatetimeIndex(read["time_local"]).tz_localize("UTC")
    prices = read[["price_eur_mwh"]].rename(columns={"price_eur_mwh": "price"})
    exog = read[["load_forecast_mw", "pv_wind_forecast_mw"]]
    return Case(prices, "UTC", 60, date(2014, 2, 10), date(2016, 6, 20), exog)


CASES: dict[str, Callable[[Path], Case]] = {
    "homes": homes, "roofs": roofs, "texas": texas, "simbench": simbench, "belgium": belgium, "germany": germany,
    "simbench-hourly": lambda folder: simbench(folder, hourly=True),
}  # fmt: skip


def class_name(series: str) -> str:
    """Class of a SimBench profile by the beginning of its name; others by their first word without its number."""
    known = [name for name in sorted(CLASSES, key=len, reverse=True) if series.startswith(name)]
    return CLASSES[known[0]] if known else series.split()[0].rstrip("0123456789")


def table(rows: Iterable[SeriesScore]) -> str:
    by_class: dict[str, list[SeriesScore]] = {}
    for row in rows:
        by_class.setdefault(class_name(row.series), []).append(row)
    lines = ["class        series  days  MAE/week  CRPS/week  cov80"]
    for name, found in sorted(by_class.items()):
        mae, crps, covered = (
            np.mean([getattr(one, key) for one in found if np.isfinite(one.crps_ratio)])
            for key in ("mae_ratio", "crps_ratio", "coverage")
        )
        lines.append(f"{name:12} {len(found):6d} {found[0].days:5d} {mae:9.3f} {crps:10.3f} {covered:6.3f}")
    return "\n".join(lines)


def against_published(case: Case, rows: list[SeriesScore], every: int) -> str:
    """Our error over that of the published forecasts in the same file, on the same days."""
    if case.published is None:
        return ""
    actual = case.history["price"]
    days = pd.date_range(case.first, case.last, freq=f"{every}D", tz="UTC")
    chosen = actual.index.normalize().isin(days)
    theirs = (actual - case.published)[chosen].abs().mean()
    return f"published MAE {theirs:.2f}, ours {rows[0].mae:.2f}: {rows[0].mae / theirs:.3f} of it\n"


class Watched:
    """A forecast that says how far it is, and remembers what it said of the members of a sum."""

    def __init__(self, days: int) -> None:
        self.days, self.done = days, 0
        self.found: list[pd.DataFrame] = []

    def __call__(self, history: pd.DataFrame, issue: pd.Timestamp, target: pd.DatetimeIndex, *rest: object) -> object:
        began = time.perf_counter()
        found = forecast_day(history, issue, target, *rest)
        self.done += 1
        self.found.append(found)
        sys.stderr.write(f"\r{self.done} of {self.days} days, the last in {time.perf_counter() - began:.1f} s ")
        return found


def covered_where_wide(case: Case, found: list[pd.DataFrame]) -> str:
    """Coverage of the 80 % band by class where the band has a width: a certain night would count as covered."""
    by_class: dict[str, list[np.ndarray]] = {}
    whole = pd.concat(found)
    for name in case.history:
        low, high = whole[name][0.1].to_numpy(), whole[name][0.9].to_numpy()
        actual = in_utc(case.history[name]).reindex(whole.index).to_numpy()
        wide = np.isfinite(actual) & (high - low > 1e-6 * (1 + np.abs(high)))
        by_class.setdefault(class_name(str(name)), []).append(((actual >= low) & (actual <= high))[wide])
    shares = (f"{name} {np.concatenate(inside).mean():.3f}" for name, inside in sorted(by_class.items()))
    return f"covered where the band has a width: {', '.join(shares)}\n"


def in_utc(series: pd.Series) -> pd.Series:
    return series if series.index.tz else series.tz_localize("UTC")


def sum_of_medians(case: Case, forecasts: list[pd.DataFrame]) -> str:
    """Error of the members' medians added up, over that of last week, where the case has a column of their sum."""
    total = next((name for name in ("sum", "total") if name in case.history), None)
    if total is None or not forecasts or len(case.history.columns) == 1:
        return ""
    medians = [one.xs(0.5, axis=1, level=1) for one in forecasts]
    found = pd.concat(medians).drop(columns=total).sum(axis=1)
    actual = in_utc(case.history[total])
    naive = actual.reindex(found.index - pd.Timedelta(days=7)).to_numpy()
    there = actual.reindex(found.index).to_numpy()
    ratio = np.nanmean(np.abs(there - found.to_numpy())) / np.nanmean(np.abs(there - naive))
    return f"members' medians added up: MAE/week {ratio:.3f}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument(
        "--series", type=int, default=0, help="at most so many series, evenly chosen; a sum is always in"
    )
    parser.add_argument("--classes", nargs="*", default=[], help="only series of these classes")
    parser.add_argument("--named-zone", action="store_true", help="name the time zone to the forecast")
    parser.add_argument("--each", action="store_true", help="a line per series too")
    options = parser.parse_args()
    case = fewer(CASES[options.case](options.folder), options.series, options.classes)
    every = max((case.last - case.first).days // options.days, 1)
    watched = Watched((case.last - case.first).days // every + 1)
    began = time.process_time()
    rows = backtest(
        case.history, case.exog, first=case.first, last=case.last, every_days=every, zone=case.zone,
        step_minutes=case.step_minutes, forecast=watched, name_zone=options.named_zone,
    )  # fmt: skip
    spent = (time.process_time() - began) / max(rows[0].days, 1)
    load = os.getloadavg()[0]
    if options.each:
        for row in rows:
            sys.stdout.write(f"{row.series:20} {row.mae_ratio:.3f} {row.crps_ratio:.3f} {row.coverage:.3f}\n")
    sys.stdout.write(f"\n{table(rows)}\n{against_published(case, rows, every)}{sum_of_medians(case, watched.found)}")
    sys.stdout.write(covered_where_wide(case, watched.found))
    sys.stdout.write(f"{spent:.1f} s CPU a day, load {load:.1f}\n")


def fewer(case: Case, most: int, classes: list[str]) -> Case:
    """Only some classes and at most so many series, evenly chosen; sums stay in."""
    names = [name for name in case.history if not classes or class_name(str(name)) in classes]
    sums = [name for name in names if name in ("sum", "total")]
    others = [name for name in names if name not in sums]
    if 0 < most < len(others):
        others = [others[place] for place in np.linspace(0, len(others) - 1, most).round().astype(int)]
    return replace(case, history=case.history[[*others, *sums]])


if __name__ == "__main__":
    main()
