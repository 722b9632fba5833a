"""Seasonal ARIMA on aggregates: what boosting does not see, the memory of a sum over the last days.

The quarter-hour aggregate is modelled hourly as SARIMA(1,0,1)(0,1,1)24 around its day-type shape, by statsmodels, and
put back on quarter hours with the shape of the profile. Parameters are plain numbers: they can be stored, filtered over
new data without a fit, and withdrawn. Box, Jenkins & Reinsel, "Time Series Analysis", 4th ed., chapter 9.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SEASON_HOURS = 24
MIN_DAYS = 8
ROOT_MARGIN = 0.995


@dataclass(frozen=True)
class ArimaParameters:
    """ar, ma: non-seasonal; seasonal_ma: lag 24; sigma_kw: innovation standard deviation. Polynomials in statsmodels'
    sign: (1 - ar L) d_t = (1 + ma L)(1 + seasonal_ma L^24) e_t, with d the daily difference."""

    ar: float
    ma: float
    seasonal_ma: float
    sigma_kw: float

    def sound(self) -> bool:
        """Stationary and invertible with a margin, and finite; anything else may explode within a day."""
        values = (self.ar, self.ma, self.seasonal_ma, self.sigma_kw)
        return bool(np.isfinite(values).all() and max(map(abs, values[:3])) <= ROOT_MARGIN)


FALLBACK = ArimaParameters(ar=0.7, ma=0.0, seasonal_ma=-0.8, sigma_kw=0.0)


def fit(hourly_kw: Array, *, max_iterations: int = 6) -> tuple[ArimaParameters, str]:
    """Parameters of one hourly series (T,), NaN allowed; and "" or why it is not the maximum of the likelihood.

    A conditional fit starts an exact one of at most max_iterations steps; 0 keeps the conditional one.

    Never raises for data: a short, constant or ill-behaved series gets fixed, cautious parameters.
    """
    difference = daily_difference(hourly_kw)
    spread = float(np.nanstd(difference)) if np.isfinite(difference).any() else 0.0
    if len(hourly_kw) < MIN_DAYS * SEASON_HOURS or np.isfinite(difference).mean() < 0.5:
        return _scaled_fallback(spread), "history shorter than eight days"
    if spread <= 1e-9:
        return _scaled_fallback(0.0), "constant series"
    start = conditional_fit(difference)
    found, reason = _polish(difference, start, spread, max_iterations) if max_iterations else (start, "")
    if not found.sound():
        found, reason = start, reason or "roots on the unit circle"
    return (found, reason) if found.sound() else (_scaled_fallback(spread), "roots on the unit circle")


def _polish(
    difference: Array, start: ArimaParameters, spread: float, max_iterations: int
) -> tuple[ArimaParameters, str]:
    """Exact maximum likelihood in state space, from the conditional estimate."""
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    model = SARIMAX(
        difference / spread,
        order=(1, 0, 1),
        seasonal_order=(0, 0, 1, SEASON_HOURS),
        enforce_stationarity=True,
        enforce_invertibility=True,
        concentrate_scale=True,
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = model.fit(
                start_params=np.array([start.ar, start.ma, start.seasonal_ma]),
                disp=False,
                maxiter=max_iterations,
                method="lbfgs",
                low_memory=True,
            )
    except (np.linalg.LinAlgError, ValueError, FloatingPointError) as error:
        return start, f"fit failed: {type(error).__name__}"
    ar, ma, seasonal_ma = (float(value) for value in result.params[:3])
    return ArimaParameters(ar, ma, seasonal_ma, float(np.sqrt(result.scale)) * spread), ""


def conditional_fit(difference: Array) -> ArimaParameters:
    """Parameters that minimise the conditional sum of squares of one differenced series, gaps taken as no change.

    Box, Jenkins & Reinsel, section 7.1; milliseconds, and inside the sound region by construction.
    """
    from scipy.optimize import least_squares

    known = np.nan_to_num(difference, nan=0.0)
    scale = float(known.std()) or 1.0
    bound = 0.98

    def errors(point: Array) -> Array:
        return innovations(known / scale, ArimaParameters(point[0], point[1], point[2], 1.0))

    start = np.array([FALLBACK.ar, FALLBACK.ma, FALLBACK.seasonal_ma])
    best = least_squares(errors, start, bounds=(-bound, bound), max_nfev=30)
    sigma_kw = scale * float(np.sqrt(2 * best.cost / max(len(known), 1)))
    ar, ma, seasonal_ma = (float(value) for value in best.x)
    return ArimaParameters(ar, ma, seasonal_ma, sigma_kw)


def forecast(hourly_kw: Array, parameters: ArimaParameters, horizon: int) -> Array:
    """Mean forecast (horizon,) after an hourly series (T,), by filtering with given parameters; NaN are gaps.

    Gaps of the series are first filled with the latest value of the same hour, so that the daily sum can be undone.
    """
    filled = fill_same_hour(hourly_kw)
    difference = filled[SEASON_HOURS:] - filled[:-SEASON_HOURS]
    innovation = innovations(difference, parameters)
    ahead = _extend(difference, innovation, parameters, np.zeros(horizon))
    return _undo_difference(filled, ahead)


def simulate(hourly_kw: Array, parameters: ArimaParameters, horizon: int, *, paths: int, seed: int) -> Array:
    """Paths (paths, horizon) with Gaussian innovations from a seeded generator."""
    filled = fill_same_hour(hourly_kw)
    difference = filled[SEASON_HOURS:] - filled[:-SEASON_HOURS]
    innovation = innovations(difference, parameters)
    shocks = np.random.default_rng(seed).normal(0.0, parameters.sigma_kw, size=(paths, horizon))
    ahead = _extend(difference, innovation, parameters, shocks)
    return _undo_difference(filled, ahead)


def innovations(difference: Array, parameters: ArimaParameters) -> Array:
    """One-step errors (T,) of the differenced series by the conditional recursion, zero before its start."""
    from scipy.signal import lfilter

    ma = np.zeros(SEASON_HOURS + 2)
    ma[[0, 1, SEASON_HOURS, SEASON_HOURS + 1]] = (
        1.0,
        parameters.ma,
        parameters.seasonal_ma,
        parameters.ma * parameters.seasonal_ma,
    )
    errors: Array = lfilter([1.0, -parameters.ar], ma, difference)
    return errors


def daily_difference(hourly_kw: Array) -> Array:
    return hourly_kw[SEASON_HOURS:] - hourly_kw[:-SEASON_HOURS] if len(hourly_kw) > SEASON_HOURS else np.zeros(0)


def fill_same_hour(hourly_kw: Array) -> Array:
    """Gaps filled with the same hour of the day before, then of the day after, then 0; at least two days long."""
    values = np.concatenate([np.full(max(2 * SEASON_HOURS - len(hourly_kw), 0), np.nan), hourly_kw])
    if np.isnan(values).any():
        short = -len(values) % SEASON_HOURS
        days = np.concatenate([values, np.full(short, np.nan)]).reshape(-1, SEASON_HOURS)
        for later, before in [(day, day - 1) for day in range(1, len(days))] + [
            (day, day + 1) for day in range(len(days) - 2, -1, -1)
        ]:
            days[later] = np.where(np.isnan(days[later]), days[before], days[later])
        values = days.ravel()[: len(values)]
    return np.nan_to_num(values, nan=0.0)


def _extend(difference: Array, errors: Array, parameters: ArimaParameters, shocks: Array) -> Array:
    """Differences (..., horizon) ahead, driven by the known errors and the given shocks (..., horizon)."""
    horizon = shocks.shape[-1]
    past = 1 + SEASON_HOURS
    known = np.concatenate([np.zeros(max(past - len(errors), 0)), errors])[-past:]
    error = np.concatenate([np.broadcast_to(known, (*shocks.shape[:-1], past)), shocks], axis=-1)
    cross = parameters.ma * parameters.seasonal_ma
    out = np.empty(shocks.shape)
    level = np.broadcast_to(difference[-1] if len(difference) else 0.0, shocks.shape[:-1])
    for step in range(horizon):
        now = past + step
        level = (
            parameters.ar * level
            + error[..., now]
            + parameters.ma * error[..., now - 1]
            + parameters.seasonal_ma * error[..., now - SEASON_HOURS]
            + cross * error[..., now - SEASON_HOURS - 1]
        )
        out[..., step] = level
    return out


def _undo_difference(filled: Array, difference: Array) -> Array:
    horizon = difference.shape[-1]
    out = np.empty(difference.shape)
    for step in range(horizon):
        before = out[..., step - SEASON_HOURS] if step >= SEASON_HOURS else filled[len(filled) - SEASON_HOURS + step]
        out[..., step] = before + difference[..., step]
    return out


def _scaled_fallback(spread: float) -> ArimaParameters:
    return ArimaParameters(FALLBACK.ar, FALLBACK.ma, FALLBACK.seasonal_ma, 0.6 * spread)
