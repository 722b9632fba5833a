"""Scores of point and quantile forecasts. All in kW, all ignoring intervals without an observation."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def mean_absolute_error(observed_kw: Array, forecast_kw: Array) -> float:
    """Mean |observed - forecast| over the observed intervals, in kW; NaN when nothing was observed.

    Raises ValueError if the shapes disagree.
    """
    if observed_kw.shape != forecast_kw.shape:
        raise ValueError(f"forecast {forecast_kw.shape}, want {observed_kw.shape}")
    error_kw = np.abs(observed_kw - forecast_kw)
    seen = np.isfinite(observed_kw)
    return float(error_kw[seen].mean()) if seen.any() else float("nan")


def pinball_loss(observed_kw: Array, forecast_kw: Array, levels: Array) -> Array:
    """Mean pinball (quantile) loss per level, in kW; lower is better.

    observed_kw : (T,)    mean power per interval, consumption positive.
    forecast_kw : (T, Q)  one column per quantile level.
    levels      : (Q,)    strictly increasing, each in (0, 1).
    returns     : (Q,)    intervals with a NaN observation are left out.

    With e = y - q the loss is max(tau * e, (tau - 1) * e); Koenker & Bassett
    (1978), Econometrica 46(1), doi:10.2307/1913643.

    Raises ValueError if the shapes disagree.
    """
    if forecast_kw.shape != (observed_kw.size, levels.size):
        raise ValueError(f"forecast {forecast_kw.shape}, want {(observed_kw.size, levels.size)}")
    seen = np.isfinite(observed_kw)
    if not seen.any():
        return np.full(levels.size, np.nan)
    error_kw = observed_kw[seen, None] - forecast_kw[seen]
    loss: Array = np.maximum(levels * error_kw, (levels - 1) * error_kw).mean(axis=0)
    return loss


def crps_from_quantiles(observed_kw: Array, forecast_kw: Array, levels: Array) -> float:
    """Continuous ranked probability score in kW, approximated by twice the mean pinball loss.

    Gneiting & Raftery (2007), JASA 102(477), doi:10.1198/016214506000001437, equation 21 integrated over the levels.
    """
    return float(2.0 * pinball_loss(observed_kw, forecast_kw, levels).mean())


def coverage(observed_kw: Array, lower_kw: Array, upper_kw: Array) -> float:
    """Share (0..1) of the observed intervals inside [lower, upper]; NaN when nothing was observed."""
    seen = np.isfinite(observed_kw)
    inside = (observed_kw >= lower_kw) & (observed_kw <= upper_kw)
    return float(inside[seen].mean()) if seen.any() else float("nan")


def crossings(forecast_kw: Array) -> int:
    """Number of places where a quantile lies above the next higher one; (..., Q) in, 0 is right."""
    return int((np.diff(forecast_kw, axis=-1) < 0).sum())


def daily_scores(
    observed_kw: Array, mean_kw: Array, quantiles_kw: Array | None, levels: Array, others_kw: dict[str, Array]
) -> dict[str, Array]:
    """Scores (N,) of N series over one day, NaN where nothing could be compared.

    observed_kw, mean_kw (N, H), NaN is left out; quantiles_kw (N, H, Q) at levels (Q,); others_kw: further point
    forecasts (N, H) by name, each scored as "<name>_mae_kw" on the intervals that it has.
    """
    seen = np.isfinite(observed_kw)
    found = {"intervals": seen.sum(axis=1), "mae_kw": _mean_where(np.abs(observed_kw - mean_kw), seen)}
    for name, other_kw in others_kw.items():
        both = seen & np.isfinite(other_kw)
        found[f"{name}_mae_kw"] = _mean_where(np.abs(observed_kw - other_kw), both)
    if quantiles_kw is not None and len(levels):
        error_kw = observed_kw[..., None] - quantiles_kw
        loss = np.maximum(levels * error_kw, (levels - 1) * error_kw).mean(axis=2)
        found["pinball_kw"] = _mean_where(loss, seen)
        found["crps_kw"] = 2 * found["pinball_kw"]
        low, high = (int(np.abs(levels - level).argmin()) for level in (0.1, 0.9))
        slack_kw = 1e-6 * (1 + np.abs(mean_kw))  # rounding of stored float32
        inside = (observed_kw >= quantiles_kw[..., low] - slack_kw) & (
            observed_kw <= quantiles_kw[..., high] + slack_kw
        )
        found["coverage"] = _mean_where(inside.astype(np.float64), seen)
    return found


def _mean_where(values: Array, seen: NDArray[np.bool_]) -> Array:
    count = seen.sum(axis=1)
    total = np.where(seen, values, 0.0).sum(axis=1)
    return np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0)
