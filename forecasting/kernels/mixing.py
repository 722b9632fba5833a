"""How much each kind of deciles is worth, and how wide the band must be, by days that were not learned from."""

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.arrays import Floats
from forecasting.kernels.own_bands import DECILES

MIXES = np.array([0.0, 0.25, 0.5, 0.75])
PRIOR_DAYS = 10.0
PRIOR_MIX = 0.5
LOSS_WEIGHT = 50.0  # a mix that loses 2 % more counts for a third
BAND_TRUST = (0.2, 0.4)  # in what a series' held days and those of its class ask for
BAND_LIMITS = (0.7, 1.4)
IDLE_TRUST, IDLE_LIMITS = (0.2, 0.8), (0.4, 1.4)  # where zero is both frequent and the lower end of the band
DAYLIGHT_TRUST, DAYLIGHT_LIMITS = (0.1, 0.8), (0.5, 1.4)
COVERED, DAYLIGHT_COVERED = 0.8, 0.7  # a certain night counts as covered: 0.8 or a little more with it


def mixing_weights(actual: Floats, seen: NDArray[np.bool_], own: Floats, boosted: Floats) -> Floats:
    """(N,) weight of the boosted deciles by pinball loss on the held days (N, V, S, 9), shrunk to the class.

    The mean of the mixes, each by e to the minus its loss: few days tell little of which is best.
    """
    losses = np.stack([_pinball(actual, seen, (1 - mix) * own + mix * boosted) for mix in MIXES])
    scaled = losses / np.maximum(losses[0], 1e-12)
    useful = losses[0] > 0
    common = scaled[:, useful].mean(axis=1) if useful.any() else np.ones(len(MIXES))
    common = common + 0.01 * np.abs(MIXES - PRIOR_MIX)
    days = actual.shape[1]
    loss = (days * scaled + PRIOR_DAYS * common[:, None]) / (days + PRIOR_DAYS)
    share = np.exp(-LOSS_WEIGHT * (loss - loss.min(axis=0)))
    weights: Floats = (MIXES @ share / share.sum(axis=0)).astype(np.float32)
    return weights


def _pinball(actual: Floats, seen: NDArray[np.bool_], quantiles: Floats) -> Floats:
    """(N,) mean pinball loss over the measured intervals."""
    error = actual[..., None] - quantiles
    loss = np.maximum(DECILES * error, (DECILES - 1) * error).mean(axis=3) * seen
    found: Floats = loss.sum(axis=(1, 2)) / np.maximum(seen.sum(axis=(1, 2)), 1)
    return found


def band_factors(actual: Floats, seen: NDArray[np.bool_], quantiles: Floats, *, idle: bool, daylight: bool) -> Floats:
    """(N, 1, 1) factors on the distance from the median that cover 80 % of the held days, part way from 1.

    Those of a series are drawn to that of its class.
    """
    low, middle, high = quantiles[..., 0], quantiles[..., 4], quantiles[..., 8]
    usable = seen & (high - low > 1e-6 * (1 + np.abs(middle)))
    if usable.sum() < 200:
        return np.ones((len(actual), 1, 1))
    below, above = np.maximum(middle - low, 1e-9), np.maximum(high - middle, 1e-9)
    score = np.where(actual < middle, (middle - actual) / below, (actual - middle) / above)
    share = DAYLIGHT_COVERED if daylight else COVERED
    common = np.quantile(score[usable], share)
    each = np.array(
        [np.quantile(one[use], share) if use.any() else common for one, use in zip(score, usable, strict=True)]
    )
    trust, limits = (IDLE_TRUST, IDLE_LIMITS) if idle else (BAND_TRUST, BAND_LIMITS)
    if daylight:
        trust, limits = DAYLIGHT_TRUST, DAYLIGHT_LIMITS
    factor = trust[0] * each + trust[1] * common + 1 - sum(trust)
    limited: Floats = np.clip(factor, *limits)[:, None, None]
    return limited
