"""The ladder for one class of series: fallback, robust profile, gradient model, and their blend by held-out days."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels import gradient, profile
from forecasting.kernels.arrays import Floats
from forecasting.kernels.calendar import DayGrid
from forecasting.kernels.classes import SeriesClass
from forecasting.kernels.features import day_features

LEVELS = gradient.LEVELS
RESIDUAL_DAYS = 28
TRAINING_DAYS = 21
MIN_TRAINING_HISTORY = 4
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
    rung (N,) "fallback", "profile" or "gradient"; gradient_weight (N,); band_factor calibrates the outer quantiles.
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
    band_factor: float
    training_rows: int


@dataclass(frozen=True)
class _Day:
    members: Floats
    profile: Floats


class Ladder:
    """One class on one grid; holds the naive errors so that every day's profile is made as known then.

    outside (K, target day + 1, S): weather columns that the gradient model sees, set by who admits them.
    """

    def __init__(
        self,
        grid: DayGrid,
        *,
        target_day: int,
        series_class: SeriesClass,
        level_kw: Floats,
        capacity_kw: Floats,
        signed: bool = False,
        memory_days: int = RESIDUAL_DAYS,
    ) -> None:
        if target_day <= grid.issue_day:
            raise ValueError(f"target day {target_day} is not after the issue day {grid.issue_day}")
        self.grid, self.target_day, self.kind = grid, target_day, series_class
        self.level_kw, self.capacity_kw = level_kw.astype(np.float32), capacity_kw.astype(np.float32)
        self.lower_kw = -self.capacity_kw if signed else np.zeros_like(self.capacity_kw)
        self.lead = target_day - grid.issue_day
        self.types = grid.types_until(target_day) if series_class.follows_week else np.zeros(target_day + 1, np.int64)
        self.errors = profile.member_errors(
            grid,
            lead_days=self.lead,
            follows_week=series_class.follows_week,
            first_day=grid.issue_day - memory_days - profile.MEMORY_DAYS,
        )
        self.outside: Floats = np.zeros((0, target_day + 1, grid.slots_per_day), dtype=np.float32)
        self.night = self._night() if series_class.daylight else None

    def day(self, target_day: int, series: slice | NDArray[np.int64]) -> tuple[DayGrid, _Day]:
        """The grid and the profile of some series as known when target_day was forecast."""
        known = profile.known_on(self.grid, target_day - self.lead)
        known = known.with_values(known.values[series])
        members = profile.naive_members(known, target_day, follows_week=self.kind.follows_week)
        weights = profile.member_weights(
            self.errors[:, series], issue_day=known.issue_day, types=self.types, target_day=target_day
        )
        return known, _Day(members, profile.blend(members, weights))

    def features(self, target_day: int, series: slice | NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Features (n, S, F) and profile (n, S) of one day."""
        known, day = self.day(target_day, series)
        found = day_features(known, target_day, day.members, day.profile, self.level_kw[series])
        if len(self.outside):
            weather = np.moveaxis(self.outside[:, target_day], 0, -1)[None]
            found = np.concatenate([found, np.broadcast_to(weather, (*found.shape[:2], len(self.outside)))], axis=2)
        return found, day.profile

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


def past_days(issue_day: int, lead_days: int) -> NDArray[np.int64]:
    """Complete grid days with at least three days of history before their own issue, newest last."""
    return np.arange(max(issue_day - RESIDUAL_DAYS, lead_days + 3, 0), issue_day)


def held_out(days: NDArray[np.int64], wanted: int) -> NDArray[np.int64]:
    """The newest days, kept from the fit to judge and calibrate it; at most a quarter of what there is."""
    return days[len(days) - min(wanted, len(days) // 4) :]
