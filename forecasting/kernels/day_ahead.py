"""One call from frames to frames: history in, quantiles of the target times out; kept models are only a cache."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.kernels import prices
from forecasting.kernels.calendar import DayGrid, local_clock, to_day_grid
from forecasting.kernels.classes import CLASSES
from forecasting.kernels.cleaning import Cleaned, clean, findings
from forecasting.kernels.clock_change import align_clock
from forecasting.kernels.daily import ClassHistory, class_deciles, history_days
from forecasting.kernels.day_request import checked, from_midnight, to_naive
from forecasting.kernels.memory import Memory
from forecasting.kernels.naive import fill_days
from forecasting.kernels.own_bands import at_levels
from forecasting.kernels.series import PRICE, RegularSeries, class_of_series, regular, step_of

Array = NDArray[np.float64]

LEAST_TARGET_MINUTES = 180  # of a local day that is worth its own fit; the hours beside the clock change are not
COVERED = 0.9
MOST_REGRESSORS = 6
SEED = 1


class DayAhead:
    """`forecast_day`: callable, with reset()."""

    def __init__(self) -> None:
        self._memory = Memory()

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
                  first target time. exog : UTC index, known in advance over history and target; what does
                  not help is left out.
        target  : UTC times, 15, 30 or 60 minutes apart, after the issue. Local days begin where the target
                  does, or by history.attrs["time_zone"].
        returns : index target, columns (series, quantile); finite and ascending along the quantiles. What was wrong
                  with the history stands in attrs["flags"]: {series: [finding, ...]}.
        Raises UnusableSeries, naming the series or the part of the request, and the reason.
        """
        times, levels = checked(issue, target, quantiles)
        step = step_of(times, history)
        cut = to_naive(issue)
        zone = str(history.attrs.get("time_zone", ""))
        known = regular(history, step_minutes=step)
        shift = np.timedelta64(0, "s") if zone else from_midnight(times[0])
        known = replace(known, starts=known.starts - shift)
        offset = None if zone else int(shift / np.timedelta64(1, "h")) % 24
        wanted = _Wanted(times - shift, cut - shift, zone or "UTC", levels, offset)
        outside = None if exog is None else replace_starts(regular(exog, step_minutes=step), shift)
        columns: dict[str, Array] = {}
        flags: dict[str, list[str]] = {}
        before = known.starts < wanted.issue
        kinds = [
            class_of_series(name, row[before], known.starts[before])
            for name, row in zip(known.names, known.values, strict=True)
        ]
        for kind in dict.fromkeys(kinds):
            rows = [place for place, one in enumerate(kinds) if one == kind]
            part = replace(known, names=[known.names[row] for row in rows], values=known.values[rows])
            if kind == PRICE:
                found = prices.forecast_prices(part, outside, wanted.times, wanted.zone, levels, self._memory)
            else:
                found = _forecast_kind(part, kind, wanted, outside, self._memory, flags)
            columns |= dict(zip(part.names, found, strict=True))
        answer = _frame(columns, known.names, target, levels)
        answer.attrs["flags"] = flags
        return answer

    def reset(self) -> None:
        """Drop the fitted models kept between days; they are found again only for the very data they were fitted on."""
        self._memory.clear()


@dataclass(frozen=True)
class _Wanted:
    """Times and issue on the local clock of `zone`; offset_hours: UTC hour of local midnight, if no zone was named."""

    times: NDArray[np.datetime64]
    issue: np.datetime64
    zone: str
    levels: Array
    offset_hours: int | None


def replace_starts(series: RegularSeries, shift: np.timedelta64) -> RegularSeries:
    return replace(series, starts=series.starts - shift)


def _forecast_kind(
    series: RegularSeries,
    kind: str,
    wanted: _Wanted,
    exog: RegularSeries | None,
    memory: Memory,
    flags: dict[str, list[str]],
) -> list[Array]:
    """(H, Q) per series of one class, local day by local day; findings go into flags."""
    grid, cleaned, signed = _known_days(series, kind, wanted, flags)
    clock = local_clock(wanted.times, wanted.zone, series.step_minutes)
    out = np.zeros((len(series.names), len(wanted.times), len(wanted.levels)))
    for date in np.unique(clock.dates):
        target_day = max(int((date - grid.dates[0]).astype(np.int64)), grid.issue_day + 1)
        here = clock.dates == date
        whole = here.sum() * series.step_minutes >= LEAST_TARGET_MINUTES
        history = ClassHistory(
            grid,
            CLASSES[kind] if whole else replace(CLASSES[kind], gradient=False),
            cleaned.capacity_kw,
            signed,
            outside_days(exog, grid, target_day, wanted.zone),
        )
        found = at_levels(class_deciles(history, target_day, memory, seed=SEED).astype(float), wanted.levels)
        low = -cleaned.capacity_kw if signed else np.zeros(len(found))
        found = np.clip(found, low[:, None, None], cleaned.capacity_kw[:, None, None])
        out[:, here] = found[:, clock.slots[here]]
    return list(out)


def _known_days(
    series: RegularSeries, kind: str, wanted: _Wanted, flags: dict[str, list[str]]
) -> tuple[DayGrid, Cleaned, bool]:
    """What ended before the issue, cleaned and by local days; whether the class may go both ways."""
    series_class, step = CLASSES[kind], series.step_minutes
    days = history_days(len(series.names), 1440 // step)
    ended = series.starts + np.timedelta64(step * 60, "s") <= wanted.issue
    keep = ended & (series.starts >= wanted.issue - np.timedelta64(days, "D"))
    signed = kind == "net"
    cleaned = clean(
        series.values[:, keep],
        rating_kw=np.zeros(len(series.names)),
        step_minutes=step,
        may_idle=series_class.may_idle,
        signed=signed,
    )
    flags |= {name: found for name, found in zip(series.names, findings(cleaned, step), strict=True) if found}
    grid = to_day_grid(
        cleaned.values, series.starts[keep], issue=wanted.issue, zone=wanted.zone, step_minutes=step, min_days=2
    )
    if wanted.offset_hours is not None and series_class.follows_week:
        grid = align_clock(grid, offset_hours=wanted.offset_hours)
    return grid, cleaned, signed


def outside_days(exog: RegularSeries | None, grid: DayGrid, target_day: int, zone: str) -> Array:
    """(K, D, S) regressors on the days of the grid up to the target day; columns that do not cover it are left out."""
    n_days = target_day + 1
    if exog is None or not len(exog.starts):
        return np.zeros((0, n_days, grid.slots_per_day))
    end = (grid.dates[0] + np.timedelta64(n_days + 1, "D")).astype("datetime64[s]")
    theirs = to_day_grid(exog.values, exog.starts, issue=end, zone=zone, step_minutes=exog.step_minutes)
    place = (grid.dates[0] - theirs.dates[0]).astype(np.int64) + np.arange(n_days)
    inside = (place >= 0) & (place < len(theirs.dates))
    values = np.full((len(theirs.values), n_days, grid.slots_per_day), np.nan)
    values[:, inside] = theirs.values[:, place[inside]]
    covered = (np.isfinite(values[:, -1]).mean(axis=1) > COVERED) & (
        np.isfinite(values).mean(axis=(1, 2)) > COVERED / 2
    )
    return np.asarray(fill_days(values[covered])[:MOST_REGRESSORS], dtype=np.float64)


def _frame(columns: dict[str, Array], names: list[str], target: pd.DatetimeIndex, levels: Array) -> pd.DataFrame:
    order = pd.MultiIndex.from_product([names, levels.tolist()], names=["series", "quantile"])
    if not names:
        return pd.DataFrame(index=target, columns=order, dtype=float)
    stacked = np.concatenate([np.sort(columns[name], axis=1) for name in names], axis=1)
    return pd.DataFrame(stacked, index=target, columns=order)


forecast_day = DayAhead()
