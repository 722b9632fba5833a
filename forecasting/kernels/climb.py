"""Climb the ladder for one class: profile for all, gradient model where it helps, class shape for newcomers."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels import gradient
from forecasting.kernels.arrays import Floats
from forecasting.kernels.calibration import SERIES_CHUNK, band_factor, deviation_weights, residual_quantiles, widen
from forecasting.kernels.ladder import (
    CALIBRATION_SERIES,
    MIN_TRAINING_HISTORY,
    ClassForecast,
    Ladder,
    LadderSettings,
    held_out,
)


@dataclass(frozen=True)
class TrainedClass:
    """The gradient model of a class and the factor that makes its band fit the days that it had not seen."""

    model: gradient.GradientModel
    band_factor: float


def train_class(ladder: Ladder, settings: LadderSettings) -> TrainedClass | None:
    """Fit on the ladder's series, which may be a sample of the class; None where there is too little to learn from."""
    model = _model_of(ladder, settings)
    if model is None:
        return None
    held = held_out(ladder.past_days(), settings.holdout_days)
    series = gradient.sample_rows(len(ladder.level_kw), CALIBRATION_SERIES, seed=settings.seed)
    return TrainedClass(model, _calibrate(ladder, model, series, held))


def forecast_class(ladder: Ladder, settings: LadderSettings, trained: TrainedClass | None = None) -> ClassForecast:
    """Run the ladder: profile always, gradient model where the class has one and there is enough history.

    trained : of a class that is forecast in parts; fitted on this ladder's own series if it is not given.
    """
    trained = trained or train_class(ladder, settings)
    base = _profile_forecast(ladder, settings)
    found = base if trained is None else _gradient_forecast(ladder, base, trained)
    return cold_start(found, ladder.capacity_kw, ladder.lower_kw)


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


def _model_of(ladder: Ladder, settings: LadderSettings) -> gradient.GradientModel | None:
    if not ladder.kind.gradient:
        return None
    held = held_out(ladder.past_days(), settings.holdout_days)
    last = int(held[0]) if len(held) else ladder.grid.issue_day
    first = max(MIN_TRAINING_HISTORY + ladder.lead, last - settings.training_days)
    training = list(range(first, last))
    return _fit(ladder, training, settings) if len(training) >= 3 else None


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


def _gradient_forecast(ladder: Ladder, base: ClassForecast, trained: TrainedClass) -> ClassForecast:
    everything, model = np.arange(len(ladder.level_kw)), trained.model
    level = ladder.level_kw[:, None]
    profiles = base.held_mean_kw
    deviation = _predict(ladder, gradient.predict_mean, model, base.held_days, everything)
    weight = deviation_weights(
        ladder.grid.values[:, base.held_days] - profiles, deviation * level[:, None], ladder.level_kw
    )
    target = np.array([ladder.target_day])
    ahead = _predict(ladder, gradient.predict_mean, model, target, everything)[:, 0]
    bands = _predict(ladder, gradient.predict_quantiles, model, target, everything)[:, 0]
    boosted = ladder.limit(base.profile_kw[..., None] + bands * level[..., None])
    quantiles = np.float32(0.5) * (boosted + base.quantiles_kw)  # average with the series' own residual quantiles
    return replace(
        base,
        mean_kw=ladder.limit(base.profile_kw + weight[:, None] * ahead * level),
        quantiles_kw=np.sort(ladder.limit(widen(quantiles, trained.band_factor)), axis=2),
        held_mean_kw=_limited_days(ladder, profiles + weight[:, None, None] * deviation * level[:, None]),
        rung=np.where(base.rung == "fallback", base.rung, "gradient"),
        gradient_weight=weight,
        band_factor=trained.band_factor,
        training_rows=model.rows,
    )


def _calibrate(
    ladder: Ladder, model: gradient.GradientModel, series: NDArray[np.int64], held: NDArray[np.int64]
) -> float:
    """Band factor from a sample of series on the held-out days."""
    if not len(held):
        return 1.0
    level: Floats = ladder.level_kw[series, None, None]
    bands = _predict(ladder, gradient.predict_quantiles, model, held, series)
    quantiles = []
    for place, day in enumerate(held):
        profile_kw = ladder.limit(ladder.day(int(day), series)[1].profile, series)
        quantiles.append(ladder.limit(profile_kw[..., None] + bands[:, place] * level, series))
    return band_factor(ladder.grid.values[series][:, held], np.stack(quantiles, axis=1))


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
