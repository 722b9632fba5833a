"""Own deciles of a class: of the residuals and of the values of each series, by what came true on the last days."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.arrays import Floats
from forecasting.kernels.mixing import mixing_weights
from forecasting.kernels.own_bands import OwnBands
from forecasting.kernels.pooled import Known

WARM_DAYS = 16
OWN_DAYS, OWN_EVERY = 28, 3  # own bands need no fit: they are judged on more days than the pool, not on each


@dataclass(frozen=True)
class OwnDeciles:
    """Both kinds of own deciles, mixed as suits each series: of the held days (N, V, S, 9) and of the target."""

    held: Floats
    ahead: Floats


def own_deciles(known: Known, held: NDArray[np.int64]) -> OwnDeciles:
    """A strict week is best told by residuals of its blend, wind by its values: each series by its held days (V,)."""
    judged = np.concatenate([np.arange(max(held[-1] - OWN_DAYS, WARM_DAYS), held[0], OWN_EVERY), held])
    bands, target = _bands(known, int(judged[0])), known.days.target
    residual = np.stack([bands.around(int(day)) for day in judged], axis=1)
    values = np.stack([bands.values(int(day)) for day in judged], axis=1)
    weight = mixing_weights(known.days.values[:, judged], known.days.seen[:, judged], residual, values)
    residual, values = residual[:, -len(held) :], values[:, -len(held) :]
    part = weight[:, None, None]
    ahead = (1 - part) * bands.around(target) + part * bands.values(target)
    return OwnDeciles((1 - part[..., None]) * residual + part[..., None] * values, ahead)


def half_and_half(known: Known, day: int) -> Floats:
    """(N, S, 9) where no day can be held against what came true."""
    bands = _bands(known, day)
    found: Floats = (bands.around(day) + bands.values(day)) / 2
    return found


def _bands(known: Known, first: int) -> OwnBands:
    return OwnBands(known.days, known.blend, first, reach=max(known.days.values.shape[2] // 24, 1))
