"""Day-ahead prices: boosting and a linear model of the last days, with or without published regressors.

Prices of whole local days up to the day before the target are known. The mean of gradient boosting on the deviation
from the 7-day mean and of a LEAR-like linear model per hour; quantiles from held-out errors by block of hours.
Lago et al. (2021), Applied Energy 293, doi:10.1016/j.apenergy.2021.116983 (LEAR and its regressors).
"""

import warnings

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.calendar import DayGrid, day_types, local_clock, to_day_grid
from forecasting.kernels.series import RegularSeries

Array = NDArray[np.float64]

BOOSTING_DAYS = 364
LINEAR_DAYS = 364
CALIBRATION_DAYS = 56
LEAST_DAYS = 35
LAGS = (1, 2, 3, 7)
SEED = 1


def forecast_prices(
    series: RegularSeries, exog: RegularSeries | None, times: NDArray[np.datetime64], zone: str, levels: Array
) -> list[Array]:
    """(H, Q) per price series at naive-UTC times of one or more local days, each from the days before the first."""
    clock = local_clock(times, zone, series.step_minutes)
    grid = _days(series, times[0], zone, clock.dates[-1])
    outside = None if exog is None else _days(exog, times[-1] + np.timedelta64(1, "D"), zone, clock.dates[-1])
    first = int((clock.dates[0] - grid.dates[0]).astype(np.int64))
    place = (clock.dates - grid.dates[0]).astype(np.int64)
    found = []
    for row in range(len(series.names)):
        prices = _without_gaps(grid.values[row].astype(float), first)
        regressors = _aligned(outside, grid) if outside is not None else np.zeros((len(prices), grid.slots_per_day, 0))
        by_day = {int(day): _one_day(prices, regressors, grid, first, int(day), levels) for day in np.unique(place)}
        found.append(np.array([by_day[int(day)][slot] for day, slot in zip(place, clock.slots, strict=True)]))
    return found


def _one_day(prices: Array, regressors: Array, grid: DayGrid, first: int, day: int, levels: Array) -> Array:
    """(S, Q) of one day; days before `first` are known."""
    lead = day - first
    if first < LEAST_DAYS + lead:
        return _naive(prices, first, day, levels)
    columns = _features(prices, regressors, grid, lead)
    usable = np.arange(7 + max(LAGS) + lead, first)
    held = usable[-min(CALIBRATION_DAYS, len(usable) // 3) :]
    earlier = usable[: len(usable) - len(held)]
    errors = prices[held] - _fit_predict(prices, columns, earlier, held)
    mean = _fit_predict(prices, columns, usable, np.array([day]))[0]
    return mean[:, None] + _error_quantiles(errors, levels)


def _features(prices: Array, regressors: Array, grid: DayGrid, lead: int) -> Array:
    """(D, S, F): prices of known days, their daily statistics, regressors of the day and their changes, calendar."""
    n_days, n_slots = prices.shape
    lagged = [_shift(prices, lag + lead) for lag in LAGS]
    before = _shift(prices, 1 + lead)
    week = np.stack([_shift(prices, lag + lead) for lag in range(1, 8)])
    daily = [before.mean(1), before.min(1), before.max(1), before[:, -1]]
    columns = [*lagged, week.mean(0), week.std(0), *(np.repeat(one[:, None], n_slots, 1) for one in daily)]
    for one in np.moveaxis(regressors, 2, 0):
        columns += [one, one - _shift(one, 1), one - _shift(one, 7), np.repeat(one.mean(1)[:, None], n_slots, 1)]
        columns += [np.roll(one, 1, axis=1), np.roll(one, -1, axis=1)]
    if regressors.shape[2] == 2:
        residual = regressors[..., 0] - regressors[..., 1]
        columns += [residual, residual - _shift(residual, 1), residual - _shift(residual, 7)]
    weekday = (grid.dates.astype(np.int64) + 3) % 7
    kinds = day_types(grid.dates, grid.holidays)
    slot = np.arange(n_slots)[None].repeat(n_days, 0)
    columns += [slot, weekday[:, None].repeat(n_slots, 1), kinds[:, None].repeat(n_slots, 1)]
    return np.stack([np.asarray(column, dtype=float) for column in columns], axis=2)


def _fit_predict(prices: Array, columns: Array, days: NDArray[np.int64], wanted: NDArray[np.int64]) -> Array:
    """(V, S) mean of boosting and ridge, both on the deviation from the 7-day mean, which is column len(LAGS)."""
    base = columns[..., len(LAGS)]
    boosted = _boosting(prices - base, columns, days[-BOOSTING_DAYS:], wanted)
    linear = _linear(prices - base, columns, days[-LINEAR_DAYS:], wanted)
    mean: Array = base[wanted] + (boosted + linear) / 2
    return mean


def _boosting(target: Array, columns: Array, days: NDArray[np.int64], wanted: NDArray[np.int64]) -> Array:
    from sklearn.ensemble import HistGradientBoostingRegressor

    relative = columns.copy()
    relative[..., : len(LAGS)] -= columns[..., len(LAGS)][..., None]
    rows, goal = relative[days].reshape(-1, columns.shape[2]), target[days].ravel()
    spread = np.quantile(np.abs(goal - np.median(goal)), 0.995) + 1e-9
    model = HistGradientBoostingRegressor(
        max_iter=150, learning_rate=0.06, max_leaf_nodes=15, min_samples_leaf=40, l2_regularization=5.0,
        max_features=0.6, early_stopping=False, random_state=SEED,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(rows, np.clip(goal, -spread, spread))
    return np.asarray(model.predict(relative[wanted].reshape(-1, columns.shape[2]))).reshape(len(wanted), -1)


def _linear(target: Array, columns: Array, days: NDArray[np.int64], wanted: NDArray[np.int64]) -> Array:
    """One ridge regression a slot over the whole day's lags and regressors, its penalty by generalised validation."""
    from sklearn.linear_model import RidgeCV

    wide = _wide(columns)
    centre, scale = wide[days].mean(0), wide[days].std(0) + 1e-9
    x, ahead = (wide[days] - centre) / scale, np.clip((wide[wanted] - centre) / scale, -4, 4)
    goal = target[days]
    spread = np.quantile(np.abs(goal - np.median(goal, axis=0)), 0.98, axis=0) + 1e-9
    model = RidgeCV(alphas=np.geomspace(30, 30_000, 7), alpha_per_target=True).fit(x, np.clip(goal, -spread, spread))
    return np.asarray(model.predict(ahead)).reshape(len(wanted), -1)


def _wide(columns: Array) -> Array:
    """(D, F') one row a day: hourly lags and regressors of the whole day, in hours, with day-of-week indicators."""
    n_days, n_slots, _ = columns.shape
    hourly = columns.reshape(n_days, 24, n_slots // 24, -1).mean(axis=2)
    base = hourly[..., len(LAGS)]
    parts = [hourly[..., place] - base for place in range(len(LAGS))]
    parts += [hourly[..., place] for place in range(len(LAGS) + 6, columns.shape[2] - 3)]
    weekday = columns[:, 0, -2].astype(int)
    return np.concatenate([*parts, np.eye(7)[weekday]], axis=1)


def _error_quantiles(errors: Array, levels: Array) -> Array:
    """(S, Q) quantiles of held-out errors (V, S), each slot with those of the two hours around it, centred halfway."""
    n_slots = errors.shape[1]
    reach = max(n_slots // 24, 1) * 2
    pooled = np.concatenate([np.roll(errors, shift, axis=1) for shift in range(-reach, reach + 1)])
    return np.quantile(pooled, levels, axis=0).T


def _naive(prices: Array, first: int, day: int, levels: Array) -> Array:
    """Short history: the latest same weekday, else the latest day, with the spread of daily changes."""
    n_slots = prices.shape[1]
    source = next((one for one in range(day - 7, -1, -7) if one < first), first - 1)
    mean = prices[source] if source >= 0 else np.zeros(n_slots)
    changes = np.diff(prices[:first], axis=0)
    if not len(changes):
        return np.repeat(mean[:, None], len(levels), axis=1)
    return mean[:, None] + np.quantile(changes, levels)[None]


def _days(series: RegularSeries, until: np.datetime64, zone: str, last: np.datetime64) -> DayGrid:
    """Day grid up to and including the local date `last`, with what starts before `until`."""
    grid = to_day_grid(series.values, series.starts, issue=until, zone=zone, step_minutes=series.step_minutes)
    missing = int((last - grid.dates[-1]).astype(np.int64))
    values = np.pad(grid.values, ((0, 0), (0, max(missing, 0)), (0, 0)), constant_values=np.nan)
    dates = grid.dates[0] + np.arange(values.shape[1]).astype("timedelta64[D]")
    return DayGrid(values, dates, grid.issue_slot, grid.step_minutes, zone, grid.holidays)


def _aligned(outside: DayGrid, grid: DayGrid) -> Array:
    """(D, S, K) regressors on the price grid's days; a column that does not cover the target is dropped."""
    place = (grid.dates - outside.dates[0]).astype(np.int64)
    inside = (place >= 0) & (place < len(outside.dates))
    values = np.full((len(outside.values), len(place), grid.slots_per_day), np.nan)
    values[:, inside] = outside.values[:, place[inside]]
    covered = np.isfinite(values[:, -1]).mean(axis=1) > 0.9
    return (
        np.stack([_without_gaps(one, len(one)) for one in values[covered]], axis=2)
        if covered.any()
        else (np.zeros((len(place), grid.slots_per_day, 0)))
    )


def _without_gaps(values: Array, known: int) -> Array:
    """Gaps of known days (D, S) filled along the day, then from the day before; unknown days stay 0."""
    import pandas as pd

    filled = pd.DataFrame(values[:known]).interpolate(axis=1, limit_direction="both").ffill().bfill().fillna(0.0)
    out = np.zeros_like(values)
    out[:known] = filled.to_numpy()
    return out


def _shift(values: Array, days: int) -> Array:
    """Value of `days` days before; the first days repeat the first."""
    index = np.maximum(np.arange(len(values)) - days, 0)
    return values[index]
