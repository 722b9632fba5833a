"""Forecast sums of devices: mean of the sum's own profile, its ARIMA, and the sum of the device forecasts."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels import arima
from forecasting.kernels.arrays import Floats, nan_mean
from forecasting.kernels.calendar import DayGrid
from forecasting.kernels.classes import NET, SeriesClass
from forecasting.kernels.climb import forecast_class
from forecasting.kernels.combine import score_weights, weighted
from forecasting.kernels.fleet import FleetForecast
from forecasting.kernels.ladder import Ladder, LadderSettings

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


def sum_grid(fleet: FleetForecast, membership: NDArray[np.bool_]) -> DayGrid:
    """Histories (A, D, S) of A sums of devices; membership (A, N). NaN after the issue, the only place where a
    device's history may hold one."""
    total = sums(membership, fleet.grid.values)
    total[:, -1, fleet.grid.issue_slot :] = np.nan
    return fleet.grid.with_values(total)


def sums(membership: NDArray[np.bool_], values: Floats) -> Floats:
    """(A, ...) sums over the devices (N, ...) of each group."""
    from scipy.sparse import csr_matrix

    flat = values.reshape(len(values), -1)
    found: Floats = (csr_matrix(membership, dtype=np.float32) @ flat).reshape(len(membership), *values.shape[1:])
    return found


def profile_of_sums(
    grid: DayGrid, *, target_day: int, kind: SeriesClass = NET, sign: float = 1.0
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Profile (A, S), past profiles (A, R, S) as known then and their days, for sums in load convention."""
    turned = grid.with_values(np.float32(sign) * grid.values)
    level = np.nan_to_num(nan_mean(np.abs(turned.values.reshape(len(turned.values), -1)), axis=1), nan=0.0)
    level = np.maximum(level, np.float32(1e-6))
    peak = np.nan_to_num(np.abs(turned.values), nan=0.0).max(axis=(1, 2)) + np.float32(1e-6)
    plain = replace(kind, gradient=False)
    ladder = Ladder(
        turned,
        target_day=target_day,
        series_class=plain,
        level_kw=level,
        capacity_kw=1.2 * peak,
        signed=not kind.produces and kind.name == NET.name,
    )
    found = forecast_class(ladder, LadderSettings())
    return np.float32(sign) * found.profile_kw, np.float32(sign) * found.past_profile_kw, found.past_days


def forecast_totals(
    fleet: FleetForecast,
    membership: NDArray[np.bool_],
    *,
    polish: NDArray[np.bool_],
    stored: list[arima.ArimaParameters | None] | None = None,
) -> list[TotalForecast]:
    """Forecast A sums. polish (A,): exact likelihood, not only the conditional fit; stored: parameters to reuse."""
    if not len(membership):
        return []
    grid = sum_grid(fleet, membership)
    profile, past_profile, days = profile_of_sums(grid, target_day=fleet.target_day)
    bottom_up, held_bottom_up = sums(membership, fleet.mean_kw), sums(membership, fleet.held_mean_kw)
    held_profile = past_profile[:, len(days) - len(fleet.held_days) :]
    found = []
    for place in range(len(membership)):
        known = stored[place] if stored else None
        found.append(
            _one_total(
                grid.with_values(grid.values[place : place + 1]),
                fleet,
                np.stack([profile[place], bottom_up[place]]).astype(np.float64),
                np.stack([held_profile[place], held_bottom_up[place]]).astype(np.float64),
                residual=(grid.values[place, days] - past_profile[place]).astype(np.float64),
                days=days,
                iterations=6 if polish[place] else 0,
                stored=known,
            )
        )
    return found


def _one_total(
    grid: DayGrid,
    fleet: FleetForecast,
    members: Array,
    held: Array,
    *,
    residual: Array,
    days: NDArray[np.int64],
    iterations: int,
    stored: arima.ArimaParameters | None,
) -> TotalForecast:
    hourly, _ = _hourly_deviation(grid, grid.issue_day, fleet.target_day)
    parameters, note = (stored, "stored parameters") if stored else arima.fit(hourly, max_iterations=iterations)
    ahead = arima_member(grid, parameters, members[0], issue_day=grid.issue_day, target_day=fleet.target_day)
    lead = fleet.target_day - grid.issue_day
    held_arima = [
        arima_member(grid, parameters, held[0, place], issue_day=int(day) - lead, target_day=int(day))
        for place, day in enumerate(fleet.held_days)
    ]
    all_members = np.concatenate([members, ahead[None]])
    if not held_arima:
        weights = np.full(3, 1 / 3)
        return TotalForecast(
            all_members.mean(axis=0), all_members, weights, residual, days, 1.0, parameters, note, hourly
        )
    actual = grid.values[0, fleet.held_days].astype(np.float64)
    all_held = np.concatenate([held, np.array(held_arima)[None]])
    errors = np.nanmean(np.abs(all_held - actual), axis=(1, 2))
    weights = score_weights(errors[:, None])
    mean = weighted(all_members[:, None], weights)[0]
    mixed = (all_held * weights[:, 0, None, None]).sum(axis=0)
    ratio = float(np.clip(np.nanmean(np.abs(mixed - actual)) / max(errors[0], 1e-9), 0.6, 1.1))
    return TotalForecast(mean, all_members, weights[:, 0], residual, days, ratio, parameters, note, hourly)


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
