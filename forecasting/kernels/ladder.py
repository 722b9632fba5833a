"""The ladder for one class of series: what a day's naive forecasts, persistence and weather say, as known then.

L1 is their blend by inverse error over 60 days, by the kernels that `forecast_day` uses too (`naive`, `persistence`,
`load_kernel`, `weather_kernel`, `responses`); the gradient model of the class (`climb.py`) deviates from it.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels import gradient, pooled
from forecasting.kernels.admission import regressors, with_answers
from forecasting.kernels.arrays import Floats
from forecasting.kernels.calendar import DayGrid
from forecasting.kernels.classes import SeriesClass
from forecasting.kernels.members import members_and_blend
from forecasting.kernels.naive import Days, blend_days, fill_days

LEVELS = gradient.LEVELS
HISTORY_DAYS = 56  # eight weeks: what the nightly run reads
RESIDUAL_DAYS = 28
TRAINING_DAYS = 21
FIRST_LEARNED_DAY = 8  # before it a day's features stand on less than a week
NIGHT_PU = 0.002
CALIBRATION_SERIES = 100


@dataclass(frozen=True)
class LadderSettings:
    """How much work a class may cost: training rows, boosting rounds, held-out days."""

    training_rows: int = 40_000
    rounds: int = 35
    leaves: int = 12
    holdout_days: int = 4
    training_days: int = TRAINING_DAYS
    seed: int = 0


@dataclass(frozen=True)
class ClassForecast:
    """Forecast of one class, in its natural direction (production positive), by local slot of the target day.

    mean_kw (N, S), quantiles_kw (N, S, Q) sorted, profile_kw (N, S).
    past_days (R,) grid days with past_profile_kw (N, R, S), each profile made as known then.
    held_days (V,) the last of past_days, with held_mean_kw (N, V, S) from models that did not see them.
    rung (N,) "fallback", "profile" or "gradient"; gradient_weight (N,).
    """

    mean_kw: Floats
    quantiles_kw: Floats
    profile_kw: Floats
    past_days: NDArray[np.int64]
    past_profile_kw: Floats
    held_days: NDArray[np.int64]
    held_mean_kw: Floats
    rung: NDArray[np.str_]
    gradient_weight: Floats


class Ladder:
    """One class on one grid: every day's profile, made from what was known at that day's own issue."""

    def __init__(
        self,
        grid: DayGrid,
        *,
        target_day: int,
        series_class: SeriesClass,
        level_kw: Floats,
        capacity_kw: Floats,
        signed: bool = False,
        lasting: bool = True,
    ) -> None:
        """lasting : with persistence regression and Gaussian process, which cost more than all the others."""
        if target_day <= grid.issue_day:
            raise ValueError(f"target day {target_day} is not after the issue day {grid.issue_day}")
        self.grid, self.target_day, self.kind = grid, target_day, series_class
        self.level_kw, self.capacity_kw = level_kw.astype(np.float32), capacity_kw.astype(np.float32)
        self.lower_kw = -self.capacity_kw if signed else np.zeros_like(self.capacity_kw)
        self.lead = target_day - grid.issue_day
        self.habits = lasting and series_class.follows_week
        self.known = _known(grid, target_day, series_class, self.level_kw, lasting)
        self.night = self._night() if series_class.daylight else None

    def answer_to(self, columns: Floats) -> None:
        """Take weather columns (K, target day + 1, S) that the class answers to into the blend and the features."""
        if len(columns):
            known = self.known
            members = with_answers(known.days, known.members, columns, habits=self.habits)
            self.known = replace(
                known, members=members, blend=blend_days(known.days, members), outside=regressors(columns, self.lead)
            )

    def profile(self, day: int, series: slice | NDArray[np.int64] = slice(None)) -> Floats:  # noqa: B008
        """(n, S) blend of one day within the limits of the series."""
        return self.limit(self.known.blend[series, day], series)

    def features(self, day: int, series: NDArray[np.int64]) -> Floats:
        """(n, S, F) of one day."""
        return pooled.features(self.known, day, series)

    def deviation(self, day: int, series: NDArray[np.int64]) -> Floats:
        """(n, S) what the blend of a past day missed, in levels; NaN where nothing was measured, or at night."""
        days = self.known.days
        use = days.seen[series, day] if self.night is None else days.seen[series, day] & ~self.night[series]
        missed = (days.values[series, day] - self.known.blend[series, day]) / self.level_kw[series, None]
        return np.where(use, missed, np.float32(np.nan))

    def past_days(self) -> NDArray[np.int64]:
        return past_days(self.grid.issue_day, self.lead)

    def _night(self) -> NDArray[np.bool_]:
        """(N, S) slots without any production in the known month, the neighbours included."""
        month = self.grid.values[:, -31:]
        dark = np.where(np.isfinite(month), month, 0).max(axis=1) <= NIGHT_PU * self.capacity_kw[:, None]
        return dark & np.roll(dark, 1, axis=1) & np.roll(dark, -1, axis=1)

    def limit(self, values: Floats, series: slice | NDArray[np.int64] = slice(None)) -> Floats:  # noqa: B008
        """Values (n, S, ...) within capacity, and exactly 0 at night."""
        extra = (1,) * (values.ndim - 1)
        lower, upper = self.lower_kw[series].reshape(-1, *extra), self.capacity_kw[series].reshape(-1, *extra)
        bounded = np.clip(values, lower, upper)
        if self.night is not None:
            night = self.night[series].reshape(bounded.shape[0], bounded.shape[1], *(1,) * (values.ndim - 2))
            bounded = np.where(night, np.float32(0), bounded)
        return bounded


def _known(grid: DayGrid, target_day: int, kind: SeriesClass, level_kw: Floats, lasting: bool) -> pooled.Known:
    unknown = target_day - grid.issue_day
    values = np.pad(grid.values, ((0, 0), (0, unknown), (0, 0)), constant_values=np.nan)
    types = grid.types_until(target_day) if kind.follows_week else np.zeros(target_day + 1, np.int64)
    days = Days(fill_days(values).astype(np.float32), np.isfinite(values), types, grid.issue_slot, unknown)
    members, blend = members_and_blend(days, kind, lasting=lasting)
    numbers = grid.dates[0].astype("datetime64[D]").astype(np.int64) + np.arange(target_day + 1)
    nothing = np.zeros((0, target_day + 1, grid.slots_per_day), dtype=np.float32)
    return pooled.Known(days, members, blend, level_kw, (numbers + 3) % 7, nothing)


def past_days(issue_day: int, lead_days: int) -> NDArray[np.int64]:
    """Complete grid days with at least three days of history before their own issue, newest last."""
    return np.arange(max(issue_day - RESIDUAL_DAYS, lead_days + 3, 0), issue_day)


def held_out(days: NDArray[np.int64], wanted: int) -> NDArray[np.int64]:
    """The newest days, kept from the fit to judge and calibrate it; at most a quarter of what there is."""
    return days[len(days) - min(wanted, len(days) // 4) :]
