"""Naive forecasts of every day of a grid at once, each from what was known at its own issue, and their blend.

No naive forecast suits all series: a strict shift repeats last week, a home its median fortnight, an idle charger
nothing. Each series weighs them by its own error of the last four weeks. Days come as (N, D, S): series, day, slot.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.arrays import Floats

MEMBERS = ("last_week", "latest", "mean7", "four_weeks", "median14", "same_type", "median_type", "zero")
MEMORY_DAYS = 60
HALF_LIFE_DAYS = 28
SHARPNESS = 12.0
WEATHER_SHARPNESS, WEATHER_HALF_LIFE_DAYS = 20.0, 60  # without a week to follow one member is right for longer
SAME_TYPE_WEIGHT = 8.0
WARM_DAYS = 12


@dataclass(frozen=True)
class Days:
    """values (N, D, S) without gaps, the last day the target's (not known); seen (N, D, S) where they were measured.

    types (D,) day types; issue_slot: slots of the issue day that are known; lead: days from issue day to target day.
    """

    values: Floats
    seen: NDArray[np.bool_]
    types: NDArray[np.int64]
    issue_slot: int
    lead: int

    @property
    def target(self) -> int:
        return self.values.shape[1] - 1

    @property
    def issue_day(self) -> int:
        return self.target - self.lead

    def of(self, series: NDArray[np.int64] | slice) -> "Days":
        return Days(self.values[series], self.seen[series], self.types, self.issue_slot, self.lead)


def fill_days(values: Floats) -> Floats:
    """Gaps filled with the same slot a week before, the day before, later days, then 0; (N, D, S) in and out."""
    filled = values.copy()
    n_days = values.shape[1]
    for lag in (7, 1):
        for day in range(lag, n_days):
            gap = ~np.isfinite(filled[:, day])
            filled[:, day][gap] = filled[:, day - lag][gap]
    for day in range(n_days - 2, -1, -1):
        gap = ~np.isfinite(filled[:, day])
        filled[:, day][gap] = filled[:, day + 1][gap]
    return np.nan_to_num(filled, nan=0.0)


def lagged(values: Floats, days: int) -> Floats:
    """Value of so many days before; the first days repeat the first."""
    index = np.maximum(np.arange(values.shape[1]) - days, 0)
    return values[:, index]


def naive_days(days: Days) -> Floats:
    """(M, N, D, S) every naive forecast of every day, in the order of MEMBERS."""
    values, first = days.values, days.lead + 1
    week = 7 * -(-first // 7)
    known = np.arange(values.shape[2]) < days.issue_slot
    out = np.empty((len(MEMBERS), *values.shape), dtype=np.float32)
    out[0] = lagged(values, week)
    out[1] = np.where(known, lagged(values, first - 1), lagged(values, first))
    out[2] = sum(lagged(values, lag) for lag in range(first, first + 7)) / np.float32(7)
    out[3] = _middle(*(lagged(values, week + 7 * lag) for lag in range(4)))
    out[5], out[6], out[7] = out[2], out[2], 0
    by_slot = np.ascontiguousarray(np.moveaxis(values, 1, 2))
    for day in range(values.shape[1]):
        out[4][:, day] = _median(by_slot[..., max(day - first - 13, 0) : max(day - first + 1, 1)])
        same = np.flatnonzero(days.types[: max(day - days.lead, 0)] == days.types[day])
        if len(same) >= 2:
            out[5][:, day] = values[:, same[-5:]].mean(axis=1)
            out[6][:, day] = _median(by_slot[..., same[-10:]])
    return out


def _middle(one: Floats, two: Floats, three: Floats, four: Floats) -> Floats:
    """Mean of four without their highest and their lowest: a free day among four weeks is no weekly habit."""
    lower = np.maximum(np.minimum(one, two), np.minimum(three, four))
    upper = np.minimum(np.maximum(one, two), np.maximum(three, four))
    found: Floats = (lower + upper) / np.float32(2)
    return found


def _median(values: Floats) -> Floats:
    """Median along the last axis; sorting neighbours in memory is four times as quick as numpy's own."""
    ordered, count = np.sort(values, axis=-1), values.shape[-1]
    middle: Floats = (ordered[..., (count - 1) // 2] + ordered[..., count // 2]) / 2
    return middle


def blend_days(days: Days, members: Floats) -> Floats:
    """(N, D, S) the members weighed by their inverse recent error; days of the target's type count eight times."""
    seen = days.seen.sum(axis=2)
    errors = (np.abs(members - days.values) * days.seen).sum(axis=3) / np.maximum(seen, 1)
    floor = 1e-6 * np.abs(days.values).max(axis=(1, 2)) + 1e-12
    plain = not days.types.any()
    sharpness = WEATHER_SHARPNESS if plain else SHARPNESS
    half_life = WEATHER_HALF_LIFE_DAYS if plain else HALF_LIFE_DAYS
    out = members[2].copy()
    for day in range(WARM_DAYS, days.values.shape[1]):
        past = np.arange(max(day - MEMORY_DAYS, 2), day - days.lead)
        importance = importance_of(days.types, past, day, half_life) * (seen[:, past] > 0)
        total = importance.sum(axis=1)
        mean = (errors[:, :, past] * importance).sum(axis=2) / np.maximum(total, 1e-12) + floor
        weight = (mean.min(axis=0) / mean) ** sharpness
        out[:, day] = (members[:, :, day] * (weight / weight.sum(axis=0))[..., None]).sum(axis=0)
    return out


def importance_of(types: NDArray[np.int64], past: NDArray[np.int64], day: int, half_life: float) -> Floats:
    """(1, R) weight of past days: newer ones and those of the day's type count more."""
    weight = np.where(types[past] == types[day], SAME_TYPE_WEIGHT, 1.0) * 0.5 ** ((day - past) / half_life)
    return weight[None].astype(np.float32)
