"""Bands and weights from what a model did not see: residual quantiles, shrinkage, conformal widening, cold starts."""

import numpy as np

from forecasting.kernels.arrays import Floats
from forecasting.kernels.gradient import LEVELS

SERIES_CHUNK = 1000


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
    trust = residual_kw.shape[1] / (residual_kw.shape[1] + 2)  # few held-out days prove little
    shrunk = (cross + prior * common) / np.maximum(power + prior, 1e-12)
    weights: Floats = np.clip(trust * shrunk, 0, 1).astype(np.float32)
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
