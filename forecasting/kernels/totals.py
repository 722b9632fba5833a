"""Forecast sums of devices: mean of the sum's own profile, its ARIMA, and the sum of the device forecasts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels import arima
from forecasting.kernels.arrays import nan_mean
from forecasting.kernels.calendar import DayGrid
from forecasting.kernels.combine import score_weights, weighted
from forecasting.kernels.fleet_forecast import FleetForecast
from forecasting.kernels.sums import bottom_up, profile_of_sums, sum_grid
from forecasting.kernels.workers import Workers

Array = NDArray[np.float64]

MEMBERS = ("profile", "bottom_up", "arima")


@dataclass(frozen=True)
class TotalForecast:
    """Forecast of one sum by local slot (S,), load convention.

    members_kw (3, S) and weights (3,) in the order of MEMBERS; residual_kw (R, S): past days minus the profile as known
    then; error_ratio: error of the mean over that of the profile on held-out days; parameters and note of the ARIMA.
    hourly_kw (T,): the deviation from the day-type shape that the ARIMA was filtered over.
    """

    mean_kw: Array
    members_kw: Array
    weights: Array
    residual_kw: Array
    past_days: NDArray[np.int64]
    error_ratio: float
    parameters: arima.ArimaParameters
    note: str
    hourly_kw: Array


@dataclass(frozen=True)
class _Sum:
    """One sum with all that its forecast needs: a grid of one series, members (2, S) and what they said of the held-out
    days (2, V, S), residual (R, S) of its profile on past days; iterations of the exact fit, or parameters to reuse."""

    grid: DayGrid
    target_day: int
    held_days: NDArray[np.int64]
    members: Array
    held: Array
    residual: Array
    past_days: NDArray[np.int64]
    iterations: int
    stored: arima.ArimaParameters | None


def forecast_totals(
    fleet: FleetForecast,
    *,
    polish: NDArray[np.bool_],
    stored: Sequence[arima.ArimaParameters | None] | None = None,
    workers: Workers | None = None,
) -> list[TotalForecast]:
    """Forecast all portfolios, then all feeders. polish (A,): exact likelihood, not only the conditional fit; stored:
    parameters to reuse."""
    grid = sum_grid(fleet)
    profile, past_profile, days = profile_of_sums(grid, target_day=fleet.target_day)
    added, held_added = bottom_up(fleet, fleet.mean_kw), bottom_up(fleet, fleet.held_mean_kw)
    held_profile = past_profile[:, len(days) - len(fleet.held_days) :]
    asked = [
        _Sum(
            grid.with_values(grid.values[place : place + 1]),
            fleet.target_day,
            fleet.held_days,
            np.stack([profile[place], added[place]]).astype(np.float64),
            np.stack([held_profile[place], held_added[place]]).astype(np.float64),
            residual=(grid.values[place, days] - past_profile[place]).astype(np.float64),
            past_days=days,
            iterations=6 if polish[place] else 0,
            stored=stored[place] if stored else None,
        )
        for place in range(len(grid.values))
    ]
    return list((workers or Workers(1)).map(_forecast_sum, asked))


def _forecast_sum(one: _Sum) -> TotalForecast:
    grid, members = one.grid, one.members
    hourly, _ = _hourly_deviation(grid, grid.issue_day, one.target_day)
    known = one.stored
    parameters, note = (known, "stored parameters") if known else arima.fit(hourly, max_iterations=one.iterations)
    ahead = arima_member(grid, parameters, members[0], issue_day=grid.issue_day, target_day=one.target_day)
    lead = one.target_day - grid.issue_day
    held_arima = [
        arima_member(grid, parameters, one.held[0, place], issue_day=int(day) - lead, target_day=int(day))
        for place, day in enumerate(one.held_days)
    ]
    all_members = np.concatenate([members, ahead[None]])
    weights, ratio = np.full(3, 1 / 3), 1.0
    if held_arima:
        actual = grid.values[0, one.held_days].astype(np.float64)
        all_held = np.concatenate([one.held, np.array(held_arima)[None]])
        errors = np.nanmean(np.abs(all_held - actual), axis=(1, 2))
        weights = score_weights(errors[:, None])[:, 0]
        mixed = (all_held * weights[:, None, None]).sum(axis=0)
        ratio = float(np.clip(np.nanmean(np.abs(mixed - actual)) / max(errors[0], 1e-9), 0.6, 1.1))
    mean = weighted(all_members[:, None], weights[:, None])[0]
    return TotalForecast(mean, all_members, weights, one.residual, one.past_days, ratio, parameters, note, hourly)


def arima_member(
    grid: DayGrid, parameters: arima.ArimaParameters, profile_kw: Array, *, issue_day: int, target_day: int
) -> Array:
    """Forecast (S,) of one sum (a grid of one series) at an issue day, with the quarter-hour shape of its profile."""
    per_hour = max(60 // grid.step_minutes, 1)
    hourly, shape = _hourly_deviation(grid, issue_day, target_day)
    horizon = (target_day + 1) * 24 - len(hourly)
    ahead = arima.forecast(hourly, parameters, horizon)[-24:] + shape[-24:]
    return profile_kw + np.repeat(ahead - _by_hour(profile_kw), per_hour)


def innovation_paths(total: TotalForecast, fleet: FleetForecast, *, paths: int, seed: int) -> Array:
    """(paths, S) deviations of simulated ARIMA paths from their mean over the target day."""
    per_hour = max(60 // fleet.grid.step_minutes, 1)
    horizon = (fleet.target_day + 1) * 24 - len(total.hourly_kw)
    simulated = arima.simulate(total.hourly_kw, total.parameters, horizon, paths=paths, seed=seed)[:, -24:]
    return np.repeat(simulated - simulated.mean(axis=0), per_hour, axis=1)


def _hourly_deviation(grid: DayGrid, issue_day: int, target_day: int) -> tuple[Array, Array]:
    """Hourly deviation (T,) from the day-type shape up to the issue, and the shape itself up to the target day."""
    hours = grid.issue_slot * grid.step_minutes // 60
    by_hour = _by_hour(grid.values[0, : issue_day + 1].astype(np.float64))
    types = grid.types_until(target_day)
    complete, of_day = by_hour[:issue_day], types[:issue_day]
    overall = _mean_or_zero(complete)
    shapes = {kind: _mean_or_zero(complete[of_day == kind], overall) for kind in (0, 1, 2)}
    shape = np.concatenate([shapes[int(kind)] for kind in types])
    flat = by_hour.reshape(-1)[: issue_day * 24 + hours]
    return flat - shape[: len(flat)], shape


def _mean_or_zero(days: Array, otherwise: Array | None = None) -> Array:
    mean = nan_mean(days.astype(np.float32), axis=0).astype(np.float64)
    return np.where(np.isfinite(mean), mean, 0.0 if otherwise is None else otherwise)


def _by_hour(values: Array) -> Array:
    """(..., S) to (..., 24) hourly means; a step of one hour stays as it is."""
    return values.reshape(*values.shape[:-1], 24, -1).mean(axis=-1)
