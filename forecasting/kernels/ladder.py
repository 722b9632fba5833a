"""The ladder for one class of series: fallback, robust profile, gradient model, and their blend by held-out days."""

from collections.abc import Callable
from dataclasses import dataclass, replace

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
SERIES_CHUNK = 1000
CALIBRATION_SERIES = 100


@dataclass(frozen=True)
class LadderSettings:
    """How much work a class may cost: training rows, boosting rounds, held-out days."""

    training_rows: int = 40_000
    rounds: int = 35
    leaves: int = 12
    holdout_days: int = 4
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
    """One class on one grid; holds the naive errors so that every day's profile is made as known then."""

    def __init__(
        self,
        grid: DayGrid,
        *,
        target_day: int,
        series_class: SeriesClass,
        level_kw: Floats,
        capacity_kw: Floats,
        signed: bool = False,
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
            first_day=grid.issue_day - RESIDUAL_DAYS - profile.MEMORY_DAYS,
        )
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
        return day_features(known, target_day, day.members, day.profile, self.level_kw[series]), day.profile

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


def forecast_class(ladder: Ladder, settings: LadderSettings) -> ClassForecast:
    """Run the ladder: profile always, gradient model where the class has one and there is enough history."""
    return cold_start(_warm_forecast(ladder, settings), ladder.capacity_kw, ladder.lower_kw)


def cold_start(found: ClassForecast, capacity_kw: Floats, lower_kw: Floats) -> ClassForecast:
    """Give series with less than two days of history the mean shape of their class, scaled by their capacity."""
    cold = found.rung == "fallback"
    if not cold.any() or cold.all():
        return found
    per_kw = 1 / capacity_kw[~cold]
    shape = (found.mean_kw[~cold] * per_kw[:, None]).mean(axis=0)
    bands = (found.quantiles_kw[~cold] * per_kw[:, None, None]).mean(axis=0)
    mean, quantiles = found.mean_kw.copy(), found.quantiles_kw.copy()
    mean[cold] = np.clip(shape * capacity_kw[cold, None], lower_kw[cold, None], capacity_kw[cold, None])
    quantiles[cold] = np.clip(
        bands * capacity_kw[cold, None, None], lower_kw[cold, None, None], capacity_kw[cold, None, None]
    )
    return replace(found, mean_kw=mean, quantiles_kw=quantiles)


def _warm_forecast(ladder: Ladder, settings: LadderSettings) -> ClassForecast:
    base = _profile_forecast(ladder, settings)
    if not ladder.kind.gradient:
        return base
    training = [int(day) for day in base.past_days[: len(base.past_days) - len(base.held_days)]]
    training = [day for day in training if day >= MIN_TRAINING_HISTORY + ladder.lead][-TRAINING_DAYS:]
    if len(training) < 3:
        return base
    model = _fit(ladder, training, settings)
    return base if model is None else _gradient_forecast(ladder, base, model, settings.seed)


def _profile_forecast(ladder: Ladder, settings: LadderSettings) -> ClassForecast:
    everything = slice(None)
    days = ladder.past_days()
    n_series, _, n_slots = ladder.grid.values.shape
    past = np.empty((n_series, len(days), n_slots), dtype=np.float32)
    for place, day in enumerate(days):
        past[:, place] = ladder.limit(ladder.day(int(day), everything)[1].profile)
    profile_kw = ladder.limit(ladder.day(ladder.target_day, everything)[1].profile)
    residual = ladder.grid.values[:, days] - past
    quantiles = ladder.limit(residual_quantiles(profile_kw, residual))
    held = held_out(days, settings.holdout_days)
    seen = np.isfinite(ladder.grid.values).sum(axis=(1, 2)) >= 2 * n_slots
    return ClassForecast(
        mean_kw=profile_kw,
        quantiles_kw=quantiles,
        profile_kw=profile_kw,
        past_days=days,
        past_profile_kw=past,
        held_days=held,
        held_mean_kw=past[:, len(days) - len(held) :],
        rung=np.where(seen, "profile", "fallback"),
        gradient_weight=np.zeros(n_series, dtype=np.float32),
        band_factor=1.0,
        training_rows=0,
    )


def residual_quantiles(profile_kw: Floats, residual_kw: Floats) -> Floats:
    """Quantiles (N, S, Q): profile plus quantiles of residual days (N, R, S), each slot with its two neighbours.

    Without residuals the band is the profile itself: a width would be an invention.
    """
    n_series, n_days, n_slots = residual_kw.shape
    quantiles = np.repeat(profile_kw[:, :, None], len(LEVELS), axis=2)
    if not n_days:
        return quantiles
    for start in range(0, n_series, SERIES_CHUNK):
        part = residual_kw[start : start + SERIES_CHUNK]
        pooled = np.concatenate([np.roll(part, shift, axis=2) for shift in (-1, 0, 1)], axis=1)
        ordered = np.sort(pooled, axis=1)  # NaN sorts to the end
        count = np.isfinite(pooled).sum(axis=1)
        for column, level in enumerate(LEVELS):
            place = np.clip(np.round(level * (count - 1)).astype(np.int64), 0, None)
            picked = np.take_along_axis(ordered, place[:, None], axis=1)[:, 0]
            quantiles[start : start + SERIES_CHUNK, :, column] += np.where(count > 0, picked, 0)
    return quantiles


def _fit(ladder: Ladder, days: list[int], settings: LadderSettings) -> gradient.GradientModel | None:
    """Fit on a seeded sample of series, days and slots; PV on daylight rows only."""
    n_series, _, n_slots = ladder.grid.values.shape
    per_day = (
        int(np.clip(3 * settings.training_rows / (len(days) * n_slots), 10, n_series)) if n_series > 10 else n_series
    )
    feature_rows, target_rows = [], []
    for place, day in enumerate(days):
        series = gradient.sample_rows(n_series, per_day, seed=settings.seed + 7919 * place)
        features, base = ladder.features(day, series)
        target = (ladder.grid.values[series, day] - base) / ladder.level_kw[series, None]
        keep = np.isfinite(target) if ladder.night is None else np.isfinite(target) & ~ladder.night[series]
        feature_rows.append(features[keep])
        target_rows.append(target[keep])
    features, target = np.concatenate(feature_rows), np.concatenate(target_rows)
    chosen = gradient.sample_rows(len(target), settings.training_rows, seed=settings.seed)
    return gradient.fit(
        features[chosen], target[chosen], seed=settings.seed, rounds=settings.rounds, leaves=settings.leaves
    )


def _gradient_forecast(ladder: Ladder, base: ClassForecast, model: gradient.GradientModel, seed: int) -> ClassForecast:
    everything = np.arange(len(ladder.level_kw))
    level = ladder.level_kw[:, None]
    profiles = base.held_mean_kw
    deviation = _predict(ladder, gradient.predict_mean, model, base.held_days, everything)
    weight = deviation_weights(
        ladder.grid.values[:, base.held_days] - profiles, deviation * level[:, None], ladder.level_kw
    )
    target = np.array([ladder.target_day])
    ahead = _predict(ladder, gradient.predict_mean, model, target, everything)[:, 0]
    bands = _predict(ladder, gradient.predict_quantiles, model, target, everything)[:, 0]
    quantiles = ladder.limit(base.profile_kw[..., None] + bands * level[..., None])
    quantiles = (quantiles + base.quantiles_kw) / 2  # quantile average with the series' own residuals
    factor = _calibrate(ladder, base, model, gradient.sample_rows(len(everything), CALIBRATION_SERIES, seed=seed))
    return replace(
        base,
        mean_kw=ladder.limit(base.profile_kw + weight[:, None] * ahead * level),
        quantiles_kw=np.sort(ladder.limit(widen(quantiles, factor)), axis=2),
        held_mean_kw=_limited_days(ladder, profiles + weight[:, None, None] * deviation * level[:, None]),
        rung=np.where(base.rung == "fallback", base.rung, "gradient"),
        gradient_weight=weight,
        band_factor=factor,
        training_rows=model.rows,
    )


def _calibrate(ladder: Ladder, base: ClassForecast, model: gradient.GradientModel, series: NDArray[np.int64]) -> float:
    """Band factor from a sample of series on the held-out days."""
    if not len(base.held_days):
        return 1.0
    level = ladder.level_kw[series, None, None, None]
    bands = _predict(ladder, gradient.predict_quantiles, model, base.held_days, series)
    quantiles = base.held_mean_kw[series][..., None] + bands * level
    quantiles = np.stack([ladder.limit(quantiles[:, place], series) for place in range(quantiles.shape[1])], axis=1)
    return band_factor(ladder.grid.values[series][:, base.held_days], quantiles)


def _limited_days(ladder: Ladder, values: Floats) -> Floats:
    """(N, V, S) with every day kept within the limits of the series."""
    days = [ladder.limit(values[:, place]) for place in range(values.shape[1])]
    return np.stack(days, axis=1) if days else values


def _predict(
    ladder: Ladder,
    predict: Callable[[gradient.GradientModel, Floats], Floats],
    model: gradient.GradientModel,
    days: NDArray[np.int64],
    series: NDArray[np.int64],
) -> Floats:
    """Deviations in levels (n, V, S) or (n, V, S, Q) of some series on some days, in chunks of series."""
    parts = []
    for start in range(0, len(series), SERIES_CHUNK):
        chunk = series[start : start + SERIES_CHUNK]
        parts.append(np.stack([predict(model, ladder.features(int(day), chunk)[0]) for day in days], axis=1))
    return np.concatenate(parts)


def deviation_weights(residual_kw: Floats, deviation_kw: Floats, level_kw: Floats) -> Floats:
    """Weight (N,) of the gradient deviation per series: least squares on held-out days, shrunk to the class.

    residual_kw, deviation_kw : (N, V, S). A deviation that did not help a series counts less for it, one that did not
    help the class counts nothing (Stein-like shrinkage with the weight of two average series).
    """
    scale = level_kw[:, None, None]
    seen = np.isfinite(residual_kw)
    residual = np.where(seen, residual_kw, 0) / scale
    deviation = np.where(seen, deviation_kw, 0) / scale
    cross, power = (residual * deviation).sum(axis=(1, 2)), (deviation**2).sum(axis=(1, 2))
    if power.sum() <= 0:
        return np.full(len(level_kw), 0.5, dtype=np.float32)
    common = np.clip(cross.sum() / power.sum(), 0, 1)
    prior = 2 * np.median(power)
    weights: Floats = np.clip((cross + prior * common) / np.maximum(power + prior, 1e-12), 0, 1).astype(np.float32)
    return weights


def band_factor(actual: Floats, quantiles: Floats) -> float:
    """Factor by which the distance of the outer quantiles from the median must grow to cover 80 % of the held-out days.

    actual (N, V, S), quantiles (N, V, S, 3). Multiplicative conformal score, halfway shrunk to 1 and kept in 0.75..1.5;
    it leaves a band of width zero (PV at night) at zero. After Romano, Patterson & Candes (2019), NeurIPS 32.
    """
    low, middle, high = quantiles[..., 0], quantiles[..., 1], quantiles[..., 2]
    below, above = np.maximum(middle - low, 1e-9), np.maximum(high - middle, 1e-9)
    score = np.where(actual < middle, (middle - actual) / below, (actual - middle) / above)
    usable = np.isfinite(actual) & (high - low > 1e-6)
    if usable.sum() < 200:
        return 1.0
    needed = float(np.quantile(score[usable], 0.8))
    return float(np.clip(0.5 + 0.5 * needed, 0.75, 1.5))


def widen(quantiles: Floats, factor: float) -> Floats:
    """Outer quantiles moved away from the median by the factor; (..., 3) in and out."""
    middle = quantiles[..., 1:2]
    return middle + (quantiles - middle) * np.float32(factor)
