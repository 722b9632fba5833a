"""One call from frames to frames: history in, quantiles of the target times out; no Django, no state that matters."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from forecasting.kernels import prices
from forecasting.kernels.calendar import local_clock, to_day_grid
from forecasting.kernels.classes import CLASSES
from forecasting.kernels.cleaning import clean
from forecasting.kernels.climb import forecast_class
from forecasting.kernels.ladder import Ladder, LadderSettings
from forecasting.kernels.series import PRICE, RegularSeries, UnusableSeries, class_of_series, regular, step_of

Array = NDArray[np.float64]

HISTORY_DAYS = 200
TRAINING_ROWS = 30_000
SEED = 1


class DayAhead:
    """`forecast_day`: callable, with reset()."""

    def __call__(
        self,
        history: pd.DataFrame,
        issue: pd.Timestamp,
        target: pd.DatetimeIndex,
        quantiles: Sequence[float],
        exog: pd.DataFrame | None = None,
    ) -> pd.DataFrame:
        """Forecast every series of history at the target times.

        history : UTC index, one column per series; the class is told by the column's name or its shape.
        issue   : nothing after it is used, except prices, which are published for whole days: they count up to the
                  first target time. exog : UTC index, known in advance over history and target; used for prices.
        target  : UTC times, 15, 30 or 60 minutes apart, after the issue. Local days are taken to begin where the target
                  does, or by history.attrs["time_zone"].
        returns : index target, columns (series, quantile); finite and ascending along the quantiles.
        Raises UnusableSeries, naming the series or the part of the request, and the reason.
        """
        times, levels = _checked(issue, target, quantiles)
        step = step_of(times, history)
        cut = _to_naive(issue)
        zone = str(history.attrs.get("time_zone", ""))
        known = regular(history, step_minutes=step)
        shift = np.timedelta64(0, "s") if zone else times[0] - times[0].astype("datetime64[D]")
        known = replace(known, starts=known.starts - shift)
        wanted = _Wanted(times - shift, cut - shift, zone or "UTC", levels)
        columns: dict[str, Array] = {}
        before = known.starts < wanted.issue
        kinds = [
            class_of_series(name, row[before], known.starts[before])
            for name, row in zip(known.names, known.values, strict=True)
        ]
        for kind in dict.fromkeys(kinds):
            rows = [place for place, one in enumerate(kinds) if one == kind]
            part = replace(known, names=[known.names[row] for row in rows], values=known.values[rows])
            if kind == PRICE:
                outside = None if exog is None else replace_starts(regular(exog, step_minutes=step), shift)
                found = prices.forecast_prices(part, outside, wanted.times, wanted.zone, levels)
            else:
                found = _forecast_kind(part, kind, wanted)
            columns |= dict(zip(part.names, found, strict=True))
        return _frame(columns, known.names, target, levels)

    def reset(self) -> None:
        """Drop what is kept between days: nothing is, every call stands alone."""


class _Wanted:
    def __init__(self, times: NDArray[np.datetime64], issue: np.datetime64, zone: str, levels: Array) -> None:
        self.times, self.issue, self.zone, self.levels = times, issue, zone, levels


def replace_starts(series: RegularSeries, shift: np.timedelta64) -> RegularSeries:
    return replace(series, starts=series.starts - shift)


def _checked(
    issue: pd.Timestamp, target: pd.DatetimeIndex, quantiles: Sequence[float]
) -> tuple[NDArray[np.datetime64], Array]:
    levels = np.array(list(quantiles), dtype=float)
    if not len(levels) or not np.isfinite(levels).all() or (levels <= 0).any() or (levels >= 1).any():
        raise UnusableSeries("request: quantiles must lie between 0 and 1")
    if not len(target) or pd.isna(target).any() or pd.isna(issue):
        raise UnusableSeries("request: target and issue must be times")
    times = np.array([_to_naive(one) for one in target])
    if len(np.unique(times)) != len(times) or (np.diff(times) < np.timedelta64(0, "s")).any():
        raise UnusableSeries("request: target times must ascend")
    if times[0] < _to_naive(issue):
        raise UnusableSeries("request: the target begins before the issue")
    return times, levels


def _to_naive(moment: pd.Timestamp) -> np.datetime64:
    stamp = pd.Timestamp(moment)
    stamp = stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp.tz_convert("UTC")
    return stamp.tz_localize(None).to_datetime64().astype("datetime64[s]")


def _forecast_kind(series: RegularSeries, kind: str, wanted: _Wanted) -> list[Array]:
    """(H, Q) per series of one class, local day by local day."""
    series_class = CLASSES[kind]
    keep = (series.starts + np.timedelta64(series.step_minutes * 60, "s") <= wanted.issue) & (
        series.starts >= wanted.issue - np.timedelta64(HISTORY_DAYS, "D")
    )
    values, starts = series.values[:, keep], series.starts[keep]
    signed = kind == "net"
    cleaned = clean(
        values,
        rating_kw=np.zeros(len(values)),
        step_minutes=series.step_minutes,
        may_idle=series_class.may_idle,
        signed=signed,
    )
    grid = to_day_grid(
        cleaned.values, starts, issue=wanted.issue, zone=wanted.zone, step_minutes=series.step_minutes, min_days=2
    )
    per_day = max(len(values) * grid.slots_per_day, 1)
    days = int(np.clip(3 * TRAINING_ROWS // per_day, 21, HISTORY_DAYS - 20))
    clock = local_clock(wanted.times, wanted.zone, series.step_minutes)
    out = np.zeros((len(values), len(wanted.times), len(wanted.levels)))
    for date in np.unique(clock.dates):
        target_day = int((date - grid.dates[0]).astype(np.int64))
        here = clock.dates == date
        ladder = Ladder(
            grid,
            target_day=max(target_day, grid.issue_day + 1),
            series_class=series_class,
            level_kw=cleaned.level_kw,
            capacity_kw=cleaned.capacity_kw,
            signed=signed,
            memory_days=max(28, days + 7),
        )
        found = forecast_class(ladder, LadderSettings(training_rows=TRAINING_ROWS, training_days=days, seed=SEED))
        spread = spread_levels(found.quantiles_kw.astype(float), wanted.levels)
        out[:, here] = spread[:, clock.slots[here]]
    return list(out)


def spread_levels(three: Array, levels: Array) -> Array:
    """Quantiles at any levels from those at 0.1, 0.5, 0.9 (..., 3): two halves of a normal, one on each side."""
    middle, z = three[..., 1:2], norm.ppf(levels) / norm.ppf(0.9)
    below, above = middle - three[..., 0:1], three[..., 2:3] - middle
    spread: Array = middle + np.where(z < 0, z * below, z * above)
    low = np.minimum(three[..., 0:1], 0)
    return np.sort(np.where((three[..., 0:1] >= 0), np.maximum(spread, low), spread), axis=-1)


def _frame(columns: dict[str, Array], names: list[str], target: pd.DatetimeIndex, levels: Array) -> pd.DataFrame:
    order = pd.MultiIndex.from_product([names, levels.tolist()], names=["series", "quantile"])
    if not names:
        return pd.DataFrame(index=target, columns=order, dtype=float)
    stacked = np.concatenate([np.sort(columns[name], axis=1) for name in names], axis=1)
    return pd.DataFrame(stacked, index=target, columns=order)


forecast_day = DayAhead()
