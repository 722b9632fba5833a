"""Climb the ladder for one class: profile for all, gradient model where it helps."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels import gradient
from forecasting.kernels.arrays import Floats
from forecasting.kernels.calibration import band_factor, deviation_weights, residual_quantiles, widen
from forecasting.kernels.ladder import (
    CALIBRATION_SERIES,
    FIRST_LEARNED_DAY,
    ClassForecast,
    Ladder,
    LadderSettings,
    held_out,
)

TOWARDS_PROFILE = 0.5  # the blend was weighed by absolute error: the median stands halfway to it


@dataclass(frozen=True)
class TrainedClass:
    """The gradient model of a class, the factor that makes its band fit the days that it had not seen, and the weather
    variables that it was fitted with."""

    model: gradient.GradientModel
    band_factor: float
    weather: tuple[str, ...] = ()


def train_class(ladder: Ladder, settings: LadderSettings, weather: tuple[str, ...] = ()) -> TrainedClass | None:
    """Fit on the ladder's series, which may be a sample of the class; None where there is too little to learn from."""
    model = _model_of(ladder, settings)
    if model is None:
        return None
    held = held_out(ladder.past_days(), settings.holdout_days)
    series = gradient.sample_rows(len(ladder.level_kw), CALIBRATION_SERIES, seed=settings.seed)
    return TrainedClass(model, _calibrate(ladder, model, series, held), weather)


def forecast_class(ladder: Ladder, settings: LadderSettings, trained: TrainedClass | None) -> ClassForecast:
    """Run the ladder: profile always, gradient model where one is given."""
    base = _profile_forecast(ladder, settings)
    return base if trained is None else _gradient_forecast(ladder, base, trained)


def _model_of(ladder: Ladder, settings: LadderSettings) -> gradient.GradientModel | None:
    if not ladder.kind.gradient:
        return None
    held = held_out(ladder.past_days(), settings.holdout_days)
    last = int(held[0]) if len(held) else ladder.grid.issue_day
    training = list(range(max(FIRST_LEARNED_DAY, last - settings.training_days), last))
    return _fit(ladder, training, settings) if len(training) >= 3 else None


def _profile_forecast(ladder: Ladder, settings: LadderSettings) -> ClassForecast:
    days = ladder.past_days()
    n_series, _, n_slots = ladder.grid.values.shape
    past = np.empty((n_series, len(days), n_slots), dtype=np.float32)
    for place, day in enumerate(days):
        past[:, place] = ladder.profile(int(day))
    profile_kw = ladder.profile(ladder.target_day)
    quantiles = ladder.limit(residual_quantiles(profile_kw, ladder.grid.values[:, days] - past))
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
        target = ladder.deviation(day, series)
        keep = np.isfinite(target)
        feature_rows.append(ladder.features(day, series)[keep])
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
    blind = not ladder.kind.follows_week and not trained.weather
    if blind:
        weight = np.zeros_like(weight)  # sun and wind without their weather: trees learn the last weeks' luck
    target = ladder.features(ladder.target_day, everything)
    ahead, bands = gradient.predict_mean(model, target), gradient.predict_quantiles(model, target)
    boosted = ladder.limit(base.profile_kw[..., None] + bands * level[..., None])
    quantiles = np.float32(0.5) * (boosted + base.quantiles_kw)  # average with the series' own residual quantiles
    towards = np.float32(1 if blind else TOWARDS_PROFILE)
    middle = quantiles[..., 1] + towards * (base.profile_kw - quantiles[..., 1])
    quantiles[..., 1] = np.clip(middle, quantiles[..., 0], quantiles[..., 2])
    return replace(
        base,
        mean_kw=ladder.limit(base.profile_kw + weight[:, None] * ahead * level),
        quantiles_kw=np.sort(ladder.limit(widen(quantiles, trained.band_factor)), axis=2),
        held_mean_kw=_limited_days(ladder, profiles + weight[:, None, None] * deviation * level[:, None]),
        rung=np.where(base.rung == "fallback", base.rung, "gradient"),
        gradient_weight=weight,
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
        profile_kw = ladder.profile(int(day), series)
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
    """Deviations in levels (n, V, S) or (n, V, S, Q) of some series on some days."""
    if not len(days):
        return np.zeros((len(series), 0, ladder.grid.slots_per_day), dtype=np.float32)
    return np.stack([predict(model, ladder.features(int(day), series)) for day in days], axis=1)
